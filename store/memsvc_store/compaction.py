"""Rewriting a database's files without what was deleted from them.

A DELETE leaves bytes behind: in pages that are free now, in the write-ahead log, in PostgreSQL's dead rows and in the
samples that its planner keeps of each column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from memsvc_store import schema
from memsvc_store.database import BUSY_SECONDS
from memsvc_store.errors import DatabaseBusy

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from memsvc_store.database import Database


def compact(database: Database) -> bool:
    """Rewrite the files with what the tables hold now; False where this role may not (PostgreSQL).

    It takes as long as copying the database does. On SQLite others read meanwhile and writers wait; on PostgreSQL
    both wait, a table at a time.

    Raises:
        DatabaseBusy: somebody held on to an older state for longer than we wait.
        StorageFull: there is no room for the copy.
    """
    with database.autocommit() as connection:
        if database.path is not None:
            _compact_sqlite(connection, database.name)
            return True
        return _compact_postgres(connection)


def empty_log(database: Database) -> None:
    """Bring everything from SQLite's write-ahead log into the file and cut the log to nothing.

    Raises:
        DatabaseBusy: somebody reads an older state from the log, for longer than we wait.
    """
    if database.path is not None:
        with database.autocommit() as connection:
            _empty_log(connection, database.name)


def _compact_sqlite(connection: Connection, name: str) -> None:
    connection.exec_driver_sql("VACUUM")  # into the log, all pages anew
    _empty_log(connection, name)


def _empty_log(connection: Connection, name: str) -> None:
    busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    if busy:
        raise DatabaseBusy(
            f"{name}: what was erased is out of the tables, and still in the write-ahead log, since a reader (such as "
            f"an export under way) held on to it for {BUSY_SECONDS:g} s; let it end, then forget the same again"
        )


def _compact_postgres(connection: Connection) -> bool:
    """VACUUM only warns where it is not permitted: whether a table was rewritten shows in the name of its file."""
    tables = [table.name for table in schema.metadata.sorted_tables]
    before = _files(connection, tables)
    connection.exec_driver_sql(f"SET lock_timeout = '{BUSY_SECONDS:g}s'")
    try:
        connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {', '.join(tables)}")
    finally:
        connection.exec_driver_sql("RESET lock_timeout")
    after = _files(connection, tables)
    if any(before[table] == after[table] for table in tables):
        return False
    for table in schema.metadata.sorted_tables:
        _forget_samples(connection, table)
    return True


def _files(connection: Connection, tables: list[str]) -> dict[str, int]:
    names = "unnest(CAST(:tables AS text[])) AS name"
    select = sa.text(f"SELECT name, pg_relation_filenode(CAST(name AS regclass)) FROM {names}")
    return {row.name: row[1] for row in connection.execute(select, {"tables": tables})}


def _forget_samples(connection: Connection, table: sa.Table) -> None:
    """Have the planner forget the values that it has seen in an empty table: ANALYZE leaves them as they are there.

    To give a column the type that it has drops them.
    """
    if connection.execute(sa.select(sa.exists().select_from(table))).scalar_one():
        return
    texts = [column for column in table.columns if isinstance(column.type, sa.String | sa.LargeBinary)]
    kinds = [f'ALTER COLUMN "{one.name}" TYPE {one.type.compile(connection.dialect)}' for one in texts]
    if kinds:
        connection.exec_driver_sql(f"ALTER TABLE {table.name} {', '.join(kinds)}")
