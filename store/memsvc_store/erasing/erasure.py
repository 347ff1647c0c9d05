"""Erasure with proof: what an owner wants forgotten goes from every table, file and snapshot, and a receipt says so.

The rows go in one transaction, with the snapshots, and leave a note of how many they were. Then the files are
rewritten; then the note goes, and the receipt is signed. Who is killed in between forgets the same again: what is gone
need not be there any more, the files are rewritten, and the receipt counts both. Every other process drops its
projections of the namespace at its next look at it.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import sqlalchemy as sa

from memsvc_store.erasing import removal as erasing
from memsvc_store.errors import DatabaseBusy, NotFound, StorageFull
from memsvc_store.projections import snapshot
from memsvc_store.sql import schema
from memsvc_store.sql.records import Records, there
from memsvc_store.sql.rows import readable
from memsvc_store.values import erasure_receipts as receipts
from memsvc_store.values.erasure_receipts import Erasure
from memsvc_store.writing.transaction import Write

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from memsvc_store.sql.database import Database
    from memsvc_store.values.erasure_receipts import Target

_db, _er = schema.database, schema.erasures

COUNTED = (
    *("messages", "memories", "facts", "episodes", "vectors", "hyperedges", "utilities", "feedback", "moves"),
    *("traces", "jobs", "changes", "calibrations", "snapshots"),
)


class Erasures:
    """The erasures of one database. Safe to share between threads and processes."""

    def __init__(
        self, database: Database, snapshots: Path | None, refresh: Callable[[str], None], now: Callable[[], datetime]
    ) -> None:
        """`snapshots` is the folder where they lie; `refresh` brings this process's projections of a namespace up to
        date.
        """
        self._database, self._snapshots, self._refresh, self._now = database, snapshots, refresh, now

    def forget(self, namespace: str, target: Target) -> Erasure:
        """Erase a whole namespace, or a session, source or memory of it, or what has expired, and what rests on it; the
        signed receipt.

        It takes as long as copying the database does. Meanwhile others read, and on SQLite writers wait.

        Raises:
            NotFound: nothing of it is there, and no erasure of it is under way.
            DatabaseBusy: the rows are gone; somebody kept the files from being rewritten. Forget the same again.
        """
        at = self._now()
        counts = self._erase(namespace, target, at)
        self._refresh(namespace)
        compacted = compact(self._database)
        key = self._end(namespace, target, counts)
        empty_log(self._database)  # of the note's hash; who keeps it there takes nothing from the receipt
        return receipts.signed(Erasure(namespace, target.what, target.name, counts, at, compacted), key)

    def verify(self, receipt: Erasure) -> bool:
        """Whether this database issued the receipt, and it says what it said then."""
        with self._database.read() as connection:
            key = connection.execute(sa.select(_db.c.receipt_key)).scalar_one()
        return key is not None and receipts.holds(receipt, key)

    def problems(self) -> list[str]:
        """What is wrong with erasures, over all namespaces: those that deleted their rows and have no receipt yet."""
        with self._database.read() as connection:
            count = connection.execute(sa.select(sa.func.count()).select_from(_er)).scalar_one()
        if not count:
            return []
        return [f"database: erasures without a receipt: {count}; under way, or cut off: then forget the same again"]

    def _erase(self, namespace: str, target: Target, at: datetime) -> dict[str, int]:
        """Delete the rows and the snapshots, and note how many, with what an attempt before this one noted."""
        with self._database.write() as connection:
            for statement in self._database.dialect.erasing:
                connection.exec_driver_sql(statement)
            mark = receipts.mark(namespace, target, _key(connection))
            noted = _noted(connection, mark)
            counts = self._delete(connection, namespace, target, at, begun=noted is not None)
            if noted is not None:
                counts = {name: counts[name] + noted[name] for name in COUNTED}
                connection.execute(sa.delete(_er).where(_er.c.mark == mark))
            connection.execute(sa.insert(_er), {"mark": mark, "counts": json.dumps(counts)})
        return counts

    def _delete(
        self, connection: Connection, namespace: str, target: Target, at: datetime, *, begun: bool
    ) -> dict[str, int]:
        """How many rows of each kind went; zeros where none were left, which is an error unless it was `begun`."""
        records = Records(connection)
        gone: dict[str, int] = {}
        if not begun:
            there(records, namespace)
        if records.namespace(namespace) is not None:
            write = Write(records, records.lock_namespace(namespace), namespace, at)
            _lock_out(connection, namespace)
            if target.what == "namespace":
                gone = erasing.erase_namespace(write)
            else:
                gone = erasing.erase_part(write, target)
                write.finish()
        if not gone and not begun and target.what == "expired":
            raise NotFound(f"nothing of namespace {namespace!r} has expired, so that there is nothing to erase")
        if not gone and not begun:
            raise NotFound(
                f"namespace {namespace!r} holds nothing of {target}; check the name. "
                "What was erased before leaves nothing to be found"
            )
        swept = 0 if self._snapshots is None else snapshot.sweep(self._snapshots, namespace)
        return {name: gone.get(name, 0) for name in COUNTED} | {"snapshots": swept}

    def _end(self, namespace: str, target: Target, counts: dict[str, int]) -> str:
        """Delete the note of an erasure that counted this; the key for its receipt.

        Raises:
            DatabaseBusy: another process was at the same, and has the receipt, or has erased more that is still in the
                files.
        """
        with self._database.write() as connection:
            key = _key(connection)
            mark = receipts.mark(namespace, target, key)
            noted = _noted(connection, mark)
            if noted is None:
                raise DatabaseBusy(
                    f"another process has finished this erasure of {target} at the same time, with the receipt"
                )
            if noted != counts:
                raise DatabaseBusy(f"another process has erased more of {target} meanwhile; forget the same again")
            connection.execute(sa.delete(_er).where(_er.c.mark == mark))
        return key


def compact(database: Database) -> bool:
    """Rewrite the files with what the tables hold now; False where this role may not (PostgreSQL).

    It takes as long as copying the database does. On SQLite others read meanwhile and writers wait; on PostgreSQL
    both wait, a table at a time.

    Raises:
        DatabaseBusy: somebody held on to an older state for longer than we wait.
        StorageFull: there is no room for the copy.
    """
    try:
        with database.autocommit() as connection:
            if not database.dialect.rewrite(connection, database.busy_seconds):
                return False
    except StorageFull as error:
        raise StorageFull(
            f"{database.name}: what was erased is out of the tables, and there is no room to rewrite the files without "
            "it; free as much as the database takes, then forget the same again"
        ) from error
    if not empty_log(database):
        raise DatabaseBusy(
            f"{database.name}: what was erased is out of the tables, and still in the write-ahead log, since a reader "
            f"(such as an export under way) held on to it for {database.busy_seconds:g} s; let it end, then forget the "
            "same again"
        )
    return True


def empty_log(database: Database) -> bool:
    """Cut the write-ahead log to nothing, where there is one; False where a reader held on to it for too long."""
    with database.autocommit() as connection:
        return database.dialect.empty_log(connection, database.busy_seconds)


def _key(connection: Connection) -> str:
    """The key for receipts, made with the first. Its row is held, so that erasures note one after the other."""
    key = connection.execute(sa.select(_db.c.receipt_key).with_for_update()).scalar_one()
    if key is None:
        key = secrets.token_hex(32)
        connection.execute(sa.update(_db).values(receipt_key=key))
    return str(key)


def _noted(connection: Connection, mark: str) -> dict[str, int] | None:
    """What an erasure that is under way has counted, or was when its process ended."""
    text = connection.execute(sa.select(_er.c.counts).where(_er.c.mark == mark)).scalar_one_or_none()
    if text is None:
        return None
    with readable("erasure", mark):
        return dict(json.loads(text))


def _lock_out(connection: Connection, namespace: str) -> None:
    """Wait for those who write rows of the namespace without its lock, such as traces; they wait from now on."""
    where = schema.namespaces.c.name == namespace
    connection.execute(sa.select(schema.namespaces.c.key).where(where).with_for_update())
