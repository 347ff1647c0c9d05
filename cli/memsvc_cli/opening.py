"""Opening the memory that a command works on. The library is imported here, when it is needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from memsvc import Memory


@runtime_checkable
class Preparable(Protocol):
    """An embedder that can load its model ahead of the first text."""

    def prepare(self) -> None:
        """Load the model."""


@contextmanager
def opened(db: str | None, *, create: bool = False, model: str | None = None) -> Iterator["Memory"]:
    """The memory in `db`, or in the database of the settings; closed at the end. `model` wins over the settings' one.

    Without `create` a database that is not there is an error: a mistyped path must not become a
    new and empty memory. A command ends too soon for work in the background: facts are worked out by a process that
    stays, or by `memsvc extract`.
    """
    from memsvc import Memory, Settings

    with Memory.open(
        db, create=create, settings=Settings.load(extraction="off", reflection="off", model=model)
    ) as memory:
        yield memory


def known(memory: "Memory", namespace: str) -> str:
    """The namespace, which must be there: a mistyped one has no problems and no jobs either."""
    memory.stats(namespace=namespace)
    return namespace


@contextmanager
def own_or_temporary(db: str | None) -> Iterator[str]:
    """The database that was named, or one that is gone afterwards."""
    if db is not None:
        yield db
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="memsvc-") as folder:
        yield str(Path(folder) / "memory.db")


def load_model(memory: "Memory") -> None:
    """Load the embedding model now, so that its loading is not counted as something else."""
    if isinstance(memory.embedder, Preparable):
        memory.embedder.prepare()
