"""The connection to SQL: opening, and transactions.

SQLite is opened with WAL and `synchronous=FULL`: a commit that returned is on disk. A write takes
the writer's lock at its start (`BEGIN IMMEDIATE`), so that it never fails half-way for having
read before it wrote. A read sees one snapshot from its first statement to its last.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
import tempfile
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from memsvc_store.errors import (
    DatabaseForeign,
    DatabaseMissing,
    DatabaseTooNew,
    DatabaseUnreadable,
    MissingDependency,
    shown,
)
from memsvc_store.sql import schema
from memsvc_store.sql.border import translate
from memsvc_store.sql.turns import Turns
from memsvc_store.values import clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy.engine import Connection, Engine

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""The steps of `migrations/`, oldest first. Known here so that only opening an older database imports Alembic
(0.28 s)."""

HEAD = REVISIONS[-1]

BUSY_SECONDS = 30.0
"""How long a writer waits for another before it gives up."""

CACHE_KIB = 16_384
"""SQLite's page cache a connection. Its default of 2 MiB holds the rows of 1,000 memories; beyond that a look-up
reads every row by a system call."""

_MIGRATION_LOCK = 0x6D656D73
"""PostgreSQL's advisory lock under which one process migrates ("mems")."""

TEMPORARY = ":memory:"


class Database:
    """One SQL database of memsvc, safe to share between threads."""

    def __init__(self, target: str | Path, *, create: bool = True, busy_seconds: float = BUSY_SECONDS) -> None:
        """Open a path, a SQLAlchemy URL, or `:memory:` for one that is gone when closed.

        Raises:
            DatabaseUnreadable: not a database, damaged, out of reach, or absent with `create=False`.
            DatabaseForeign: another program's database; it is left untouched.
            DatabaseTooNew: written by a newer memsvc.
            MissingDependency: a driver that is not installed.
        """
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if str(target) in (TEMPORARY, f"sqlite:///{TEMPORARY}"):
            self._temporary = tempfile.TemporaryDirectory(prefix="memsvc-")
            target = Path(self._temporary.name) / "memory.db"
        self.path, self.url = _locate(target)
        self.name = str(self.path or self.url.render_as_string(hide_password=True))
        if self.path is not None:
            _check_path(self.path, create)
        self.busy_seconds = busy_seconds
        self._engine = _engine(self.url, busy_seconds)
        self._turns = Turns(self.name, busy_seconds)
        self.closed = False
        self._file: tuple[int, int] | None = None
        try:
            self.identity = self._prepare()
            self._file = self._on_disk()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot; nothing that others commit meanwhile shows in it."""
        with self._border(), self._engine.connect() as connection:
            self._check_file()
            if self.path is None:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: all of it is on disk when the block ends, or none of it."""
        with self._border(), self._turn(), self._engine.connect() as connection:
            self._check_file()
            connection = connection.execution_options(memsvc_begin="BEGIN IMMEDIATE")
            with connection.begin():
                yield connection

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """No transaction: each statement stands for itself. For what allows none, such as VACUUM."""
        alone: dict[str, str] = {"isolation_level": "AUTOCOMMIT"} if self.path is None else {"memsvc_begin": ""}
        with self._border(), self._turn(), self._engine.connect() as connection:
            self._check_file()
            yield connection.execution_options(**alone)

    def integrity_problems(self) -> list[str]:
        """What the database itself finds wrong with its file (SQLite's own full check)."""
        if self.path is None:
            return []
        with self.read() as connection:
            rows = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        return [] if rows == ["ok"] else [f"database: {row}" for row in rows]

    def close(self) -> None:
        """Return every connection; a `:memory:` database is gone."""
        self.closed = True
        self._engine.dispose()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _on_disk(self) -> tuple[int, int] | None:
        """Which file lies at the path now."""
        if self.path is None:
            return None
        try:
            found = self.path.stat()
        except OSError:
            return (0, 0)
        return (found.st_dev, found.st_ino)

    def _check_file(self) -> None:
        """An open file that was deleted or replaced still takes writes, which nobody would ever see again."""
        if self._file is not None and self._on_disk() != self._file:
            raise DatabaseUnreadable(f"{self.name} was deleted or replaced while it was open; open it again")

    def _turn(self) -> AbstractContextManager[None]:
        """A writer's turn, where there is but one at a time; who waits for it holds no connection."""
        return nullcontext() if self.path is None else self._turns.turn()

    @contextmanager
    def _border(self) -> Iterator[None]:
        if self.closed:  # its pool would open it again
            raise DatabaseUnreadable(f"{self.name} was closed; open it again")
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise translate(error, self.name) from error

    def _prepare(self) -> str:
        """Bring the schema to HEAD from any earlier step, or from an empty database; returns the identity."""
        with self.read() as connection:
            revision = self._revision(connection)
        if self.path is not None:
            self._keep_wal()
        if revision != HEAD:
            with self.write() as connection:
                if self.path is None:  # BEGIN locks nothing there, and another process may be at it
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
                revision = self._revision(connection)
                if revision is not None and revision != HEAD:
                    migrate(connection)
                if revision is None:
                    _create(connection)
                    row = {
                        "key": 1,
                        "identity": secrets.token_hex(16),
                        "created_at": clock.to_instant(clock.now()).micros,
                    }
                    connection.execute(schema.database.insert().values(row))
        with self.read() as connection:
            return str(connection.execute(sa.select(schema.database.c.identity)).scalar_one())

    def _revision(self, connection: Connection) -> str | None:
        """The schema's step, or None for an empty database."""
        tables = set(sa.inspect(connection).get_table_names())
        if not tables:
            return None
        if not {"alembic_version", "memsvc_database"} <= tables:
            raise DatabaseForeign(
                f"{self.name} holds tables of another program ({', '.join(sorted(tables)[:3])}); "
                "it was left untouched. Name another file, or one that memsvc made"
            )
        revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()
        if revision in REVISIONS:
            return str(revision)
        if revision is not None and revision > HEAD:
            raise DatabaseTooNew(
                f"{self.name} has schema {revision}, and this memsvc knows up to {HEAD}; upgrade memsvc to open it"
            )
        raise DatabaseUnreadable(f"{self.name} has schema {revision!r}, which no memsvc ever wrote; restore a backup")

    def _keep_wal(self) -> None:
        """Write-ahead logging, at each opening: a copy made by VACUUM INTO has lost it."""
        with self._border():
            raw = self._engine.raw_connection()
            try:
                cursor = raw.cursor()
                if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                    cursor.execute("PRAGMA journal_mode=WAL")
            finally:
                raw.close()


def _locate(target: str | Path) -> tuple[Path | None, sa.URL]:
    """The file, where there is one, and the URL."""
    if isinstance(target, str) and re.match(r"[a-z][a-z0-9+]*://", target):
        try:
            url = sa.make_url(target)
        except (ArgumentError, ValueError) as error:
            raise DatabaseUnreadable(f"{shown(target)} is not a database URL: {error}") from error
        if url.get_backend_name() != "sqlite":
            return None, url
        if url.query or not url.database:
            raise DatabaseUnreadable(
                f"{target!r}: name a file, as in sqlite:///memory.db, without options; or {TEMPORARY!r}"
            )
        target = url.database
    try:
        path = Path(target).expanduser().absolute()
        if path.exists() or "\0" in str(path):
            path.stat()
    except (ValueError, RuntimeError, OSError) as error:
        raise DatabaseUnreadable(f"{shown(str(target))} cannot be a file here: {error}") from error
    return path, sa.URL.create("sqlite", database=str(path))


def _check_path(path: Path, create: bool) -> None:
    if path.is_dir():
        raise DatabaseUnreadable(f"{path} is a folder; name a file inside it, such as {path / 'memory.db'}")
    if not path.exists() and not create:
        raise DatabaseMissing(f"there is no database at {path}; write to it first, or check the path")
    if not path.parent.is_dir():
        raise DatabaseUnreadable(f"{path}: the folder {path.parent} does not exist; create it first")


def _engine(url: sa.URL, busy_seconds: float) -> Engine:
    try:
        if url.get_backend_name() != "sqlite":
            return sa.create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=24)
        engine = sa.create_engine(
            url, connect_args={"timeout": busy_seconds, "check_same_thread": False}, pool_size=16, max_overflow=64
        )
    except (ImportError, NoSuchModuleError) as error:
        raise MissingDependency(
            f"no driver for {url.drivername!r} is installed ({error}); for PostgreSQL run "
            "pip install 'memsvc[postgres]' and use postgresql+psycopg://..."
        ) from error

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # we send BEGIN ourselves
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


def _create(connection: Connection) -> None:
    """All tables at once, as the steps would make them: a third of the time, and no Alembic."""
    schema.metadata.create_all(connection, checkfirst=False)
    version = sa.Column("version_num", sa.String(32), nullable=False)
    table = sa.Table(
        "alembic_version", sa.MetaData(), version, sa.PrimaryKeyConstraint(version, name="alembic_version_pkc")
    )
    table.create(connection, checkfirst=False)
    connection.execute(table.insert().values(version_num=HEAD))


def migrate(connection: Connection) -> None:
    """Bring an older schema to HEAD, or an empty database, step by step."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "memsvc_store.sql:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
