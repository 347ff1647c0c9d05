"""Erasure while others read, write, look up and erase: nobody stands still, and a receipt vouches for what is so."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from memsvc_store.erasing.erasure import Erasures
from memsvc_store.errors import DatabaseBusy, DatabaseUnreadable, NotFound, StorageFull
from memsvc_store.projections import snapshot
from memsvc_store.sql.database import Database
from memsvc_store.store import Store
from memsvc_store.values import clock
from memsvc_store.values.erasure_receipts import Target
from tests.store.erasing import KEPT, SECRET, contents, files
from tests.store.values import START, Space, draft, said, ticking, trace

SESSION, WHOLE = Target("session", "private"), Target("namespace")


def opened(target: str | Path) -> Store:
    return Store(target, space=Space(), snapshot_rows=1, now=ticking())


def erasures(database: Database, refresh: Callable[[str], None] = lambda _: None) -> Erasures:
    return Erasures(database, None, refresh, clock.now)


def secretly(store: Store, *texts: str) -> None:
    store.add("ann", [draft(text, session="private", minutes=place) for place, text in enumerate(texts, 10)])


# -- look-ups and work under way -----------------------------------------------------------------


def test_a_look_up_that_waits_for_its_embedder_holds_up_no_erasure(target: str) -> None:
    with opened(target) as store:
        said(store, KEPT)
        secretly(store, SECRET)
        database = Database(target, busy_seconds=1.0)
        with store.reading("ann") as reading, reading.paused():
            assert len(reading.shard) == 2
            assert erasures(database).forget("ann", SESSION).compacted
        database.close()


def test_a_look_up_goes_on_where_the_namespace_is_after_a_pause(target: str) -> None:
    with opened(target) as store:
        said(store, KEPT)
        with store.reading("ann") as reading:
            with reading.paused():
                said(store, "It rains.", start=5)
            assert reading.namespace is not None
            assert (reading.namespace.version, len(reading.shard)) == (2, 2)


def test_a_trace_from_before_comes_not_into_the_namespace_that_follows(target: str) -> None:
    with opened(target) as store:
        [secret] = said(store, SECRET)
        late = trace(secret, kind="ask", document={"answer": SECRET, "share": 1.0})
        store.erasure.forget("ann", WHOLE)
        said(store, KEPT)
        with pytest.raises(NotFound, match="erased since"):
            store.learning.add_trace("ann", late)
        assert b"zanzibar" not in contents(store)


def test_a_trace_of_the_whole_log_goes_though_a_clock_says_that_it_is_older(target: str) -> None:
    with opened(target) as store:
        [kept] = said(store, KEPT)
        secretly(store, SECRET)
        document = {"answer": "It is a word for an island.", "share": 1.0}
        told = trace(kept, kind="ask", at=START - timedelta(days=9), document=document)
        store.learning.add_trace("ann", told)
        store.erasure.forget("ann", SESSION)
        assert store.learning.traces("ann") == []


def test_jobs_of_a_namespace_that_is_gone_are_nobody_s(target: str) -> None:
    with opened(target) as store:
        secretly(store, SECRET)
        store.jobs.enqueue_extraction("ann", 1)
        [job] = store.jobs.claim("ann")
        store.erasure.forget("ann", WHOLE)
        assert not store.jobs.renew(job)
        assert store.jobs.release(job) is None
        assert store.jobs.fail(job, "away") is None


# -- two at a time -------------------------------------------------------------------------------


def test_erasures_at_the_same_time_all_end_with_a_receipt(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with opened(path) as store:
        for number in range(12):
            said(store, SECRET, namespace=f"n{number}")
        beside = [Database(path) for _ in range(3)]  # as of other processes: they share no turn

        def forget(part: int) -> list[bool]:
            erasing = erasures(beside[part])
            return [erasing.forget(f"n{number}", WHOLE).compacted for number in range(part, 12, 3)]

        with ThreadPoolExecutor(3) as threads:
            assert list(threads.map(forget, range(3))) == [[True] * 4] * 3
        for database in beside:
            database.close()
        assert store.erasure.problems() == []
    assert b"zanzibar" not in files(path)


def test_no_receipt_vouches_for_what_another_erased_after_the_files_were_rewritten(target: str) -> None:
    with opened(target) as store:
        secretly(store, SECRET)
        other = erasures(store.database)

        def more(namespace: str) -> None:
            secretly(store, "And zanzibar again.")
            other._erase(namespace, SESSION, START)  # and is killed before it rewrites anything

        with pytest.raises(DatabaseBusy, match=r"erased more of .* forget the same again"):
            erasures(store.database, more).forget("ann", SESSION)
        assert len(store.erasure.problems()) == 1
        assert store.erasure.forget("ann", SESSION).counts["messages"] == 2
        assert store.erasure.problems() == []


def test_what_two_erase_is_counted_once(target: str) -> None:
    with opened(target) as store:
        secretly(store, SECRET, "And another.")
        databases = [Database(target) for _ in range(2)]

        def forget(database: Database) -> int:
            try:
                return erasures(database).forget("ann", SESSION).counts["messages"]
            except (DatabaseBusy, NotFound):
                return 0

        with ThreadPoolExecutor(2) as threads:
            counted = sorted(threads.map(forget, databases))
        for database in databases:
            database.close()
        assert counted == [0, 2]
        assert store.counts("ann")["messages"] == 0


# -- what stands in the way ----------------------------------------------------------------------


def test_on_a_server_an_older_transaction_is_waited_for_and_named(postgres_url: str) -> None:
    with opened(postgres_url) as store:
        secretly(store, SECRET)
        database = Database(postgres_url, busy_seconds=0.1)
        with psycopg.connect(postgres_url.replace("+psycopg", "")) as reader:
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT 1")
            with pytest.raises(DatabaseBusy, match=r"transaction that began before .* forget the same again"):
                erasures(database).forget("ann", SESSION)
        assert erasures(database).forget("ann", SESSION).compacted
        database.close()


def test_no_room_to_rewrite_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.db"
    with opened(path) as store:
        secretly(store, SECRET)
        database = Database(path)

        @sa.event.listens_for(database._engine, "before_cursor_execute")
        def full(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if statement == "VACUUM":
                raise StorageFull("no room")

        with pytest.raises(StorageFull, match=r"out of the tables.* free as much .* then forget the same again"):
            erasures(database).forget("ann", SESSION)
        database.close()
        assert store.erasure.forget("ann", SESSION).counts["messages"] == 1


# -- snapshots -----------------------------------------------------------------------------------


def test_snapshots_are_found_by_whatever_name_the_file_was_opened(tmp_path: Path) -> None:
    path, link = tmp_path / "a.db", tmp_path / "current.db"
    link.symlink_to(path)
    with opened(path) as store:
        secretly(store, SECRET)
    with opened(link) as store, store.reading("ann"):
        pass
    assert list(tmp_path.glob("*.shards/*.shard"))
    with opened(path) as store:
        assert store.erasure.forget("ann", WHOLE).counts["snapshots"] == 1
    assert not list(tmp_path.glob("*.shards/*"))


def test_a_snapshot_that_is_set_aside_meanwhile_goes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshots = [tmp_path / "a.shard", tmp_path / "b.shard"]
    for path in snapshots:
        path.write_text("damaged")
    unlink = Path.unlink

    def beside(path: Path, missing_ok: bool = False) -> None:
        if snapshots[1].exists() and path != snapshots[1]:
            snapshots[1].rename(tmp_path / "b.rejected")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", beside)
    snapshot.sweep(tmp_path, "ann")
    assert list(tmp_path.iterdir()) == []


def test_a_snapshot_that_cannot_be_deleted_stops_the_erasure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.db"
    with opened(path) as store:
        secretly(store, SECRET)
        with store.reading("ann"):
            pass  # whose shard is kept when the store is closed
    with opened(path) as store:

        def refuse(path: Path, missing_ok: bool = False) -> None:
            raise PermissionError(13, "Permission denied")

        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", refuse)
            with pytest.raises(DatabaseUnreadable, match=r"nothing was erased.* again"):
                store.erasure.forget("ann", SESSION)
        assert store.counts("ann")["messages"] == 1
        assert store.erasure.forget("ann", SESSION).counts["snapshots"] == 1
