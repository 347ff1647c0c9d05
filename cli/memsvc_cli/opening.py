"""Opening the memory that a command works on. The library is imported here, when it is needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memsvc import Memory, Settings


@contextmanager
def opened(db: str | None, *, create: bool = False) -> Iterator["Memory"]:
    """The memory in `db`, or in the database of the settings; closed at the end.

    Without `create` a database that is not there is an error: a mistyped path must not become a
    new and empty memory.
    """
    from memsvc.memory import Memory
    from memsvc.settings import Settings

    settings = Settings.load()
    if db is None and create:
        _make_default_folder(settings)
    with Memory.open(db, settings=settings, create=create) as memory:
        yield memory


@contextmanager
def own_or_temporary(db: str | None) -> Iterator[str]:
    """The database that was named, or one that is gone afterwards."""
    if db is not None:
        yield db
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="memsvc-") as folder:
        yield str(Path(folder) / "memory.db")


def _make_default_folder(settings: "Settings") -> None:
    """The folder of the default database is ours to make; one that somebody named is theirs."""
    if "database" not in settings.model_fields_set:
        Path(settings.database).parent.mkdir(parents=True, exist_ok=True)
