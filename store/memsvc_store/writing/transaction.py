"""One write to one namespace: a transaction, the namespace's lock, and the version that its steps are stamped with."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from memsvc_store.errors import NotFound
from memsvc_store.sql.records import Records, there
from memsvc_store.sql.rows import Namespace, text_digest
from memsvc_store.values import clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from memsvc_store.sql.database import Database
    from memsvc_store.values.memories import Memory, Operation


class Write:
    """One write to one namespace, under its lock. Steps are logged and stamped when it ends."""

    def __init__(self, records: Records, namespace: Namespace, name: str, at: datetime) -> None:
        self.records, self.namespace, self.name = records, namespace, name
        self.at = clock.to_instant(at)
        self._steps: list[tuple[Operation, str, Mapping[str, Any]]] = []

    def step(self, operation: Operation, memory_id: str, **before: Any) -> None:
        """Note what happened to a memory, with the fields that it replaced."""
        self._steps.append((operation, memory_id, before))

    def finish(self) -> None:
        """Stamp the namespace, once, if anything happened: versions stay gapless."""
        if self._steps:
            version = self.namespace.version + 1
            self.records.changes.append(self.namespace, version, self.at, self._steps)
            self.records.set_version(self.namespace, version, self.at)

    def live(self, memory_id: str) -> Memory:
        """A memory that is there and not deleted.

        Raises:
            NotFound: anything else.
        """
        return live_memory(self.records, self.namespace, self.name, memory_id, self.at.micros)

    def retire(self, memory: Memory, operation: Operation, **before: Any) -> None:
        """Take a memory out of every look-up; its row and its history stay."""
        self.records.update_memory(self.namespace, memory.id, {"retired_at": self.at.micros})
        self.records.vectors.drop_orphans(self.namespace, [text_digest(memory.text)])
        self.step(operation, memory.id, **before)


@contextmanager
def writing(database: Database, name: str, at: datetime, *, create: bool = False) -> Iterator[Write]:
    """The write of one namespace.

    Raises:
        NotFound: no such namespace, and `create` is false.
    """
    with Records.within(database.write()) as records:
        if not create:
            there(records, name)
        elif records.namespace(name) is None:
            records.create_namespace(name, clock.to_instant(at))
        write = Write(records, records.lock_namespace(name), name, at)
        yield write
        write.finish()


def live_memory(records: Records, namespace: Namespace | None, name: str, memory_id: str, now: int) -> Memory:
    """A memory that is there, and neither deleted nor expired by now (microseconds since 1970).

    Raises:
        NotFound: no such id in this namespace, or it was deleted, or has expired.
    """
    found = records.memories(namespace, name, [memory_id]) if namespace else []
    if namespace is None or not found:
        raise NotFound(f"no memory {memory_id!r} in namespace {name!r}; `list` and `search` give the ids there are")
    if found[0].retired_at is not None:
        gone = "retired" if records.changes.history(namespace, memory_id)[-1].operation == "retire" else "deleted"
        raise NotFound(
            f"memory {memory_id!r} of namespace {name!r} was {gone} at {found[0].retired_at:%Y-%m-%d %H:%M:%S}Z; "
            "`history` still shows what happened to it"
        )
    end = found[0].expires_at
    if end is not None and clock.to_instant(end).micros <= now:
        raise NotFound(
            f"memory {memory_id!r} of namespace {name!r} expired at {end:%Y-%m-%d %H:%M:%S}Z; `forget` with expired "
            "erases what is left of it"
        )
    return found[0]
