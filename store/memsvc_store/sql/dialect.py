"""The two SQL databases, and all that differs between them: one `Dialect` each.

Nothing else asks which database it is. The laws of `tests/store` run on both.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from memsvc_store.errors import DatabaseBusy, DatabaseError, DatabaseUnreadable, StorageFull
from memsvc_store.sql import conditions, vacuum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine

CACHE_KIB = 16_384
"""SQLite's page cache a connection. Its default of 2 MiB holds the rows of 1,000 memories; beyond that a look-up
reads every row by a system call."""

IN_LIMIT = 500
"""Values in one `IN (...)`; SQLite allowed no more than 999 variables until 3.32."""

_MIGRATION_LOCK = 0x6D656D73
"""PostgreSQL's advisory lock under which one process migrates ("mems")."""

_Errors = Sequence[tuple[str, type[DatabaseError], str]]
"""Prefix of the driver's code, which error it is, and what to do."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Dialect:
    """How one SQL database is opened, locked, checked and rewritten.

    The `seconds` that functions take are how long a statement waits for others.
    """

    name: str
    """As SQLAlchemy spells it."""
    engine: Callable[[sa.URL, float], Engine]
    """(URL, seconds) -> an engine."""
    one_writer: bool
    """A write transaction shuts out every other one, of whatever namespace."""
    reading: Mapping[str, Any] = field(default_factory=dict)
    """Options of a connection whose statements see one snapshot."""
    writing: Mapping[str, Any] = field(default_factory=dict)
    """Options of a connection that writes."""
    alone: Mapping[str, Any]
    """Options of a connection without transactions: each statement stands for itself."""
    opened: Callable[[Engine], None] = lambda engine: None
    """What every opening does to a database that is ours."""
    migrating: Sequence[str] = ()
    """Run first in a transaction that migrates: keeps another process from doing the same."""
    erasing: Sequence[str] = ()
    """Run first in a transaction that erases: has it overwrite what it deletes."""
    problems: Callable[[Connection], list[str]] = lambda connection: []
    """What the database itself finds wrong with its file."""
    matching: Callable[[sa.ColumnElement[str], str], sa.ColumnElement[bool]]
    """(metadata, a document as JSON) -> whether the one is as the other wants it (`values/where.py`)."""
    rewrite: Callable[[Connection, float], bool]
    """(connection, seconds) -> the files are written anew without what was deleted; False where this role may not."""
    empty_log: Callable[[Connection, float], bool] = lambda connection, seconds: True
    """(connection, seconds) -> the write-ahead log is cut to nothing, all of it in the file; not while it is read."""
    errors: _Errors
    """The driver's, as ours."""

    def insert(self, table: sa.Table) -> Any:
        """An INSERT that knows ON CONFLICT."""
        return import_module(f"sqlalchemy.dialects.{self.name}").insert(table)


def dialect_of(place: Connection | sa.URL) -> Dialect:
    """The dialect of a connection, or of a URL; PostgreSQL's where it is not SQLite."""
    name = place.get_backend_name() if isinstance(place, sa.URL) else place.dialect.name
    return SQLITE if name == "sqlite" else POSTGRES


class Statements:
    """The statements of one open transaction: what all that reads and writes rows has in common."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @property
    def dialect(self) -> Dialect:
        """The connection's."""
        return dialect_of(self.connection)

    def insert_into(self, table: sa.Table) -> Any:
        """An INSERT of the connection's own dialect, which knows ON CONFLICT."""
        return self.dialect.insert(table)

    def rows_in(
        self,
        statement: sa.Select[Any],
        column: sa.ColumnElement[Any],
        values: Sequence[Any],
        parameters: Mapping[str, Any] | None = None,
    ) -> Iterator[Any]:
        """Rows where the column is one of the values, asked for in slices that every database takes."""
        for part in slices(values):
            yield from self.connection.execute(statement.where(column.in_(part)), dict(parameters or {}))

    def delete_in(
        self,
        table: sa.Table,
        namespace_key: int,
        column: sa.ColumnElement[Any],
        values: Sequence[Any],
        *where: sa.ColumnElement[bool],
    ) -> int:
        """Delete the namespace's rows where a column is one of the values; how many."""
        here = table.c.namespace_key == namespace_key
        statements = (sa.delete(table).where(here, column.in_(part), *where) for part in slices(values))
        return sum(self.connection.execute(statement).rowcount for statement in statements)


def slices(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Values in slices that one statement takes."""
    return (values[start : start + IN_LIMIT] for start in range(0, len(values), IN_LIMIT))


def translate(error: SQLAlchemyError | sqlite3.Error, name: str) -> DatabaseError:
    """A driver's error about the database `name` as one of ours."""
    if isinstance(error, PoolTimeout):
        return DatabaseBusy(f"{name}: every connection is in use; use fewer threads, or retry")
    origin = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(origin, sqlite3.Error):
        code, errors = getattr(origin, "sqlite_errorname", ""), SQLITE.errors
    else:  # without a code the driver itself speaks: of the connection, or of a value that it does not send
        code = getattr(origin, "sqlstate", None) or ("22" if isinstance(error, DataError) else "08")
        errors = POSTGRES.errors
    for prefix, kind, advice in errors:
        if code.startswith(prefix):
            return kind(f"{name}: {advice} ({origin})")
    return DatabaseError(f"{name}: {origin}")


def _sqlite_engine(url: sa.URL, seconds: float) -> Engine:
    arguments = {"timeout": seconds, "check_same_thread": False}
    engine = sa.create_engine(url, connect_args=arguments, pool_size=16, max_overflow=64)

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # we send BEGIN ourselves
        conditions.teach_sqlite(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        begin = connection.get_execution_options().get("memsvc_begin", "BEGIN")
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute(begin)  # past SQLAlchemy: it is in every look-up. An empty statement does nothing

    return engine


def _write_ahead(engine: Engine) -> None:
    """Write-ahead logging, at each opening: a copy made by VACUUM INTO has lost it."""
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            cursor.execute("PRAGMA journal_mode=WAL")
    finally:
        raw.close()


def _integrity_problems(connection: Connection) -> list[str]:
    rows = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    return [] if rows == ["ok"] else [str(row) for row in rows]


SQLITE = Dialect(
    name="sqlite",
    engine=_sqlite_engine,
    one_writer=True,
    writing={"memsvc_begin": "BEGIN IMMEDIATE"},
    alone={"memsvc_begin": ""},
    opened=_write_ahead,
    erasing=("PRAGMA secure_delete=ON",),
    problems=_integrity_problems,
    matching=conditions.matching_in_sqlite,
    rewrite=vacuum.rewrite_sqlite,
    empty_log=vacuum.empty_log_of_sqlite,
    errors=[
        (
            "SQLITE_FULL",
            StorageFull,
            "no room left on the disk; the write was rolled back whole. Free some space",
        ),
        (
            "SQLITE_BUSY",
            DatabaseBusy,
            "another process kept it locked; retry, or keep other write transactions short",
        ),
        ("SQLITE_LOCKED", DatabaseBusy, "another connection kept it locked; retry"),
        ("SQLITE_NOTADB", DatabaseUnreadable, "the file is not a database; it was left untouched. Check the path"),
        ("SQLITE_CORRUPT", DatabaseUnreadable, "the file is damaged; restore a backup, or try `sqlite3 FILE .recover`"),
        (
            "SQLITE_CANTOPEN",
            DatabaseUnreadable,
            "it cannot be opened; check the rights of the path and its folder",
        ),
        ("SQLITE_READONLY", DatabaseUnreadable, "it is read-only; check the permissions of the file and its folder"),
        ("SQLITE_IOERR", DatabaseUnreadable, "the disk gave an error; check its health and its free space"),
    ],
)


POSTGRES = Dialect(
    name="postgresql",
    engine=lambda url, _: sa.create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=24),
    one_writer=False,
    reading={"isolation_level": "REPEATABLE READ"},
    alone={"isolation_level": "AUTOCOMMIT"},
    migrating=(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})",),
    matching=conditions.matching_in_postgres,
    rewrite=vacuum.rewrite_postgres,
    errors=[
        ("53100", StorageFull, "no room left on the server's disk; nothing of this write was kept"),
        ("40", DatabaseBusy, "another transaction was in the way; retry"),
        ("55P03", DatabaseBusy, "another transaction kept a lock; retry"),
        ("08", DatabaseUnreadable, "the connection broke; check that the server runs"),
        ("57P", DatabaseUnreadable, "the server is going down or starting up; retry once it runs"),
        ("3D000", DatabaseUnreadable, "no such database on the server; create it first"),
        ("28", DatabaseUnreadable, "the server refused the user or the password"),
    ],
)
