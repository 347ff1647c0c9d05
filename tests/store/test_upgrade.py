"""A database of an earlier step opens as one of today, with everything that was in it."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from memsvc_store.keys import KeyTable
from memsvc_store.sql import migrations, schema
from memsvc_store.sql.database import Database
from memsvc_store.sql.rows import message_id, text_digest
from memsvc_store.store import Store
from memsvc_store.values.clock import Instant
from memsvc_store.values.hits import Filter
from memsvc_store.values.learned import Feedback, Trace
from memsvc_store.values.nodes import hyperedge
from tests.store.values import START, Space, draft, fact, said, towards

MIGRATIONS = Path(schema.__file__).parent / "migrations"
DATA = Path(__file__).parent / "data"
MADE = ("namespaces", "messages", "memories", "vectors", "changes")


@pytest.fixture(params=["0001", "0002"])
def old(request: pytest.FixtureRequest, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with the tables of an earlier step and two messages in it."""
    with Store(tmp_path / "new.db", space=Space()) as store:
        store.add("ann", [draft("I moved to Oslo.", key="k"), draft("Really?", speaker="Bob", minutes=1)])
        with store.database.read() as connection:
            rows = {name: list(connection.execute(sa.select(schema.metadata.tables[name])).mappings()) for name in MADE}
    with monkeypatch.context() as patch:
        at(request.param, patch)
        patch.setattr(migrations, "create", migrations.migrate)  # as the tables were then, not as they are now
        made = Database(target)
        with made.write() as connection:
            tables = sa.MetaData()
            tables.reflect(connection)
            assert "episodes" not in tables.tables
            for name in MADE:
                columns = {*tables.tables[name].columns.keys()} - {"key"}  # numbered by the database itself
                connection.execute(
                    sa.insert(tables.tables[name]), [{one: row[one] for one in columns} for row in rows[name]]
                )
        made.close()
    return target


def at(step: str, patch: pytest.MonkeyPatch) -> None:
    """Have databases brought to this step and no further."""
    patch.setattr(migrations, "REVISIONS", migrations.REVISIONS[: migrations.REVISIONS.index(step) + 1])
    patch.setattr(migrations, "HEAD", step)


def test_the_steps_are_the_ones_there_are() -> None:
    steps = [step.revision for step in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    assert tuple(reversed(steps)) == migrations.REVISIONS


def test_an_old_database_is_brought_to_head(old: str) -> None:
    with Store(old, space=Space()) as store:
        with store.database.read() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, schema.metadata) == []
        assert [memory.text for memory in store.page("ann", limit=9)] == ["I moved to Oslo.", "Really?"]
        assert [memory.role for memory in store.page("ann", limit=9)] == ["user", "user"]
        assert store.add("ann", [draft("I moved to Oslo.", key="k")])[0].status == "duplicate"
        assert store.jobs.enqueue_extraction("ann", 2) == 1
        [one] = said(store, "new", start=5)
        assert store.add_facts("ann", [fact("F.", one)])[0].status == "stored"
        trace = Trace("0" * 32, "search", "Where?", START, used=(one,))
        store.learning.add_trace("ann", trace)
        given = Feedback(trace.id, 1.0, trace.used, alpha=0.3, cap=None, window=timedelta(hours=1))
        assert store.learning.learn("ann", given, towards).moves[0].after == 0.3
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
    def fill_up(connection: sa.Connection) -> None:
        migrate(connection)
        raise OSError("the disk is gone")

    migrate = migrations.migrate
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "migrate", fill_up)
        with pytest.raises(OSError, match="gone"):
            Store(old, space=Space())
    engine = sa.create_engine(old if "://" in old else f"sqlite:///{old}")
    assert "episodes" not in sa.inspect(engine).get_table_names()
    engine.dispose()
    with Store(old, space=Space()) as store:
        assert store.verify("ann") == []


COMPOSED, DECOMPOSED = "Zo\u00eb", "Zoe\u0308"


@pytest.fixture
def decomposed(target: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of step 6, with the names of one person in both forms of Unicode."""
    with monkeypatch.context() as patch:
        at("0006", patch)
        patch.setattr(migrations, "create", migrations.migrate)
        Database(target).close()
    engine = sa.create_engine(target if "://" in target else f"sqlite:///{target}")
    with engine.begin() as connection:
        tables = sa.MetaData()
        tables.reflect(connection)
        for key, name in enumerate((f"acme/{DECOMPOSED}", f"acme/{COMPOSED}", "ann"), 1):
            row = {"key": key, "name": name, "version": 1, "stamp": 1, "created_at": 1}
            connection.execute(sa.insert(tables.tables["namespaces"]), row)
            for place, speaker in enumerate((DECOMPOSED, COMPOSED)):
                _store(connection, tables, key, place, speaker)
        for form in (DECOMPOSED, COMPOSED):
            row = {
                "id": form[-1].encode().hex().ljust(16, "0"), "name": "", "digest": form.encode(), "allow": "[]",
                "namespaces": json.dumps([f"acme/{form}", f"{form}/*"]), "created_at": 1,
            }  # fmt: skip
            connection.execute(sa.insert(tables.tables["keys"]), row)
    engine.dispose()
    return target


def _store(connection: sa.Connection, tables: sa.MetaData, namespace: int, place: int, name: str) -> None:
    """A message by somebody of this name, in a session and under a key of this name."""
    text = f"हिन्दी {name} {place}"
    message = message_id(name, name, text, Instant(place, 0))
    shared = {"namespace_key": namespace, "id": message, "session_id": name, "speaker": name, "metadata": "{}"}
    raw = {"role": name, "text": text, "said_at": place, "said_at_offset": 0, "stored_at": 1, "write_key": name}
    connection.execute(sa.insert(tables.tables["messages"]), shared | raw | {"position": 0})
    memory = {
        "kind": "message", "text": text, "digest": text_digest(text), "entities": '["speaker", "old"]', "position": 0,
        "valid_from": place, "valid_from_offset": 0, "created_at": 1,
    }  # fmt: skip
    connection.execute(sa.insert(tables.tables["memories"]), shared | memory)
    change = {"version": 1, "ordinal": place, "memory_id": message, "operation": "add", "at": 1, "before": "{}"}
    connection.execute(sa.insert(tables.tables["changes"]), {"namespace_key": namespace} | change)


def test_names_get_one_form_and_nothing_is_lost(decomposed: str) -> None:
    with Store(decomposed, space=Space()) as store:
        assert store.namespaces() == ["acme/Zo\u00eb", "acme/Zo\u00eb~2", "ann"]
        for name in store.namespaces():
            assert store.verify(name) == []
            both = store.page(name, limit=9, wanted=Filter(speaker=(COMPOSED,), session_id=(COMPOSED,)))
            assert [(memory.position, memory.text[-1]) for memory in both] == [(1, "0"), (0, "1")]
        assert {key.namespaces for key in KeyTable(store.database).all()} == {
            ("acme/Zo\u00eb~2", "Zo\u00eb/*"), ("acme/Zo\u00eb", "Zo\u00eb/*"),
        }  # fmt: skip


def test_what_was_stored_in_another_form_is_not_stored_again(decomposed: str) -> None:
    with Store(decomposed, space=Space()) as store:
        [old, _] = store.page("ann", limit=9)
        moment = datetime.fromtimestamp(0, UTC)
        nodes = hyperedge(old.text, COMPOSED, COMPOSED, moment.date())
        again = replace(draft(old.text, speaker=COMPOSED, session=COMPOSED), said_at=moment, entities=nodes)
        assert [one.status for one in store.add("ann", [again, again])] == ["duplicate", "stored"]
        assert store.add("ann", [again])[0].id == old.id
        store.delete("ann", old.id)
        assert store.add("ann", [again])[0].reason is not None
        assert store.verify("ann") == []


def opened(tmp_path: Path, dump: str) -> Store:
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((DATA / dump).read_text())
    connection.close()
    return Store(path, space=Space())


def test_a_file_written_by_the_first_memsvc_opens(tmp_path: Path) -> None:
    with opened(tmp_path, "made_at_0001.sql") as store:
        assert store.namespaces() == ["acme/bob", "ann"]
        assert [memory.text for memory in store.page("ann", limit=9)] == ["I moved to Bergen.", "Yes."]
        with store.reading("ann") as reading:
            assert (len(reading.shard), reading.shard.stale) == (2, 1)
        assert [*store.verify("ann"), *store.verify("acme/bob"), *store.database.integrity_problems()] == []


def test_a_file_with_facts_and_jobs_opens(tmp_path: Path) -> None:
    with opened(tmp_path, "made_at_0002.sql") as store:
        texts = [memory.text for memory in store.page("ann", limit=9)]
        assert sorted(texts) == ["And the job?", "Ann moved in May.", "I moved to Bergen.", "Yes, in May."]
        assert [(job.kind, job.state, len(job.messages)) for job in store.jobs.find()] == [
            ("extract", "done", 2),
            ("extract", "queued", 1),
        ]
        assert [*store.verify("ann"), *store.verify("acme/bob"), *store.database.integrity_problems()] == []
