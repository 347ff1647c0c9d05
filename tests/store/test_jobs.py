"""The job queue: what is queued, who holds it, and that it applies once; on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from memsvc_store.sql.job_rows import _UNCOVERED
from memsvc_store.store import Store
from memsvc_store.values.hits import Filter
from memsvc_store.values.jobs import JOB_KINDS, Job, JobKind
from memsvc_store.values.memories import Memory
from memsvc_store.writing.job_queue import ATTEMPTS, BACKOFF, LEASE
from tests.store.values import START, Clock, Space, draft, fact, said

pytestmark = pytest.mark.slow


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(target: str, clock: Clock) -> Iterator[Store]:
    opened = Store(target, space=Space(), now=clock)
    yield opened
    opened.close()


def groups(store: Store, namespace: str = "ann") -> list[tuple[str, ...]]:
    return [job.messages for job in store.jobs.find(namespace)]


def facts_of(store: Store, namespace: str = "ann") -> list[str]:
    return [memory.text for memory in store.page(namespace, Filter(kind=("fact",)), limit=99)]


def test_messages_are_grouped_by_session_and_covered_once(store: Store) -> None:
    a, b, c = said(store, "a", "b", "c")
    d, e = said(store, "d", "e", session="s2")
    assert store.jobs.enqueue_extraction("ann", 2) == 3
    assert groups(store) == [(a, b), (c,), (d, e)]
    assert store.jobs.enqueue_extraction("ann", 2) == 0
    [f] = said(store, "f", start=9)
    assert store.jobs.enqueue_extraction("ann", 2) == 1
    assert groups(store)[-1] == (f,)
    assert store.jobs.enqueue_extraction("nobody", 2) == 0


def test_deleted_messages_and_those_with_facts_are_not_queued(store: Store) -> None:
    a, b, c = said(store, "a", "b", "c")
    store.add_facts("ann", [fact("B.", b)])
    store.delete("ann", a)
    assert store.jobs.enqueue_extraction("ann", 2) == 1
    assert groups(store) == [(c,)]


def test_interleaved_sessions_keep_their_order(store: Store) -> None:
    texts = [("a", "s1"), ("b", "s2"), ("c", "s1"), ("d", "s2"), ("e", "s1")]
    receipts = store.add("ann", [draft(text, session=session, minutes=i) for i, (text, session) in enumerate(texts)])
    a, b, c, d, e = (receipt.id or "" for receipt in receipts)
    store.jobs.enqueue_extraction("ann", 2)
    assert groups(store) == [(a, c), (b, d), (e,)]


def test_a_group_that_is_not_full_waits_for_the_rest_of_its_session(store: Store, clock: Clock) -> None:
    wait = timedelta(minutes=1)
    [a] = said(store, "a")
    assert store.jobs.enqueue_extraction("ann", 3, wait) == 1
    [b] = said(store, "b", session="s2")
    c, d, e, f = said(store, "c", "d", "e", "f", start=5)
    assert store.jobs.enqueue_extraction("ann", 3, wait) == 2
    assert groups(store) == [(a, c, d), (b,), (e, f)]
    assert [job.messages for job in store.jobs.claim("ann", 9)] == [(a, c, d)]
    clock.move(wait / 2)
    [g] = said(store, "g", session="s2", start=5)
    assert store.jobs.enqueue_extraction("ann", 3, wait) == 0
    assert store.jobs.enqueue_extraction("ann", 3, wait) == 0, "what filled a group is covered"
    clock.move(wait / 2)
    assert [job.messages for job in store.jobs.claim("ann", 9)] == [(b, g), (e, f)], (
        "no later than it was told at first"
    )
    [h] = said(store, "h", start=20)
    store.jobs.enqueue_extraction("ann", 3, wait)
    assert groups(store)[-1] == (h,), "what is held grows no more"
    due, waiting = store.jobs.undone("ann")
    assert (due, [job.messages for job in waiting]) == ([], [(a, c, d), (b, g), (e, f), (h,)])
    store.jobs.hurry("ann")
    assert [job.messages for job in store.jobs.claim("ann")] == [(h,)]


def test_filling_groups_at_once_covers_each_message_once(store: Store, target: str, clock: Clock) -> None:
    with Store(target, space=Space(), now=clock) as other, ThreadPoolExecutor(8) as pool:
        ids: list[str] = []
        for number in range(9):
            ids += said(store, f"m{number}", start=number)
            list(pool.map(lambda one: one.jobs.enqueue_extraction("ann", 2, timedelta(hours=1)), [store, other] * 2))
    assert groups(store) == [tuple(ids[at : at + 2]) for at in range(0, 9, 2)]


def test_queueing_at_once_queues_once(store: Store, target: str) -> None:
    ids = said(store, *(str(number) for number in range(40)))
    with Store(target, space=Space()) as other, ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda one: one.jobs.enqueue_extraction("ann", 2), [store, other] * 4))
    assert sum(counts) == 20
    assert [one for group in groups(store) for one in group] == ids


def test_queueing_what_is_not_new_reads_and_writes_nothing(store: Store) -> None:
    said(store, "a", "b")
    store.jobs.enqueue_extraction("ann", 2)
    seen: list[str] = []

    @sa.event.listens_for(store.database._engine, "before_cursor_execute")
    def _note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement.split()[0])

    assert store.jobs.enqueue_extraction("ann", 2) == 0
    assert seen == ["SELECT", "SELECT"], "the namespace, and what no job covers"


@pytest.mark.parametrize("kind", JOB_KINDS)
def test_the_watermark_is_read_from_its_index(tmp_path: Path, kind: JobKind) -> None:
    with Store(tmp_path / "a.db", space=Space()) as store, store.database.read() as connection:
        query = _UNCOVERED[kind].params(namespace=1).compile(connection.engine, compile_kwargs={"literal_binds": True})
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
    assert not [step for step in plan if step.startswith("SCAN") and "CONSTANT" not in step], plan
    assert any("ix_memories_namespace_key_kind_key (namespace_key=? AND kind=? AND key>?)" in step for step in plan)


def test_a_claim_takes_the_oldest_and_holds_them(store: Store, clock: Clock) -> None:
    ids = said(store, *"abcdef")
    store.jobs.enqueue_extraction("ann", 2)
    first, second = store.jobs.claim("ann", 2)
    assert (first.messages, second.messages) == ((ids[0], ids[1]), (ids[2], ids[3]))
    assert (first.state, first.attempts, first.started_at) == ("running", 1, START)
    assert first.leased_until == START + LEASE
    [third] = store.jobs.claim("ann", 9)
    assert third.worker != first.worker
    assert store.jobs.claim("ann", 9) == []
    clock.move(LEASE / 2)
    assert store.jobs.renew(first)
    clock.move(LEASE / 2)
    [overtaken] = store.jobs.claim("ann", 1)
    assert (overtaken.key, overtaken.attempts) == (second.key, 2)
    assert not store.jobs.renew(second)
    assert store.jobs.find("ann", "running")[0].worker == first.worker


def test_claims_at_once_share_nothing(store: Store, target: str, clock: Clock) -> None:
    said(store, *(str(number) for number in range(60)))
    store.jobs.enqueue_extraction("ann", 1)
    with Store(target, space=Space(), now=clock) as other, ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda one: one.jobs.claim("ann", 4), [store, other] * 15))
    keys = [job.key for jobs in taken for job in jobs]
    assert len(keys) == len(set(keys))
    taken.append(store.jobs.claim("ann", 60))
    assert len({job.key for jobs in taken for job in jobs}) == 60


def test_results_and_the_end_of_a_job_are_one_write(store: Store, clock: Clock) -> None:
    one, two = said(store, "a", "b")
    store.jobs.enqueue_extraction("ann", 2)
    [job] = store.jobs.claim("ann")
    clock.move(timedelta(seconds=5))
    done = store.jobs.finish(job, [fact("A.", one), fact("B.", one, two)], based_on=[], result={"dropped": 1})
    assert done is not None
    assert (done.state, done.result, done.worker) == ("done", {"dropped": 1, "stored": 2}, None)
    assert done.finished_at == START + timedelta(seconds=5)
    assert facts_of(store) == ["A.", "B."]
    assert store.jobs.find("ann") == [done]
    assert store.counts("ann")["version"] == 2
    assert store.verify("ann") == []


def test_a_job_that_ran_twice_applies_once(store: Store, clock: Clock) -> None:
    one, _ = said(store, "a", "b")
    store.jobs.enqueue_extraction("ann", 2)
    [slow] = store.jobs.claim("ann")
    clock.move(LEASE)
    [quick] = store.jobs.claim("ann")
    assert store.jobs.finish(slow, [fact("Slow.", one)], based_on=[], result={}) is None, "overtaken"
    assert facts_of(store) == []
    assert store.jobs.finish(quick, [fact("Quick.", one)], based_on=[], result={}) is not None
    for late in (slow, quick):
        assert store.jobs.finish(late, [fact("Late.", one)], based_on=[], result={}) is None
        assert store.jobs.fail(late, "late") is None
        assert store.jobs.release(late) is None
    assert facts_of(store) == ["Quick."]
    [job] = store.jobs.find("ann")
    assert (job.state, job.error) == ("done", None)


@pytest.mark.parametrize("change", ["delete", "correct", "redate", "delete fact"])
def test_work_on_what_has_changed_meanwhile_goes_back(store: Store, change: str) -> None:
    one, two = said(store, "a", "b")
    [known] = store.add_facts("ann", [fact("Known.", two)])
    store.jobs.enqueue_extraction("ann", 2)
    [job] = store.jobs.claim("ann")
    based_on = [store.get("ann", one), store.get("ann", known.id or "")]
    if change == "delete":
        store.delete("ann", one)
    elif change == "correct":
        store.update("ann", one, text="A")
    elif change == "redate":
        store.update("ann", one, valid_from=START - timedelta(days=1))
    else:
        store.delete("ann", known.id or "")
    back = store.jobs.finish(job, [fact("New.", one)], based_on=based_on, result={})
    assert back is not None
    assert (back.state, back.attempts, back.worker) == ("queued", 0, None)
    assert "New." not in facts_of(store)
    assert [again.key for again in store.jobs.claim("ann")] == [job.key]


def test_a_failing_job_waits_longer_each_time_and_stays_visible(store: Store, clock: Clock) -> None:
    said(store, "a")
    store.jobs.enqueue_extraction("ann", 2)
    for attempt in range(1, ATTEMPTS):
        [job] = store.jobs.claim("ann")
        assert job.attempts == attempt
        failed = store.jobs.fail(job, f"error {attempt} \ud800\0")
        assert failed is not None
        assert (failed.state, failed.error) == ("queued", f"error {attempt} ?")
        assert failed.due_at == clock() + BACKOFF * 4 ** (attempt - 1)
        assert store.jobs.claim("ann") == [], "not before it is due"
        assert store.jobs.seconds_to_next("ann") == (failed.due_at - clock()).total_seconds()
        clock.at = failed.due_at
    [job] = store.jobs.claim("ann")
    assert store.jobs.fail(job, "the last error") is not None
    clock.move(timedelta(days=9))
    assert store.jobs.claim("ann") == []
    [job] = store.jobs.find("ann", "failed")
    assert (job.error, job.attempts, job.finished_at) == ("the last error", 3, clock() - timedelta(days=9))
    assert store.jobs.seconds_to_next("ann") is None
    assert store.jobs.retry("ann") == 1
    [job] = store.jobs.claim("ann")
    assert (job.attempts, job.error) == (1, "the last error")


def test_retry_does_not_wait_either(store: Store) -> None:
    said(store, "a", "b")
    store.jobs.enqueue_extraction("ann", 1)
    [job] = store.jobs.claim("ann")
    store.jobs.fail(job, "once")
    assert store.jobs.retry("ann") == 1, "the other one was due anyway"
    assert store.jobs.retry("nobody") == 0
    assert [again.key for again in store.jobs.claim("ann")] == [job.key]


def test_a_job_put_back_was_never_taken_up(store: Store) -> None:
    said(store, "a")
    store.jobs.enqueue_extraction("ann", 2)
    for _ in range(ATTEMPTS + 2):
        [job] = store.jobs.claim("ann")
        back = store.jobs.release(job)
        assert back is not None
        assert (back.state, back.attempts) == ("queued", 0)


def test_a_job_whose_workers_vanish_fails_in_the_end(store: Store, clock: Clock) -> None:
    said(store, "a")
    store.jobs.enqueue_extraction("ann", 2)
    for _ in range(ATTEMPTS):
        assert len(store.jobs.claim("ann")) == 1
        clock.move(LEASE)
    assert store.jobs.claim("ann") == []
    [job] = store.jobs.find("ann", "failed")
    assert job.error == "its worker went away 3 times"


def test_no_namespace_sees_anothers_jobs(store: Store) -> None:
    said(store, "a", "b")
    [theirs] = said(store, "a", namespace="bob")
    store.jobs.enqueue_extraction("ann", 2)
    assert store.jobs.claim("bob") == []
    assert store.jobs.find("bob") == []
    store.jobs.enqueue_extraction("bob", 2)
    [job] = store.jobs.claim("bob")
    assert (job.namespace, job.messages) == ("bob", (theirs,))
    assert [one.namespace for one in store.jobs.find()] == ["ann", "bob"]
    assert [one.state for one in store.jobs.find("ann")] == ["queued"]
    store.jobs.fail(job, "x")
    assert store.jobs.retry("ann") == 0


def test_any_interleaving_of_two_workers_keeps_every_promise(store: Store, target: str, clock: Clock) -> None:
    """150 random steps: messages are never lost, facts rest on live messages, a job is applied once."""
    chance = random.Random(11)
    other = Store(target, space=Space(), now=clock)
    held: list[tuple[Job, list[Memory]]] = []
    live: dict[str, str] = {}
    applied: list[int] = []
    for number in range(150):
        one = chance.choice([store, other])
        step = chance.choice(["add", "add", "claim", "claim", "end", "end", "end", "delete", "update", "wait", "fact"])
        if step == "add":
            live |= dict.fromkeys(said(one, f"text {number}", start=number), f"text {number}")
            one.jobs.enqueue_extraction("ann", 2)
        elif step == "claim":
            for job in one.jobs.claim("ann", 2):
                held.append((job, [one.get("ann", key) for key in job.messages if key in live]))
        elif step == "end" and held:
            job, read = held.pop(chance.randrange(len(held)))
            ending = chance.choice(["finish", "finish", "finish", "fail", "release"])
            if ending == "finish":
                found = [fact(f"{memory.text} is so.", memory.id) for memory in read]
                ended = one.jobs.finish(job, found, based_on=read, result={})
                applied += [job.key] if ended is not None and ended.state == "done" else []
            else:
                getattr(one.jobs, ending)(job, *(["it broke"] if ending == "fail" else []))
        elif step in ("delete", "update") and live:
            key = chance.choice(sorted(live))
            if step == "delete":
                one.delete("ann", key)
                del live[key]
            else:
                live[key] = one.update("ann", key, text=f"corrected {number}").text
        elif step == "fact" and (facts := one.page("ann", Filter(kind=("fact",)), limit=99)):
            one.delete("ann", chance.choice(facts).id)
        elif step == "wait":
            clock.move(LEASE)
        assert {memory.id: memory.text for memory in other.page("ann", Filter(kind=("message",)), limit=999)} == live
        for memory in store.page("ann", Filter(kind=("fact",)), limit=999):
            assert memory.text in {f"{live[source]} is so." for source in memory.sources}
    assert len(applied) == len(set(applied)) > 10
    assert sorted(job.key for job in store.jobs.find("ann", "done")) == sorted(applied)
    assert store.verify("ann") == other.verify("ann") == []
    other.close()
