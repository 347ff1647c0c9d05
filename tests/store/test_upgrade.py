"""A database of an earlier step opens as one of today, with everything that was in it."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from memsvc_store import database, schema
from memsvc_store.store import Store
from tests.store.values import Space, draft, fact, said

MIGRATIONS = Path(schema.__file__).parent / "migrations"
MADE_AT_0001 = Path(__file__).parent / "data" / "made_at_0001.sql"


@pytest.fixture
def old(target: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with the tables of step 0001 and two messages in it."""
    with monkeypatch.context() as patch:
        patch.setattr(database, "REVISIONS", ("0001",))
        patch.setattr(database, "HEAD", "0001")
        with Store(target, space=Space()) as store:
            store.add("ann", [draft("I moved to Oslo.", key="k"), draft("Really?", speaker="Bob", minutes=1)])
            with store.database.read() as connection:
                assert "jobs" not in database.sa.inspect(connection).get_table_names()
    return target


def test_the_steps_are_the_ones_there_are() -> None:
    steps = [step.revision for step in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    assert tuple(reversed(steps)) == database.REVISIONS


def test_an_old_database_is_brought_to_head(old: str) -> None:
    with Store(old, space=Space()) as store:
        with store.database.read() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, schema.metadata) == []
        assert [memory.text for memory in store.page("ann", limit=9)] == ["I moved to Oslo.", "Really?"]
        assert store.add("ann", [draft("I moved to Oslo.", key="k")])[0].status == "duplicate"
        assert store.jobs.enqueue_extraction("ann", 2) == 1
        [one] = said(store, "new", start=5)
        assert store.add_facts("ann", [fact("F.", one)])[0].status == "stored"
        store.delete("ann", one)
        assert store.verify("ann") == []
        assert store.database.integrity_problems() == []


def test_processes_that_open_an_old_database_at_once_agree(old: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: Store(old, space=Space()), range(6)))
    assert len({store.database.identity for store in stores}) == 1
    for store in stores:
        assert store.counts("ann")["messages"] == 2
        store.close()


def test_a_step_that_breaks_leaves_the_old_database(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_up(connection: database.Connection) -> None:
        migrate(connection)
        raise OSError("the disk is gone")

    migrate = database._migrate
    with monkeypatch.context() as patch:
        patch.setattr(database, "_migrate", fill_up)
        with pytest.raises(OSError, match="gone"):
            Store(old, space=Space())
        patch.setattr(database, "REVISIONS", ("0001",))
        patch.setattr(database, "HEAD", "0001")
        with Store(old, space=Space()) as store, store.database.read() as connection:
            assert "jobs" not in database.sa.inspect(connection).get_table_names()
    with Store(old, space=Space()) as store:
        assert store.verify("ann") == []


def test_a_file_written_by_the_first_memsvc_opens(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(MADE_AT_0001.read_text())
    connection.close()
    with Store(path, space=Space()) as store:
        assert store.namespaces() == ["acme/bob", "ann"]
        assert [memory.text for memory in store.page("ann", limit=9)] == ["I moved to Bergen.", "Yes."]
        with store.reading("ann") as reading:
            assert (len(reading.shard), reading.shard.stale) == (2, 1)
        assert [*store.verify("ann"), *store.verify("acme/bob"), *store.database.integrity_problems()] == []
