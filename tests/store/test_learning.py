"""Traces, feedback and utilities: what is logged, what follows from it; on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from memsvc_store.errors import InvalidInput, NotFound
from memsvc_store.sql import schema
from memsvc_store.sql.records import Records, there
from memsvc_store.sql.trace_rows import _OWN, Traces
from memsvc_store.sql.utility_rows import _KEYED, _LOGGED_AT, _SINCE, _TOTALS
from memsvc_store.store import Store
from memsvc_store.values.hits import NO_FILTER, Filter
from memsvc_store.values.learned import Considered, Situation, Trace, Utility
from tests.store.values import START, Clock, Space, fact, feedback, said, towards, trace, tried, vector

pytestmark = pytest.mark.slow


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(target: str, clock: Clock) -> Iterator[Store]:
    opened = Store(target, space=Space(), now=clock)
    yield opened
    opened.close()


def traced(store: Store, *used: str, namespace: str = "ann", **fields: object) -> Trace:
    """A trace that is stored."""
    made = trace(*used, **fields)
    store.learning.add_trace(namespace, made)
    return made


def qs(store: Store, namespace: str = "ann") -> dict[str, float]:
    """Id -> Q-value of what was visited, as a look-up sees it."""
    with store.reading(namespace) as reading:
        shard = reading.shard
        rows = [row for row in shard.rows_of(shard.live_ids) if shard.visited.values[row]]
        assert not shard.q.values[~shard.visited.values].any()
        return {shard.ids[row]: float(shard.q.values[row]) for row in rows}


# -- traces ---------------------------------------------------------------------------------------


def test_a_trace_comes_back_whole_with_its_namespace(store: Store) -> None:
    a, b = said(store, "a", "b")
    pool = (Considered(a, 0.1 + 0.2, -0.3, 1 / 3), Considered(b, 1e-17, 0.0, 2 / 3))
    given = traced(store, b, kind="ask", cited=(b,), pool=pool, document={"gate": {"fails": ["ü"]}, "margin": 0.1})
    assert store.learning.trace(given.id) == ("ann", given)
    with pytest.raises(NotFound, match="no trace 'x'"):
        store.learning.trace("x")


def test_a_trace_is_no_write_and_makes_no_namespace(store: Store) -> None:
    [a] = said(store, "a")
    before = store.counts("ann")
    traced(store, a)
    assert store.counts("ann") == before
    with pytest.raises(NotFound):
        store.learning.add_trace("nobody", trace())
    assert store.namespaces() == ["ann"]


def test_traces_are_listed_by_kind_the_newest_first(store: Store) -> None:
    [a] = said(store, "a")
    made = [
        traced(store, a, kind=kind, at=START + timedelta(minutes=minute))
        for minute, kind in enumerate(("search", "ask", "search"))
    ]
    assert store.learning.traces("ann") == made[::-1]
    assert store.learning.traces("ann", "search", 1) == [made[2]]
    said(store, "b", namespace="bob")
    assert store.learning.traces("bob") == []


def test_outcomes_and_uses_are_read_from_traces(store: Store) -> None:
    a, b = said(store, "a", "b")
    later = START + timedelta(hours=1)
    asked = traced(store, a, b, kind="ask")
    traced(store, a, kind="ask", at=later)
    searched = traced(store, b, b, at=later)
    for reward in (1.0, -0.5):
        store.learning.learn("ann", feedback(asked, reward), towards)
    store.learning.learn("ann", feedback(searched, 1.0), towards)
    [outcome] = store.learning.outcomes("ann")
    assert (outcome.trace, outcome.rewards) == (asked, (1.0, -0.5))
    assert [one.trace for one in store.learning.outcomes("ann", "search")] == [searched]
    assert store.learning.uses("ann", 9) == {a: [START, later], b: [START, later]}
    assert store.learning.uses("ann", 2) == {a: [later], b: [later]}


# -- feedback -------------------------------------------------------------------------------------


def test_a_feedback_moves_what_it_credits(store: Store, clock: Clock) -> None:
    a, b, c = said(store, "a", "b", "c")
    given = traced(store, a, b)
    receipt = store.learning.learn("ann", feedback(given, 1.0, source="tests"), towards)
    assert (receipt.status, receipt.skipped) == ("applied", ())
    assert [(move.memory_id, move.before, move.after) for move in receipt.moves] == [(a, 0.0, 0.3), (b, 0.0, 0.3)]
    clock.move(timedelta(minutes=1))
    store.learning.learn("ann", feedback(given, -1.0, credited=(b, b)), towards)
    assert store.learning.utility("ann", a) == Utility(0.3, 1, 1.0, 1.0, START)
    moved = 0.3 + 0.3 * (-1.0 - 0.3)
    assert store.learning.utility("ann", b) == Utility(moved, 2, 0.0, -1.0, clock.at)
    assert store.learning.utility("ann", c) is None
    first, second = store.learning.moves("ann", b)
    assert (first.source, first.reward, first.trace_id, first.at) == ("tests", 1.0, given.id, START)
    assert (second.source, second.before, second.after) == ("default", 0.3, moved)
    assert store.learning.top_utilities("ann", 9) == [
        (a, store.learning.utility("ann", a)),
        (b, store.learning.utility("ann", b)),
    ]
    assert store.learning.top_utilities("ann", 1, ascending=True)[0][0] == b
    assert qs(store) == {a: 0.3, b: moved}
    assert store.counts("ann")["feedback"] == 2
    assert store.counts("ann")["version"] == 1
    assert store.verify("ann") == []


def test_a_key_counts_once_and_only_for_its_contents(store: Store) -> None:
    a, b = said(store, "a", "b")
    given, other = traced(store, a, b), traced(store, a)
    first = store.learning.learn("ann", feedback(given, 1.0, key="k"), towards)
    again = store.learning.learn("ann", feedback(given, 1.0, key="k", alpha=0.9), towards)
    assert again == replace(first, status="duplicate")
    for different in (feedback(given, 0.5), feedback(other, 1.0), feedback(given, 1.0, source="x")):
        with pytest.raises(InvalidInput, match="'k' already names a feedback"):
            store.learning.learn("ann", replace(different, key="k"), towards)
    assert store.counts("ann")["feedback"] == 1
    said(store, "a", namespace="bob")
    elsewhere = traced(store, a, namespace="bob")
    assert store.learning.learn("bob", feedback(elsewhere, 1.0, key="k"), towards).status == "applied"


def test_what_is_gone_is_skipped_and_named_also_in_a_replay(store: Store) -> None:
    a, b = said(store, "a", "b")
    fact_id = store.add_facts("ann", [fact("F.", b)])[0].id or ""
    given = trace(a, fact_id, "nothing", b)
    with store.database.write() as connection:  # as a backup may bring it back: nobody can name what is not there
        Traces(connection).insert(there(Records(connection), "ann"), given)
    store.learning.learn("ann", feedback(given, 1.0), towards)
    store.delete("ann", b)
    late = store.learning.learn("ann", feedback(given, 1.0, key="k"), towards)
    assert late.skipped == ((fact_id, "retired"), ("nothing", "unknown"), (b, "deleted"))
    assert [move.memory_id for move in late.moves] == [a]
    assert store.learning.learn("ann", feedback(given, 1.0, key="k"), towards) == replace(late, status="duplicate")
    assert qs(store).keys() == {a}
    assert [move.after for move in store.learning.moves("ann", b)] == [0.3], "the history of the deleted one stays"
    assert [one for one, _ in store.learning.top_utilities("ann", 9)] == [a]
    before = store.learning.utilities("ann")
    store.learning.replay("ann", towards)
    assert store.learning.utilities("ann") == before
    assert store.verify("ann") == []


def test_a_feedback_never_leaves_its_namespace(store: Store) -> None:
    [a] = said(store, "a")
    said(store, "a", namespace="bob")
    given = traced(store, a)
    for namespace in ("bob", "nobody"):
        with pytest.raises(NotFound):
            store.learning.learn(namespace, feedback(given, 1.0), towards)
    with pytest.raises(NotFound, match="no trace"):
        store.learning.learn("ann", feedback(trace(a), 1.0), towards)
    store.learning.learn("ann", feedback(given, 1.0), towards)
    assert qs(store, "bob") == {}
    for read in (store.learning.utility, store.learning.moves):
        with pytest.raises(NotFound):
            read("bob", "nothing")
    assert store.learning.moves("bob", a) == []


def test_an_error_of_the_arithmetic_leaves_nothing_behind(store: Store) -> None:
    a, b = said(store, "a", "b")
    given = traced(store, a, b)

    def breaks(situation: Situation) -> Utility:
        if situation.memory_id == b:
            raise ZeroDivisionError
        return towards(situation)

    with pytest.raises(ZeroDivisionError):
        store.learning.learn("ann", feedback(given, 1.0, key="k"), breaks)
    assert store.learning.utilities("ann") == {}
    assert store.counts("ann")["feedback"] == 0
    assert store.learning.learn("ann", feedback(given, 1.0, key="k"), towards).status == "applied"


def test_a_source_spends_its_cap_within_the_window(store: Store, clock: Clock) -> None:
    a, b = said(store, "a", "b")
    given = traced(store, a, b)
    seen: list[float] = []

    def watch(situation: Situation) -> Utility:
        seen.append(situation.balance)
        return towards(situation)

    def reward(value: float, *ids: str, source: str = "mallory") -> None:
        capped = feedback(given, value, credited=ids, cap=0.4, window=timedelta(hours=1), source=source)
        store.learning.learn("ann", capped, watch)

    reward(-1.0, a)
    clock.move(timedelta(minutes=30))
    reward(-1.0, a, b)
    reward(1.0, a)
    assert seen == pytest.approx([0.0, -0.3, 0.0, -0.4])
    assert qs(store) == pytest.approx({a: 0.02, b: -0.3})
    reward(1.0, a, source="ann")
    assert seen[-1] == 0.0, "another source has a cap of its own"
    clock.move(timedelta(minutes=30))  # the first step has left the window: it is no longer than an hour ago
    reward(-1.0, b, a)
    assert seen[-2:] == pytest.approx([-0.3, 0.32])
    store.learning.learn("ann", feedback(given, 1.0, source="mallory"), watch)
    assert seen[-2:] == [0.0, 0.0], "without a cap nobody counts"


def test_a_retry_may_name_the_memories_in_another_order(store: Store) -> None:
    a, b = said(store, "a", "b")
    given = feedback(traced(store, a, b), 1.0, key="k")
    first = store.learning.learn("ann", given, towards)
    again = store.learning.learn("ann", replace(given, credited=(b, a)), towards)
    assert again == replace(first, status="duplicate")


def test_a_clock_that_was_ahead_does_not_spend_the_cap_for_later(store: Store, clock: Clock) -> None:
    [a] = said(store, "a")
    capped = feedback(traced(store, a), 1.0, cap=0.3, window=timedelta(hours=1))
    clock.move(timedelta(days=3650))
    store.learning.learn("ann", capped, towards)
    clock.move(timedelta(days=-3620))
    store.learning.learn("ann", capped, towards)
    assert [move.at for move in store.learning.moves("ann", a)] == [START + timedelta(days=3650), clock.at]
    assert qs(store) == {a: pytest.approx(0.51)}
    store.learning.learn("ann", capped, towards)
    assert qs(store) == {a: pytest.approx(0.6)}, "and from now on the window is as it was"
    before = store.learning.utilities("ann")
    store.learning.replay("ann", towards)
    assert store.learning.utilities("ann") == before
    assert store.verify("ann") == []


def test_clocks_that_differ_a_little_share_one_cap(store: Store, clock: Clock) -> None:
    [a] = said(store, "a")
    capped = feedback(traced(store, a), 1.0, cap=0.4, window=timedelta(hours=1))
    for step in (5, -5, 6, -4, 5, -5):
        clock.move(timedelta(seconds=step))
        store.learning.learn("ann", capped, towards)
    assert qs(store) == {a: pytest.approx(0.4)}


def test_after_a_reset_a_source_has_its_cap_anew(store: Store) -> None:
    a, b = said(store, "a", "b")
    capped = feedback(traced(store, a, b), 1.0, cap=0.5, window=timedelta(hours=1))
    for _ in range(3):
        store.learning.learn("ann", capped, towards)
    store.learning.reset("ann", a)
    assert qs(store) == {b: 0.5}
    for _ in range(2):
        store.learning.learn("ann", capped, towards)
    assert qs(store) == {a: 0.5, b: 0.5}
    before = store.learning.utilities("ann")
    assert store.verify("ann") == []
    store.learning.replay("ann", towards)
    assert store.learning.utilities("ann") == before
    assert store.verify("ann") == []


def test_a_reset_goes_back_to_the_beginning_and_stays_in_the_history(store: Store) -> None:
    a, b = said(store, "a", "b")
    given = traced(store, a, b)
    store.learning.learn("ann", feedback(given, 1.0), towards)
    assert qs(store) == {a: 0.3, b: 0.3}
    move = store.learning.reset("ann", a)
    assert (move.before, move.after, move.reward, move.trace_id, move.source) == (0.3, 0.0, None, None, "")
    assert store.learning.utility("ann", a) is None
    assert qs(store) == {b: 0.3}
    assert [one for one, _ in store.learning.top_utilities("ann", 9)] == [b]
    store.learning.learn("ann", feedback(given, 1.0), towards)
    assert store.learning.utility("ann", a) == replace(store.learning.utilities("ann")[a], q=0.3, visits=1)
    assert [move.after for move in store.learning.moves("ann", a)] == [0.3, 0.0, 0.3]
    before = store.learning.utilities("ann")
    assert store.learning.replay("ann", towards) == 3
    assert store.learning.utilities("ann") == before
    assert store.counts("ann")["feedback"] == 2
    with pytest.raises(NotFound):
        store.learning.reset("ann", "nothing")
    assert store.verify("ann") == []


def test_an_update_keeps_the_utility_and_a_new_row_of_the_shard_has_it(store: Store) -> None:
    [a] = said(store, "a")
    store.learning.learn("ann", feedback(traced(store, a), 1.0), towards)
    assert qs(store) == {a: 0.3}
    store.update("ann", a, text="b", vector=vector("b"))
    assert qs(store) == {a: 0.3}
    assert store.verify("ann") == []


def test_calibrations_are_kept_by_name(store: Store) -> None:
    said(store, "a")
    assert store.learning.calibration("ann", "threshold") is None
    assert store.learning.calibration("nobody", "threshold") is None
    for value in (0.1 + 0.2, 0.5):
        store.learning.set_calibration("ann", "threshold", {"value": value, "of": ["ü"]})
        assert store.learning.calibration("ann", "threshold") == {"value": value, "of": ["ü"]}
    assert store.learning.calibration("ann", "gate") is None
    with pytest.raises(NotFound):
        store.learning.set_calibration("nobody", "threshold", {})


# -- rebuilding -----------------------------------------------------------------------------------


def live(store: Store, seed: int, steps: int = 120) -> None:
    """A random history: rewards with and without caps, resets, deletions, clocks that jump."""
    chance = random.Random(seed)
    ids = said(store, *(f"text {number}" for number in range(12))) + tried(store, "x", "y")
    for _ in range(steps):
        used = chance.sample(ids, 4)
        roll = chance.random()
        if roll < 0.05:
            store.learning.reset("ann", chance.choice([one for one in ids if one not in gone(store)]))
        elif roll < 0.08:
            store.delete("ann", chance.choice([one for one in ids if one not in gone(store)]))
        else:
            cap = chance.choice([None, 0.2, 0.7])
            given = feedback(
                traced(store, *used), chance.uniform(-1, 1), alpha=chance.choice([0.3, 0.1]), cap=cap,
                source=chance.choice(["one", "two"]), window=timedelta(seconds=chance.choice([5, 50])),
            )  # fmt: skip
            store.learning.learn("ann", given, towards)


def gone(store: Store) -> set[str]:
    there = {memory.id for memory in store.page("ann", limit=99)}
    with store.reading("ann") as reading:
        return set(reading.shard.ids) - there


@pytest.mark.parametrize("seed", range(3))
def test_a_replay_gives_the_same_bits(store: Store, clock: Clock, seed: int) -> None:
    chance = random.Random(seed)

    def now() -> datetime:
        clock.move(timedelta(seconds=chance.choice([0, 1, 3, -2, 60, -60])))
        return clock.at

    store._now = store.learning._now = now
    live(store, seed)
    utilities = store.learning.utilities("ann")
    with store.database.read() as connection:
        moves = connection.exec_driver_sql("SELECT * FROM moves ORDER BY learned, ordinal").fetchall()
    assert len(utilities) > 8
    before = qs(store)
    assert store.verify("ann") == []
    with store.database.write() as connection:  # whatever became of what is derived
        connection.exec_driver_sql("UPDATE utilities SET q = q / 3, visits = visits + 1")
        connection.exec_driver_sql("DELETE FROM moves WHERE ordinal = 1")
    assert "rebuild the utilities" in " ".join(store.verify("ann"))
    store.learning.replay("ann", towards)
    assert store.learning.utilities("ann") == utilities
    with store.database.read() as connection:
        assert connection.exec_driver_sql("SELECT * FROM moves ORDER BY learned, ordinal").fetchall() == moves
    assert qs(store) == before
    assert store.verify("ann") == []


def test_both_databases_learn_the_same_bits(tmp_path: Path, postgres_url: str) -> None:
    found = []
    for target in (str(tmp_path / "a.db"), postgres_url):
        clock = Clock(step=timedelta(seconds=1))
        with Store(target, space=Space(), now=clock) as store:
            live(store, seed=9)
            found.append((store.learning.utilities("ann"), qs(store)))
    assert found[0] == found[1]


def test_a_replay_takes_away_what_the_log_knows_nothing_of(store: Store) -> None:
    a, b = said(store, "a", "b")
    store.learning.learn("ann", feedback(traced(store, a), 1.0), towards)
    with store.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE utilities SET memory_id = '{b}'")
    assert qs(store) == {b: 0.3}
    assert "another utility than its moves" in " ".join(store.verify("ann"))
    store.learning.replay("ann", towards)
    assert qs(store) == {a: 0.3}
    assert store.verify("ann") == []


# -- shards ---------------------------------------------------------------------------------------


def statements(store: Store) -> list[str]:
    """Every statement that is issued from now on."""
    seen: list[str] = []

    @sa.event.listens_for(store.database._engine, "before_cursor_execute")
    def _note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(" ".join(statement.split()))

    return seen


def test_a_look_up_without_learning_issues_the_one_statement_it_always_did(store: Store) -> None:
    [a] = said(store, "a")
    traced(store, a)
    assert qs(store) == {}
    seen = statements(store)
    assert qs(store) == {}
    assert len(seen) == 1
    assert seen[0].startswith("SELECT namespaces.")


def test_a_look_up_after_a_feedback_reads_what_moved_and_the_next_one_nothing(store: Store) -> None:
    a, b = said(store, "a", "b")
    store.learning.learn("ann", feedback(traced(store, a), 1.0), towards)
    assert qs(store) == {a: 0.3}
    store.learning.learn("ann", feedback(traced(store, b), 1.0), towards)
    seen = statements(store)
    assert qs(store) == {a: 0.3, b: 0.3}
    assert [statement.split(" FROM ")[1].split()[0] for statement in seen] == ["namespaces", "feedback", "utilities"]
    seen.clear()
    qs(store)
    assert len(seen) == 1


def test_what_was_learned_is_read_from_indexes(tmp_path: Path) -> None:
    parameters = {"namespace": 1, "learned": 1, "source": "x", "since": 1, "until": 2, "key": "k", "id": "t"}
    with Store(tmp_path / "a.db", space=Space()) as store, store.database.read() as connection:
        for statement in (_KEYED, _LOGGED_AT, _SINCE, _TOTALS.where(schema.memories.c.id.in_(["m"])), _OWN):
            query = statement.params(parameters).compile(connection.engine, compile_kwargs={"literal_binds": True})
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
            assert not [step for step in plan if step.startswith("SCAN") or "TEMP B-TREE" in step], plan


def test_another_stores_feedback_reset_and_rebuild_are_seen_by_the_next_look_up(store: Store, target: str) -> None:
    a, b = said(store, "a", "b")
    given = traced(store, a, b)
    assert qs(store) == {}
    with Store(target, space=Space()) as other:
        other.learning.learn("ann", feedback(given, 1.0), towards)
        assert qs(store) == {a: 0.3, b: 0.3}
        other.learning.reset("ann", a)
        assert qs(store) == {b: 0.3}
        other.learning.replay("ann", lambda situation: replace(towards(situation), q=0.5))
        assert qs(store) == {b: 0.5}
        other.learning.learn("ann", feedback(given, 1.0, credited=(a,)), towards)
        assert qs(store) == {a: 0.3, b: 0.5}
        assert store.verify("ann") == []


def test_a_feedback_while_a_reading_is_paused_is_seen_after_it(store: Store, target: str) -> None:
    [a] = said(store, "a")
    given = traced(store, a)
    with Store(target, space=Space()) as other, store.reading("ann") as reading:
        with reading.paused():
            other.learning.learn("ann", feedback(given, 1.0), towards)
            qs(store)
        assert reading.namespace is not None
        assert reading.namespace.learned == 1
        assert reading.shard.q.values.tolist() == [0.3]


def test_what_was_learned_outlives_a_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Store(path, space=Space(), snapshot_rows=2) as store:
        a, b, c = said(store, "a", "b", "c")
        store.delete("ann", c)
        store.learning.learn("ann", feedback(traced(store, a), 1.0), towards)
        assert qs(store) == {a: 0.3}
    with Store(path, space=Space(), snapshot_rows=2) as store:
        store.learning.learn("ann", feedback(traced(store, b), -1.0), towards)
        assert qs(store) == {a: 0.3, b: -0.3}
        assert store.verify("ann") == []


def test_a_backup_restored_under_an_open_store_brings_its_own_utilities(tmp_path: Path) -> None:
    path, backup = tmp_path / "a.db", tmp_path / "backup.db"
    clock = Clock(step=timedelta(seconds=1))
    with Store(path, space=Space(), now=clock) as store:
        a, b = said(store, "a", "b")
        of_a, of_b = traced(store, a), traced(store, b)
        store.learning.learn("ann", feedback(of_a, 1.0), towards)
        with sqlite3.connect(path) as source, sqlite3.connect(backup) as copy:
            source.backup(copy)
        store.learning.learn("ann", feedback(of_a, -1.0), towards)
        assert qs(store)[a] < 0
        with sqlite3.connect(backup) as copy, sqlite3.connect(path) as source:
            copy.backup(source)
        store.learning.learn("ann", feedback(of_b, 1.0), towards)
        assert qs(store) == {a: 0.3, b: 0.3}
        assert store.verify("ann") == []
    for connection in (source, copy):
        connection.close()


def test_feedback_from_many_threads_counts_each_key_once(store: Store, target: str) -> None:
    [a] = said(store, "a")
    given = traced(store, a)
    with Store(target, space=Space()) as other, ThreadPoolExecutor(8) as pool:
        each = [(one, f"k{number}") for number in range(12) for one in (store, other, store, other)]
        receipts = list(
            pool.map(lambda one: one[0].learning.learn("ann", feedback(given, 1.0, key=one[1]), towards), each)
        )
    assert sorted(receipt.status for receipt in receipts) == ["applied"] * 12 + ["duplicate"] * 36
    assert len(store.learning.moves("ann", a)) == 12
    assert store.verify("ann") == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE utilities SET q = 0.9", "another utility"),
        ("UPDATE utilities SET visits = 7", "another utility"),
        ("DELETE FROM utilities", "another utility"),
        ("UPDATE moves SET after = 0.9 WHERE learned = 1", "begins at"),
        ("UPDATE moves SET total = 0.9 WHERE learned = 1", "has another total"),
        ("DELETE FROM feedback WHERE learned = 2", "not those of the feedback log"),
        ("DELETE FROM moves WHERE learned = 2", "not those of the feedback log"),
        ("UPDATE feedback SET credited = 'x'", "is damaged"),
        ("UPDATE namespaces SET learned = 1", "goes to 2"),
    ],
)
def test_tampered_learning_is_reported(store: Store, statement: str, problem: str) -> None:
    [a] = said(store, "a")
    for _ in range(2):
        store.learning.learn("ann", feedback(traced(store, a), 1.0), towards)
    with store.database.write() as connection:
        connection.exec_driver_sql(statement)
    assert problem in " ".join(store.verify("ann"))


# -- hot and cold ---------------------------------------------------------------------------------


def cool(store: Store, *ids: str) -> list[str]:
    """Have just these cold; those that turned cold."""
    return store.retain("ann", ids, since=store.version("ann"))[0]


def texts(found: Sequence[object]) -> list[str]:
    return [memory.text for memory in found]  # type: ignore[attr-defined]


def test_cold_memories_leave_the_look_ups_and_nothing_else(store: Store) -> None:
    a, b, c = said(store, "a", "b", "c")
    store.learning.learn("ann", feedback(traced(store, a, b), 1.0), towards)
    assert cool(store, b, a, b, "nothing") == [b, a]
    assert cool(store, b, a) == []
    with store.reading("ann") as reading:
        assert reading.shard.live_ids == [c]
    assert texts(store.page("ann", limit=9)) == texts(store.whole("ann").log(NO_FILTER)) == ["a", "b", "c"]
    assert [memory.id for _, memory, _ in store.export("ann")] == [a, b, c]
    assert store.get("ann", a).text == "a"
    counts = store.counts("ann")
    assert (counts["memories"], counts["hot"], counts["cold"]) == (3, 1, 2)
    assert [change.operation for change in store.history("ann", a)] == ["add", "cool"]
    assert store.verify("ann") == []
    store.learning.learn("ann", feedback(traced(store, a), 1.0), towards)
    assert store.warm("ann", [c, a]) == [a]
    assert qs(store) == {a: pytest.approx(0.51)}
    assert [change.operation for change in store.history("ann", a)] == ["add", "cool", "warm"]
    assert store.verify("ann") == []


def test_warming_what_is_warm_is_no_write(store: Store) -> None:
    ids = said(store, "a", "b")
    seen = statements(store)
    assert store.warm("ann", ids) == []
    assert {statement.split()[0] for statement in seen} == {"SELECT"}
    assert store.warm("nobody", ids) == []
    assert store.counts("ann")["version"] == 1


def test_cold_memories_can_be_corrected_and_deleted(store: Store, target: str) -> None:
    a, b, c = said(store, "a", "b", "c")
    fact_id = store.add_facts("ann", [fact("F.", b)])[0].id or ""
    cool(store, a, b, fact_id)
    store.update("ann", a, text="A", vector=vector("A"))
    store.delete("ann", b)
    with Store(target, space=Space()) as other, other.reading("ann") as reading:
        assert reading.shard.live_ids == [c]
    assert texts(store.whole("ann").log(NO_FILTER)) == ["A", "c"]
    assert store.warm("ann", [a, b]) == [a]
    assert store.verify("ann") == []


def test_a_fact_that_is_worked_out_again_comes_back_warm(store: Store) -> None:
    [a] = said(store, "a")
    fact_id = store.add_facts("ann", [fact("F.", a)])[0].id or ""
    cool(store, fact_id)
    store.update("ann", a, text="b", vector=vector("b"))  # which retires the fact
    assert store.add_facts("ann", [fact("F.", a)])[0].id == fact_id
    with store.reading("ann") as reading:
        assert fact_id in reading.shard.live_ids
    assert store.verify("ann") == []


@pytest.mark.parametrize("cooled", [0, 1])
def test_the_log_reads_session_by_session_from_the_projections_and_from_sql(store: Store, cooled: int) -> None:
    [first, _] = said(store, "a1", "a2", session="a")
    said(store, "b1", "b2", session="b", start=0.5)
    cool(store, *[first][:cooled])
    assert texts(store.whole("ann").log(NO_FILTER)) == ["a1", "a2", "b1", "b2"]
    assert texts(store.whole("ann").log(Filter(session_id=("b",)))) == ["b1", "b2"]
    assert store.whole("nobody").log(NO_FILTER) == []


def test_the_whole_is_looked_up_in_projections_of_its_own_once_a_memory_is_cold(store: Store) -> None:
    a, b, c = said(store, "a", "b", "c")
    whole = store.whole("ann")
    with store.reading("ann") as shared, whole.reading() as reading:
        assert reading.shard is shared.shard
    cool(store, a)
    with whole.reading() as reading:
        own = reading.shard
        assert own.live_ids == [a, b, c]
        assert own.embedded.values.all()
    [d] = said(store, "d", start=9)
    cool(store, b, c)
    with whole.reading() as reading:  # kept for this reader, and brought up to date
        assert reading.shard is own
        assert sorted(own.live_ids) == sorted([a, b, c, d])
    with store.reading("ann") as reading:
        assert sorted(reading.shard.live_ids) == sorted([a, d])


def test_a_snapshot_of_the_hot_ones_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Store(path, space=Space(), snapshot_rows=1) as store:
        a, b = said(store, "a", "b")
        cool(store, a)
        with store.reading("ann"):
            pass
    with Store(path, space=Space(), snapshot_rows=1) as store, store.whole("ann").reading() as reading:
        assert reading.shard.live_ids == [a, b]


def test_what_was_written_since_it_was_chosen_keeps_its_temperature(store: Store) -> None:
    a, b, c, d = said(store, "a", "b", "c", "d")
    cool(store, a, b)
    since = store.version("ann")
    store.warm("ann", [a])  # an answer rested on it while the memories were weighed
    assert store.retain("ann", [a, c], since=since) == ([c], [b])
    with store.reading("ann") as reading:
        assert sorted(reading.shard.live_ids) == sorted([a, b, d])
    assert store.counts("ann")["version"] == since + 2  # cooling and warming are one write
    assert store.verify("ann") == []


def test_live_memories_are_read_hot_or_cold_through_the_filter(store: Store) -> None:
    a, b, c, d = said(store, "a", "b", "c", "d")
    cool(store, a, b)
    store.delete("ann", d)
    with store.reading("ann") as reading:
        hot, cold = reading.live([a, c, d, "nothing"])
        assert (texts(hot), texts(cold)) == (["c"], ["a"])
        assert [texts(found) for found in reading.live([a, b, c], Filter(speaker=("Zoe",)))] == [[], []]
    with store.reading("nobody") as reading:
        assert reading.live([a]) == ([], [])


@pytest.mark.parametrize("cold", [0, 1])
def test_a_temperature_against_the_change_log_is_reported(store: Store, cold: int) -> None:
    ids = said(store, "a", "b")
    cool(store, *ids[:1])
    with store.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE memories SET cold = {cold}")
    assert "is cold, or is not" in " ".join(store.verify("ann"))
