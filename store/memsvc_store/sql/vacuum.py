"""Rewriting a database's files without what was deleted from them, each database in its own way.

A DELETE leaves bytes behind: in pages that are free now, in the write-ahead log, in PostgreSQL's dead rows and in the
samples that its planner keeps of each column.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from memsvc_store.errors import DatabaseBusy
from memsvc_store.sql import schema

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def rewrite_sqlite(connection: Connection, _seconds: float) -> bool:
    """Bring all pages anew into the log."""
    connection.exec_driver_sql("VACUUM")
    return True


def empty_log_of_sqlite(connection: Connection, seconds: float) -> bool:
    """Bring everything from the write-ahead log into the file and cut the log to nothing; whether that was done.

    It is not where somebody reads an older state from the log, for longer than we wait.
    """
    until = time.monotonic() + seconds
    while connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]:
        if time.monotonic() > until:
            return False
        time.sleep(0.02)  # for a reader SQLite has waited; if another is at the same, it says so at once
    return True


def rewrite_postgres(connection: Connection, seconds: float) -> bool:
    """VACUUM only warns where it is not permitted: whether a table was rewritten shows in the name of its file.

    Raises:
        DatabaseBusy: a transaction that began before goes on for longer than we wait.
    """
    tables = [table.name for table in schema.metadata.sorted_tables]
    _outwait_readers(connection, seconds)
    before = _files(connection, tables)
    connection.exec_driver_sql(f"SET lock_timeout = '{seconds:g}s'")
    try:
        connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {', '.join(tables)}")
        after = _files(connection, tables)
        if any(before[table] == after[table] for table in tables):
            return False
        for table in schema.metadata.sorted_tables:
            _forget_samples(connection, table)
    finally:
        connection.exec_driver_sql("RESET lock_timeout")
    return True


def _outwait_readers(connection: Connection, seconds: float) -> None:
    """Wait for those who still see the rows as they were: VACUUM would carry these along.

    Of sessions of other roles a server tells nothing unless this one may see them (`pg_read_all_stats`).
    """
    own = connection.exec_driver_sql("SELECT pg_current_xact_id()::xid::text").scalar_one()
    until = time.monotonic() + seconds
    while connection.execute(_OLDER, {"own": own}).scalar_one():
        if time.monotonic() > until:
            raise DatabaseBusy(
                f"{connection.engine.url.render_as_string()}: what was erased is out of the tables, and still in their "
                f"files, since a transaction that began before went on for {seconds:g} s; let it end, then forget the "
                "same again"
            )
        time.sleep(0.02)


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


_OLDER = sa.text(
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND age(backend_xmin) >= age(CAST(CAST(:own AS text) AS xid)))"
)
