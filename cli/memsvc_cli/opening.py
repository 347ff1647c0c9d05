"""Opening the memory that a command works on. The library is imported here, when it is needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from memsvc_cli import output

if TYPE_CHECKING:
    from memsvc import Client, Memory, Settings

    Opened: TypeAlias = Memory | Client


@runtime_checkable
class Preparable(Protocol):
    """An embedder that can load its model ahead of the first text."""

    def prepare(self) -> None:
        """Load the model."""


@contextmanager
def opened(db: str | None, *, create: bool = False, model: str | None = None) -> Iterator["Opened"]:
    """The memory in `db`; else that of the service that MEMSVC_URL names; else that in the database of the settings.

    It is closed at the end. `model` wins over the settings' one. Without `create` a database that is not there is an
    error: a mistyped path must not become a new and empty memory. A command ends too soon for work in the background:
    facts are worked out by a process that stays, or by `memsvc extract`.
    """
    from memsvc import Client

    settings = _settings(model)
    if db is not None or settings.url is None:
        with _memory(db, settings, create) as memory:
            yield memory
        return
    if model is not None:
        from memsvc.errors import InvalidInput

        raise InvalidInput(
            f"--model came, and the service at {settings.url} has a model of its own; leave it out, "
            "or name a database with --db"
        )
    with Client(settings.url) as client:
        yield client


@contextmanager
def opened_here(db: str | None, *, create: bool = False) -> Iterator["Memory"]:
    """The memory in `db`, or in the database of the settings, for what no service does.

    Raises:
        SettingsError: MEMSVC_URL names a service, so that it is not clear that a database of this machine is meant.
    """
    from memsvc.errors import SettingsError

    settings = _settings(None)
    if db is None and settings.url is not None:
        raise SettingsError(
            f"this works on a database, and MEMSVC_URL names the service {settings.url}; name the database with --db"
        )
    with _memory(db, settings, create) as memory:
        yield memory


def callbacks(memory: "Opened", **given: Any) -> dict[str, Any]:
    """Callbacks for a verb that tells how far it is: those given, or none where a service does the work unseen."""
    from memsvc import Memory

    return given if isinstance(memory, Memory) else {}


def known(memory: "Opened", namespace: str) -> str:
    """The namespace, which must be there: a mistyped one has no problems and no jobs either."""
    memory.stats(namespace=namespace)
    return namespace


def _settings(model: str | None) -> "Settings":
    from memsvc import Settings

    return Settings.load(extraction="off", reflection="off", model=model)


def _memory(db: str | None, settings: "Settings", create: bool) -> "Memory":
    from memsvc import Memory

    tell_of_models()
    return Memory.open(db, create=create, settings=settings)


def tell_of_models() -> None:
    """Say on stderr what a model does at its first use on a machine: an export takes seconds, a download minutes."""
    import logging

    class Told(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said = record.getMessage()
            output.note(f"{said[:1].upper()}{said[1:]}.")

    log = logging.getLogger("memsvc.models")
    log.setLevel(logging.INFO)
    log.handlers = [Told()]


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
