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
import threading
from collections import deque
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from memsvc_store.errors import (
    DatabaseBusy,
    DatabaseMissing,
    DatabaseTooNew,
    DatabaseUnreadable,
    MissingDependency,
    shown,
)
from memsvc_store.sql import migrations, schema
from memsvc_store.sql.dialect import dialect_of, translate
from memsvc_store.values import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

BUSY_SECONDS = 30.0
"""How long a writer waits for another before it gives up."""

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
        self.dialect, self.busy_seconds = dialect_of(self.url), busy_seconds
        try:
            self._engine = self.dialect.engine(self.url, busy_seconds)
        except (ImportError, NoSuchModuleError) as error:
            raise MissingDependency(
                f"no driver for {self.url.drivername!r} is installed ({error}); for PostgreSQL run "
                "pip install 'memsvc[postgres]' and use postgresql+psycopg://..."
            ) from error
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
            yield connection.execution_options(**self.dialect.reading)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: all of it is on disk when the block ends, or none of it."""
        with self._alone() as connection:
            connection = connection.execution_options(**self.dialect.writing)
            with connection.begin():
                yield connection

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """No transaction: each statement stands for itself. For what allows none, such as VACUUM."""
        with self._alone() as connection:
            yield connection.execution_options(**self.dialect.alone)

    def check(self) -> None:
        """Nothing, if the database answers and has the schema of this version.

        Raises:
            DatabaseError: it does not; another process may have upgraded it under us.
        """
        with self.read() as connection:
            found = connection.execute(migrations.STEP).scalar_one()
        if found != migrations.HEAD:
            raise DatabaseTooNew(
                f"{self.name} has schema {found} by now, and this process was opened on {migrations.HEAD}"
            )

    def integrity_problems(self) -> list[str]:
        """What the database itself finds wrong with its file (SQLite's own full check)."""
        with self.read() as connection:
            return [f"database: {problem}" for problem in self.dialect.problems(connection)]

    def beside(self, suffix: str) -> Path | None:
        """A path beside the file, the same by whatever link it was opened; None where there is no file."""
        if self.path is None:
            return None
        path = self.path.resolve()
        return path.with_name(path.name + suffix)

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

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        """A writer's connection, in its turn where there is but one writer; who waits for it holds no connection."""
        turn = self._turns.turn() if self.dialect.one_writer else nullcontext()
        with self._border(), turn, self._engine.connect() as connection:
            self._check_file()
            yield connection

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
            step = migrations.revision(connection, self.name)
        with self._border():
            self.dialect.opened(self._engine)
        if step != migrations.HEAD:
            with self.write() as connection:
                for statement in self.dialect.migrating:
                    connection.exec_driver_sql(statement)
                self._bring_to_head(connection)
        with self.read() as connection:
            return str(connection.execute(sa.select(schema.database.c.identity)).scalar_one())

    def _bring_to_head(self, connection: Connection) -> None:
        """Look again, now that nobody else is at it, and do what is left to do."""
        step = migrations.revision(connection, self.name)
        if step is None:
            migrations.create(connection)
            row = {"key": 1, "identity": secrets.token_hex(16), "created_at": clock.to_instant(clock.now()).micros}
            connection.execute(schema.database.insert().values(row))
        elif step != migrations.HEAD:
            migrations.migrate(connection)


class Turns:
    """A lock for the threads of one process that goes to whoever has waited longest.

    SQLite has one writer, and leaves it to the others to sleep and look again; whoever comes meanwhile goes first. Of
    16 threads that wrote without a pause, one write in a hundred took 1 to 8 s that way, at a median of 7 to 20 ms
    (`benchmarks/writers.py`).

    Args:
        name: the database's, for the error.
        seconds: how long one waits before it gives up.
    """

    def __init__(self, name: str, seconds: float) -> None:
        self._name, self._seconds = name, seconds
        self._lock = threading.Lock()
        self._line: deque[threading.Event] = deque()
        """Whose turn it is, and behind it those who wait. An event is set once its owner is the first."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn, and have it until the block ends.

        Raises:
            DatabaseBusy: it did not come in time.
        """
        mine = threading.Event()
        try:
            with self._lock:
                self._line.append(mine)
                self._call_first()
            if not mine.wait(self._seconds):
                raise DatabaseBusy(
                    f"{self._name}: other threads of this process were writing for {self._seconds:g} s; retry, or "
                    "write from fewer"
                )
            yield
        finally:
            with self._lock:
                self._line.remove(mine)
                self._call_first()

    def _call_first(self) -> None:
        if self._line:
            self._line[0].set()


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
