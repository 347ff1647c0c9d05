"""Opening, and what happens when the database is not what it should be."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from memsvc_store.errors import (
    DatabaseBusy,
    DatabaseError,
    DatabaseForeign,
    DatabaseTooNew,
    DatabaseUnreadable,
    MissingDependency,
    StorageFull,
)
from memsvc_store.sql import schema
from memsvc_store.sql.database import Database
from memsvc_store.sql.migrations import HEAD, migrate
from memsvc_store.store import Store
from tests.store.values import Space, draft

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import ReflectedIndex

MIGRATIONS = Path(schema.__file__).parent / "migrations"


def _index(found: ReflectedIndex) -> str:
    """An index by what it says: its condition is an object that shows where it lies in memory."""
    options = {name: str(value) for name, value in found.get("dialect_options", {}).items()}
    return str({**found, "dialect_options": options})


def test_the_migrations_make_what_the_schema_says(target: str) -> None:
    """A new database gets its tables at once, and an old one by steps: nothing may tell the two apart but the
    order of columns. Every write names its columns."""

    def looked_at(connection: sa.Connection) -> dict[str, object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
        inspector = sa.inspect(connection)
        revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all()
        return {"revision": revision} | {
            table: (
                sorted(str({**column, "type": str(column["type"])}) for column in inspector.get_columns(table)),
                inspector.get_pk_constraint(table),
                sorted(map(str, inspector.get_foreign_keys(table))),
                sorted(map(_index, inspector.get_indexes(table))),
                sorted(map(str, inspector.get_unique_constraints(table))),
                sorted(map(str, inspector.get_check_constraints(table))),
            )
            for table in sorted(inspector.get_table_names())
        }

    database = Database(target)
    with database.read() as connection:
        created = looked_at(connection)
    with database.write() as connection:
        for table in [*reversed(schema.metadata.sorted_tables), sa.Table("alembic_version", sa.MetaData())]:
            table.drop(connection)
        migrate(connection)
    with database.read() as connection:
        assert looked_at(connection) == created
    assert len(created) > 10
    database.close()


def test_a_new_database_needs_no_alembic(tmp_path: Path) -> None:
    code = f"import sys; from memsvc_store.sql.database import Database; Database({str(tmp_path / 'a.db')!r}).close()"
    subprocess.run([sys.executable, "-c", f"{code}; assert 'alembic' not in sys.modules"], check=True)


def test_head_is_the_newest_step() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_sqlite_is_durable_and_checks_its_keys(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db")
    with database.read() as connection:
        names = ("journal_mode", "synchronous", "foreign_keys")
        pragmas = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert database.integrity_problems() == []
    database.close()


def test_a_copy_that_lost_its_log_gets_it_back(tmp_path: Path) -> None:
    with Store(tmp_path / "a.db", space=Space()) as store:
        store.add("ann", [draft("kept")])
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    connection.close()
    with Store(tmp_path / "copy.db", space=Space()) as store, store.database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_processes_that_open_an_empty_database_at_once_agree(target: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        databases = list(pool.map(lambda _: Database(target), range(6)))
    assert len({database.identity for database in databases}) == 1
    for database in databases:
        database.close()


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_file_that_is_gone_takes_no_writes(tmp_path: Path, how: str) -> None:
    path = tmp_path / "a.db"
    store = Store(path, space=Space())
    store.add("ann", [draft("kept")])
    with store.reading("ann"):
        pass
    if how == "replaced":
        shutil.copy(path, tmp_path / "b.db")
        (tmp_path / "b.db").replace(path)
    else:
        path.unlink()
    with pytest.raises(DatabaseUnreadable, match="deleted or replaced"):
        store.add("ann", [draft("lost", minutes=1)])
    with pytest.raises(DatabaseUnreadable, match="deleted or replaced"):
        store.page("ann", limit=9)
    store.close()  # which is no error: what it would keep is a cache


@pytest.mark.parametrize(
    "target",
    [
        "postgresql://h:abc/db",
        "postgresql://[::1",
        "a\0b",
        "x" * 5_000,
        "~nosuchuser/x.db",
        "sqlite:///x.db?mode=ro",
        "sqlite://",
    ],
)
def test_what_names_no_database(target: str) -> None:
    with pytest.raises(DatabaseUnreadable):
        Database(target)


def test_the_identity_stays(target: str) -> None:
    first = Database(target)
    second = Database(target)
    assert first.identity == second.identity
    first.close()
    second.close()


def test_a_file_that_is_no_database_is_left_untouched(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are my notes, and no database at all. " * 100)
    before = path.read_bytes()
    with pytest.raises(DatabaseUnreadable, match="not a database"):
        Database(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_left_untouched(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(DatabaseForeign, match="customers"):
        Database(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["other.db"]


def test_a_newer_schema_is_refused(target: str) -> None:
    database = Database(target)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(DatabaseTooNew, match="upgrade memsvc"):
        Database(target)


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = Store(path, space=Space())
    store.add("ann", [draft(f"text {index} " * 50, minutes=index) for index in range(200)])
    store.close()
    raw = bytearray(path.read_bytes())
    raw[8192:40960] = b"\xff" * (40960 - 8192)
    path.write_bytes(raw)
    with pytest.raises(DatabaseError) as caught:  # noqa: PT012 - the damage may show at any of the three
        store = Store(path, space=Space())
        store.page("ann", limit=1000)
        assert store.database.integrity_problems() == []
        raise DatabaseUnreadable("unnoticed, damaged")  # pragma: no cover
    assert "damaged" in str(caught.value) or "database" in str(caught.value)
    assert "unnoticed" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder, "is a folder"),
        (lambda folder: folder / "no" / "where.db", "does not exist"),
    ],
)
def test_paths_that_cannot_be(tmp_path: Path, make: object, says: str) -> None:
    with pytest.raises(DatabaseUnreadable, match=says):
        Database(make(tmp_path))  # type: ignore[operator]


def test_without_create_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnreadable, match="no database at"):
        Database(tmp_path / "typo.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_memory_database_is_gone_when_closed() -> None:
    database = Database(":memory:")
    assert database.path is not None
    assert database.path.exists()
    database.close()
    assert not database.path.exists()


def test_an_unreachable_server_and_a_missing_driver_say_what_to_do() -> None:
    with pytest.raises(DatabaseUnreadable, match="check that the server runs"):
        Database("postgresql+psycopg://nobody@127.0.0.1:9/none?connect_timeout=2")
    with pytest.raises(MissingDependency, match=r"memsvc\[postgres\]"):
        Database("mysql+nodriver://localhost/x")


def test_a_full_disk_rolls_the_write_back_whole(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.db", space=Space())
    store.add("ann", [draft("before")])
    [engine] = [store.database._engine]

    @sa.event.listens_for(engine, "checkout")
    def _shrink(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 40")

    with pytest.raises(StorageFull, match="Free some space"):
        store.add("ann", [draft(f"filler {index} " * 100, minutes=index) for index in range(500)])
    assert [memory.text for memory in store.page("ann", limit=9)] == ["before"]
    assert store.verify("ann") == []
    assert store.counts("ann")["version"] == 1
    store.close()


def test_a_writer_that_waits_too_long_says_busy(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    patient = Database(path)
    hasty = Database(path, busy_seconds=0.05)
    with patient.write(), pytest.raises(DatabaseBusy, match="locked"), hasty.write():
        pass
    with hasty.write():
        pass
    patient.close()
    hasty.close()


def test_a_readonly_file_can_be_read_and_not_written(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = Store(path, space=Space())
    store.add("ann", [draft("kept")])
    with store.database.read() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
    with pytest.raises(DatabaseUnreadable, match="read-only"):
        store.add("ann", [draft("more")])
    store.close()


def test_nothing_but_the_dialect_asks_which_database_it_is() -> None:
    room = MIGRATIONS.parents[1]  # the store
    asking = re.compile(r"dialect\.name|get_backend_name|[\"']postgresql[\"']|database\.path")
    found = {str(path.relative_to(room)) for path in room.rglob("*.py") if asking.search(path.read_text())}
    assert found - {str(path.relative_to(room)) for path in MIGRATIONS.rglob("*.py")} == {
        "sql/dialect.py",
        "sql/schema.py",  # names are sorted by bytes on both
        "sql/database.py",  # which URL is a file's
    }
