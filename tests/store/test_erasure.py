"""Erasure: nothing of it is left in tables or files, what stays is whole, and the receipt says so."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from memsvc_store.erasing.erasure import Erasures
from memsvc_store.erasing.removal import QUOTED
from memsvc_store.errors import DatabaseBusy, InvalidInput, NotFound
from memsvc_store.sql.database import Database
from memsvc_store.sql.records import Records
from memsvc_store.sql.rows import text_digest
from memsvc_store.store import Store
from memsvc_store.values import clock
from memsvc_store.values import erasure_receipts as receipts
from memsvc_store.values.erasure_receipts import Target
from memsvc_store.values.nodes import INTENT
from tests.store.erasing import KEPT, SECRET, contents, files, fill, found, table_rows
from tests.store.values import Space, draft, fact, said, ticking, towards, trace, tried, vector

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parents[2]
SESSION = Target("session", "private")


def opened(target: str | Path) -> Store:
    return Store(target, space=Space(), snapshot_rows=1, now=ticking())


def live(store: Store, namespace: str = "ann") -> set[str]:
    with store.reading(namespace) as reading:
        return set(reading.shard.live_ids)


# -- nothing is left --------------------------------------------------------------------------


def test_nothing_of_a_session_is_left_in_the_tables(target: str) -> None:
    with opened(target) as store:
        filled = fill(store)
        assert len(found(contents(store), filled)) > 20
        receipt = store.erasure.forget("ann", SESSION)
        assert found(contents(store), filled) == []
        assert store.verify("ann") == []
        assert live(store) == {filled.kept, filled.other, filled.kept_fact, filled.kept_episode}
        assert receipt.counts == {
            "messages": 3, "memories": 7, "facts": 3, "episodes": 1, "vectors": 5, "hyperedges": 7, "utilities": 2,
            "feedback": 3, "moves": 4, "traces": 4, "jobs": 2, "changes": 10, "calibrations": 0, "snapshots": 0,
        }  # fmt: skip
        assert receipt.compacted
        assert store.erasure.verify(receipt)


def test_nothing_of_a_session_is_left_in_the_files(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with opened(path) as store:
        filled = fill(store)
        with store.reading("ann"):
            pass  # so that closing keeps a snapshot
    [snapshot] = path.with_name("a.db.shards").iterdir()
    assert b"zanzibar" in snapshot.read_bytes()
    with opened(path) as store:
        live(store)
        said(store, "later", start=50)
        assert len(found(files(path), filled)) > 20
        assert store.erasure.forget("ann", SESSION).counts["snapshots"] == 1
        assert found(files(path), filled) == []
        assert path.with_name("a.db-wal").stat().st_size == 0
        assert len(live(store)) == 5
        assert store.database.integrity_problems() == []
    assert found(files(path), filled) == [], "closing kept a snapshot of what is left"
    with opened(path) as store:
        assert store.verify("ann") == []


@pytest.mark.parametrize("whole", [False, True])
def test_the_planner_forgets_what_it_has_seen(postgres_url: str, whole: bool) -> None:
    def samples(store: Store) -> str:
        with store.database.read() as connection:
            select = sa.text(
                "SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats WHERE schemaname='public'"
            )
            return str(connection.execute(select).all())

    with opened(postgres_url) as store:
        filled = fill(store)
        with store.database.autocommit() as connection:
            connection.exec_driver_sql("ANALYZE")
        assert "zanzibar" in samples(store)
        assert filled.secret in samples(store)
        store.erasure.forget("ann", Target("namespace") if whole else SESSION)
        assert "zanzibar" not in samples(store)
        assert filled.secret not in samples(store)


def test_a_role_that_may_not_rewrite_the_tables_is_told(postgres_url: str) -> None:
    with opened(postgres_url) as store:
        filled = fill(store)
        with store.database.autocommit() as connection:
            connection.exec_driver_sql("DROP ROLE IF EXISTS plain")
            connection.exec_driver_sql("CREATE ROLE plain LOGIN")
            connection.exec_driver_sql("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO plain")
            connection.exec_driver_sql("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO plain")
    with opened(str(sa.make_url(postgres_url).set(username="plain").render_as_string(hide_password=False))) as store:
        receipt = store.erasure.forget("ann", SESSION)
        assert not receipt.compacted
        assert found(contents(store), filled) == []
    with opened(postgres_url) as store, store.database.autocommit() as connection:
        connection.exec_driver_sql("DROP OWNED BY plain")
        connection.exec_driver_sql("DROP ROLE plain")


def test_a_whole_namespace_goes_with_its_name(target: str) -> None:
    with opened(target) as store:
        fill(store, "bob")
        others = contents(store)
        filled = fill(store, "ann/zanzibar")
        live(store, "ann/zanzibar")
        receipt = store.erasure.forget("ann/zanzibar", Target("namespace"))
        assert store.namespaces() == ["bob"]
        assert (receipt.counts["messages"], receipt.counts["calibrations"]) == (5, 1)
        rows = table_rows(store)
        assert len(rows.pop("memsvc_database")) == 1
        assert contents(store).replace(b"\n", b"").count(b"zanzibar") == others.replace(b"\n", b"").count(b"zanzibar")
        assert {row["namespace_key"] for name, kind in rows.items() if name != "namespaces" for row in kind} == {1}
        assert live(store, "ann/zanzibar") == set()
        assert store.verify("bob") == []
        assert said(store, KEPT, namespace="ann/zanzibar") == [filled.kept]
        assert store.verify("ann/zanzibar") == []


# -- what goes --------------------------------------------------------------------------------


def test_a_message_goes_with_every_fact_that_rests_on_it(target: str) -> None:
    with opened(target) as store:
        filled = fill(store)
        receipt = store.erasure.forget("ann", Target("memory", filled.secret))
        assert (receipt.counts["messages"], receipt.counts["facts"]) == (1, 3)
        assert live(store) == {
            filled.kept, filled.other, filled.corrected, filled.kept_fact, filled.episode, filled.kept_episode,
        }  # fmt: skip
        for gone in (filled.secret, filled.fact, filled.shared_fact, filled.successor):
            with pytest.raises(NotFound):
                store.history("ann", gone)
        assert [job.memories for job in store.jobs.find("ann", "queued") if job.kind == "extract"] == [
            (filled.corrected,), (filled.kept,),
        ], "what else the facts rested on is worked through again"  # fmt: skip
        assert store.verify("ann") == []


def test_a_fact_goes_alone_and_its_predecessor_may_come_back(target: str) -> None:
    with opened(target) as store:
        [one] = said(store, "I moved.")
        [first] = store.add_facts("ann", [fact("In Oslo.", one)])
        [second] = store.add_facts("ann", [fact("In Bergen.", one, replaces=(first.id or "",))])
        assert (
            store.add_facts("ann", [fact("In Oslo.", one)])[0].reason
            == "it was deleted or replaced since, and stays so; name other sources, or say it in other words"
        )
        store.erasure.forget("ann", Target("memory", second.id))
        assert live(store) == {one}
        assert store.history("ann", first.id or "")[-1].before == {"why": "erased"}
        assert store.add_facts("ann", [fact("In Oslo.", one)])[0].status == "stored"
        assert store.verify("ann") == []


@pytest.mark.parametrize("which", ["deleted", "corrected", "episode"])
def test_deleted_and_corrected_memories_and_episodes_can_be_forgotten(target: str, which: str) -> None:
    with opened(target) as store:
        filled = fill(store)
        memory_id = getattr(filled, which)
        assert store.erasure.forget("ann", Target("memory", memory_id)).counts["memories"] == 1
        rows = contents(store)
        assert memory_id.encode() not in rows
        assert {"deleted": b"ferry", "corrected": b"quetzal", "episode": b"open the"}[which] not in rows
        assert store.verify("ann") == []


def test_a_cold_memory_can_be_forgotten(target: str) -> None:
    with opened(target) as store:
        one, two = said(store, "cold zanzibar", "warm")
        store.retain("ann", [one], since=store.counts("ann")["version"])
        assert live(store) == {two}
        store.erasure.forget("ann", Target("memory", one))
        assert b"zanzibar" not in contents(store)
        assert store.verify("ann") == []


def test_an_intent_that_is_shared_gets_the_name_of_one_that_stays(target: str) -> None:
    with opened(target) as store:
        filled = fill(store)
        store.erasure.forget("ann", Target("memory", filled.episode))
        nodes = [node.name for node in store.get("ann", filled.kept_episode).entities if node.kind == INTENT]
        assert nodes == [text_digest("open a locker").hex()]
        assert live(store) >= {filled.kept_episode}
        assert store.verify("ann") == []


def test_a_source_is_named_by_metadata_or_key(target: str) -> None:
    with opened(target) as store:
        drafts = [
            draft("told by metadata", metadata={"source": "book"}),
            draft("keyed as one", minutes=1, key="book"),
            draft("keyed as many", minutes=2, key="book/0"),
            draft("another book", minutes=3, key="book2/0", metadata={"source": "book2"}),
            draft("another case", minutes=4, key="Book/0", metadata={"source": ["book"]}),
            draft("a page of it", minutes=5, metadata={"page": "book"}),
        ]
        ids = [receipt.id or "" for receipt in store.add("ann", drafts)]
        assert store.erasure.forget("ann", Target("source", "book")).counts["messages"] == 3
        assert live(store) == {*ids[3:]}
        assert store.verify("ann") == []
        with pytest.raises(NotFound):
            store.erasure.forget("ann", Target("source", "b%"))


def test_a_text_that_is_said_elsewhere_keeps_its_vector(target: str) -> None:
    with opened(target) as store:
        one, two = said(store, "same", "same")
        store.erasure.forget("ann", Target("memory", one))
        assert store.counts("ann")["vectors"] == 1
        with store.reading("ann") as reading:
            assert reading.shard.live_ids == [two]
            assert reading.shard.stale == 0


# -- what stays -------------------------------------------------------------------------------


def test_the_same_may_be_said_again(target: str) -> None:
    with opened(target) as store:
        filled = fill(store)
        store.erasure.forget("ann", SESSION)
        again = draft(SECRET, session="private", minutes=10, key="import-7/0")
        assert [(receipt.status, receipt.id) for receipt in store.add("ann", [again])] == [("stored", filled.secret)]
        assert filled.secret in live(store)
        assert store.verify("ann") == []


def test_what_was_learned_of_the_others_stays_to_the_bit(target: str) -> None:
    with opened(target) as store:
        filled = fill(store)
        before = store.learning.utilities("ann")[filled.kept]
        store.erasure.forget("ann", SESSION)
        utilities, moves = store.learning.utilities("ann"), table_rows(store)["moves"]
        assert utilities == {filled.kept: before}
        assert store.learning.replay("ann", towards) == 7
        assert store.learning.utilities("ann") == utilities
        assert table_rows(store)["moves"] == moves
        with store.reading("ann") as reading:
            assert reading.shard.utilities == {filled.kept: before.q}


def test_which_traces_go(target: str) -> None:
    with opened(target) as store:
        fill(store)
        store.erasure.forget("ann", SESSION)
        assert {one.query for one in store.learning.traces("ann")} == {"Where does Ann live?", "Oslo?"}


def test_jobs_name_it_no_more_and_work_under_way_is_refused(target: str) -> None:
    with opened(target) as store:
        kept, secret = said(store, KEPT, SECRET)
        assert store.jobs.enqueue_extraction("ann", 2) == 1
        [job] = store.jobs.claim("ann")
        store.erasure.forget("ann", Target("memory", secret))
        assert store.jobs.finish(job, [fact("Ann knows zanzibar.", kept)], based_on=[], result={}) is None
        assert store.jobs.fail(job, SECRET) is None
        [left] = store.jobs.find("ann")
        assert (left.memories, left.state, left.worker) == ((kept,), "queued", None)
        assert b"zanzibar" not in contents(store)


def test_what_is_covered_by_jobs_stays_so_and_errors_are_withheld(target: str) -> None:
    with opened(target) as store:
        kept, secret = said(store, KEPT, SECRET)
        store.jobs.enqueue_extraction("ann", 1)
        for job in store.jobs.claim("ann", 2):
            store.jobs.fail(job, f"it says {SECRET}")
        store.erasure.forget("ann", Target("memory", secret))
        assert {job.memories: (job.state, job.error) for job in store.jobs.find("ann")} == {
            (kept,): ("queued", QUOTED), (): ("done", None),
        }  # fmt: skip
        assert store.jobs.enqueue_extraction("ann", 1) == 0


def test_who_looked_before_and_writes_after_brings_nothing_back(target: str) -> None:
    with opened(target) as store:
        kept, secret = said(store, KEPT, SECRET)
        store.erasure.forget("ann", Target("memory", secret))
        with pytest.raises(NotFound, match="erased since"):
            store.learning.add_trace("ann", trace(kept, secret, query=SECRET))
        store.learning.add_trace("ann", trace(kept))
        store.embed("ann", {secret: (SECRET, vector(SECRET))})
        assert text_digest(SECRET) not in contents(store)
        with store.database.write() as connection, pytest.raises(DatabaseBusy, match="was erased while"):
            Records(connection).lock_namespace("gone")


# -- other shards, other snapshots ------------------------------------------------------------


def test_a_shard_elsewhere_drops_it_and_leaves_no_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with opened(path) as here, opened(path) as there, opened(path) as idle:
        filled = fill(here)
        assert filled.secret in live(there)
        assert filled.secret in live(idle)
        here.erasure.forget("ann", SESSION)
        said(here, "after", start=90)
        assert filled.secret not in live(there)
        assert there.verify("ann") == []
        with there.reading("ann") as reading:
            assert {memory.id for memory in reading.shard.memories.values()} == set(reading.shard.live_ids)
        idle.close()  # it has the erased rows in memory to the end
        assert found(files(path), filled) == []


def test_a_namespace_that_is_gone_and_back_is_another_elsewhere(target: str) -> None:
    with opened(target) as here, opened(target) as there:
        said(here, *map(str, range(5)))
        assert len(live(there)) == 5
        here.erasure.forget("ann", Target("namespace"))
        assert live(there) == set()
        [one] = said(here, "new")
        assert live(there) == {one}
        assert there.verify("ann") == []


def test_snapshots_of_other_models_and_broken_ones_go_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    for space in (Space(), Space(model="other")):
        with Store(path, space=space, snapshot_rows=1) as store:
            for namespace in ("ann", "bob"):
                said(store, KEPT, namespace=namespace)
                live(store, namespace)
    folder = path.with_name("a.db.shards")
    assert len(list(folder.iterdir())) == 4
    for name in ("x.rejected", "x.17.tmp", "y.shard"):
        (folder / name).write_bytes(b"broken\nzanzibar")
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    with opened(path) as store:
        assert store.erasure.forget("ann", Target("namespace")).counts["snapshots"] == 5
    left = {one.name: one.read_bytes() for one in folder.iterdir()}
    assert len(left) == 2
    assert all(b'"namespace": "bob"' in raw and before[name] == raw for name, raw in left.items())


def test_a_snapshot_that_comes_back_is_deleted(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with opened(path) as store:
        filled = fill(store)
        live(store)
    [snapshot] = path.with_name("a.db.shards").iterdir()
    shutil.copy(snapshot, tmp_path / "copy")
    with opened(path) as store:
        store.erasure.forget("ann", SESSION)
        shutil.copy(tmp_path / "copy", snapshot)
        assert filled.secret not in live(store)
        assert not snapshot.exists()


# -- again, and in between --------------------------------------------------------------------


def test_what_is_not_there_cannot_be_forgotten(target: str) -> None:
    with opened(target) as store:
        with pytest.raises(NotFound, match="holds no memories"):
            store.erasure.forget("ann", Target("namespace"))
        fill(store)
        before = table_rows(store)
        for missing in (Target("session", "s9"), Target("memory", "0" * 20), Target("source", "x")):
            with pytest.raises(NotFound, match="holds nothing of"):
                store.erasure.forget("ann", missing)
        assert table_rows(store) == before
        store.erasure.forget("ann", SESSION)
        before = table_rows(store)
        with pytest.raises(NotFound):
            store.erasure.forget("ann", SESSION)
        assert table_rows(store) == before


def test_a_reader_that_holds_the_log_is_named_and_the_erasure_finished_later(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with opened(path) as store:
        filled = fill(store)
        database = Database(path, busy_seconds=0.05)
        erasures = Erasures(database, None, lambda _: None, clock.now)
        with store.database.read() as connection:
            connection.execute(sa.text("SELECT count(*) FROM memories")).all()
            with pytest.raises(DatabaseBusy, match="forget the same again"):
                erasures.forget("ann", SESSION)
        assert filled.secret not in live(store)
        assert len(table_rows(store)["erasures"]) == 1, "the receipt waits"
        assert store.erasure.problems() == [
            "database: erasures without a receipt: 1; under way, or cut off: then forget the same again"
        ]
        assert found(contents(store), filled) == []
        receipt = erasures.forget("ann", SESSION)
        database.close()
        assert receipt.counts["messages"] == 3
        assert store.erasure.verify(receipt)
        assert found(files(path), filled) == []


# Forks before anything is opened; each child kills itself at its k-th SQL statement.
DYING = """
import os, signal, sys
import sqlalchemy as sa
from memsvc_store.values.erasure_receipts import Target
from memsvc_store.store import Store
from tests.store.values import Space

def child(path, fatal):
    store = Store(path, space=Space(), snapshot_rows=1)
    seen = 0
    @sa.event.listens_for(store.database._engine, "before_cursor_execute")
    def _die(*_):
        nonlocal seen
        seen += 1
        if seen == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
    @sa.event.listens_for(store.database._engine, "commit")
    def _die_at_commit(*_):
        _die()
    store.erasure.forget("ann", Target("session", "private"))
    os._exit(0)

for fatal in range(1, 200):
    pid = os.fork()
    if pid == 0:
        child(os.path.join(sys.argv[1], str(fatal), "a.db"), fatal)
    _, status = os.waitpid(pid, 0)
    print(fatal, os.WIFSIGNALED(status), flush=True)
    if not os.WIFSIGNALED(status):
        break
"""


def test_killed_at_every_statement(tmp_path: Path) -> None:
    with opened(tmp_path / "a.db") as store:
        filled = fill(store)
        live(store)
        whole = table_rows(store)
        with store.database.autocommit() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    for fatal in range(1, 120):
        (tmp_path / str(fatal)).mkdir()
        shutil.copy(tmp_path / "a.db", tmp_path / str(fatal))
        shutil.copytree(tmp_path / "a.db.shards", tmp_path / str(fatal) / "a.db.shards")
    script = [sys.executable, "-c", DYING, str(tmp_path)]
    done = subprocess.run(script, cwd=HERE, capture_output=True, text=True, timeout=120, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[-1][1] == "False", "the last child lived to its end"
    states = set()
    for fatal, _ in lines[:-1]:
        path = tmp_path / fatal / "a.db"
        with Store(path, space=Space(), snapshot_rows=1) as store:
            rows = table_rows(store)
            before, pending = rows == whole, len(rows["erasures"])
            assert before or filled.secret not in live(store), f"half of it, killed at statement {fatal}"
            states.add((before, pending))
            if before and fatal != "1":  # as if nobody had called
                continue
            if not before and not pending:
                assert found(files(path), filled) == [], f"signed, and not gone, killed at statement {fatal}"
                continue
            receipt = store.erasure.forget("ann", SESSION)
            assert (receipt.counts["messages"], receipt.counts["memories"]) == (3, 7)
            assert found(contents(store), filled) == []
            assert found(files(path), filled) == []
            assert store.erasure.verify(receipt)
            assert store.verify("ann") == []
            assert store.database.integrity_problems() == []
    assert states == {(True, 0), (False, 1), (False, 0)}, "deaths fell before, between and after"


# -- receipts ---------------------------------------------------------------------------------


def test_a_receipt_is_this_databases_and_as_it_was(tmp_path: Path) -> None:
    with opened(tmp_path / "a.db") as store, opened(tmp_path / "b.db") as other:
        ids = tried(store, "one", "two")
        first, second = (store.erasure.forget("ann", Target("memory", one)) for one in ids)
        assert first.key_id == second.key_id
        for forged in (
            replace(first, namespace="bob"), replace(first, counts={**first.counts, "messages": 9}),
            replace(first, at=second.at), replace(first, compacted=False), replace(first, target=None),
            replace(first, signature=second.signature), replace(first, signature="é"), replace(first, key_id=""),
        ):  # fmt: skip
            assert not store.erasure.verify(forged)
        assert not other.erasure.verify(first), "it never issued one"
        said(other, "x")
        other.erasure.forget("ann", Target("namespace"))
        assert not other.erasure.verify(first)
        document = json.loads(json.dumps(receipts.document(first)))
        assert store.erasure.verify(receipts.from_document(document))
    with opened(tmp_path / "a.db") as store:
        assert store.erasure.verify(first)


@pytest.mark.parametrize(
    "change",
    [{"what": "all"}, {"counts": {"messages": "3"}}, {"counts": []}, {"at": "then"}, {"extra": 1}, {"target": 3}],
)
def test_what_is_no_receipt_is_refused(change: dict[str, object]) -> None:
    good = receipts.document(receipts.Erasure("ann", "session", "s1", {}, clock.now(), compacted=True))
    assert receipts.from_document(good).namespace == "ann"
    with pytest.raises(InvalidInput):
        receipts.from_document(good | change)
    with pytest.raises(InvalidInput):
        receipts.from_document([good])
