"""Episodes: kept verbatim, found by their intent, and worked over by jobs; on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from memsvc_store.errors import DatabaseError, NotFound
from memsvc_store.sql import schema
from memsvc_store.sql.episode_rows import packed
from memsvc_store.store import Store
from memsvc_store.values.drafts import EpisodeDraft
from memsvc_store.values.hits import Filter
from memsvc_store.values.memories import Episode, Node
from memsvc_store.values.nodes import INTENT
from memsvc_store.writing.episodes import own_intent
from memsvc_store.writing.job_queue import LEASE
from tests.store.values import START, Space, draft, episode, said, tried, vector

EPISODES = Filter(kind=("episode",))
STEPS: list[Any] = [{"role": "agent", "content": "SELECT 1"}, "ok", 3, None, {"ü": [1.5, True]}]


@pytest.fixture
def store(target: str) -> Iterator[Store]:
    opened = Store(target, space=Space(), now=lambda: START)
    yield opened
    opened.close()


def one(store: Store, draft: EpisodeDraft) -> Episode:
    [receipt] = store.add_episodes("ann", [draft])
    assert receipt.status == "stored"
    [found] = store.episodes("ann", [receipt.id or ""])
    return found


@pytest.mark.parametrize("trajectory", ["SELECT 1;\n[1, 2]", '["a"]', STEPS, []])
def test_an_episode_comes_back_whole(store: Store, trajectory: Any) -> None:
    happened_at = datetime(2026, 3, 3, 0, 30, tzinfo=timezone(timedelta(hours=9)))
    given = episode("Count the rows of Oslo", trajectory, reward=-0.25, success=False, metadata={"a": ["ü"]})
    found = one(store, replace(given, happened_at=happened_at, entities=_nodes(given, happened_at)))
    assert found.trajectory == trajectory
    assert (found.intent, found.experience, found.experience_by) == (given.intent, "- did it", "rule")
    assert (found.reward, found.success) == (-0.25, False)
    assert found.happened_at.isoformat() == "2026-03-03T00:30:00+09:00"
    memory = found.memory
    assert (memory.kind, memory.text, memory.sources, memory.metadata) == ("episode", given.intent, (), {"a": ["ü"]})
    assert store.get("ann", found.id) == memory
    with store.reading("ann") as reading:
        [(nearest, cosine)] = reading.nearest(vector(given.intent), 5, EPISODES)
        assert (nearest, round(cosine, 5)) == (memory, 1.0)
    assert store.verify("ann") == []


def _nodes(draft: EpisodeDraft, at: datetime) -> tuple[Node, ...]:
    return tuple(Node("day", str(at.date())) if node.kind == "day" else node for node in draft.entities)


def test_an_outcome_that_is_not_known_stays_unknown(store: Store) -> None:
    found = one(store, episode("Count"))
    assert (found.reward, found.success) == (None, None)


def test_equal_attempts_of_two_calls_are_one_and_all_others_are_many(store: Store) -> None:
    first, other = store.add_episodes("ann", [episode("Count", reward=1), episode("Count", reward=1.0)])
    assert (first.status, other.status) == ("stored", "stored")
    for again in (episode("Count", reward=1.0), episode("Count", reward=1.0, occurrence=0)):
        [receipt] = store.add_episodes("ann", [again])
        assert (receipt.status, receipt.id) == ("duplicate", first.id)
    others = [
        episode("Count"),
        episode("Count", reward=1.0, success=True),
        episode("Count", "did something else", reward=1.0),
        episode("Count", ["did it"], reward=1.0),
        episode("Count!", reward=1.0),
        episode("Count", reward=1.0, minutes=1),
    ]
    receipts = store.add_episodes("ann", others)
    assert [receipt.status for receipt in receipts] == ["stored"] * 6
    assert len({receipt.id for receipt in (first, other, *receipts)}) == 8
    assert store.counts("ann")["episodes"] == 8
    assert store.counts("ann")["vectors"] == 2, "one an intent"
    assert store.verify("ann") == []


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=9)


@given(st.lists(JSON))
def test_a_list_read_back_is_packed_as_it_was(trajectory: list[Any]) -> None:
    text, format_ = packed(trajectory)
    assert json.loads(text) == trajectory
    assert packed(json.loads(text)) == (text, format_), "verify derives the id from what it reads"


def test_a_key_is_stored_once_and_only_for_its_contents(store: Store) -> None:
    [first] = store.add_episodes("ann", [episode("Count", reward=1.0, key="k")])
    [later] = store.add_episodes("ann", [episode("Count", reward=1.0, key="k", minutes=5)])
    assert (later.status, later.id) == ("duplicate", first.id)
    [other] = store.add_episodes("ann", [episode("Count", reward=0.5, key="k")])
    assert other.status == "rejected"
    assert "'k'" in (other.reason or "")
    one_, two = store.add_episodes("ann", [episode("New", key="n"), episode("New", key="n", minutes=9)])
    assert (one_.status, two.status, one_.id) == ("stored", "duplicate", two.id)
    assert store.add("ann", [draft("hello", key="k")])[0].status == "stored", "messages have keys of their own"


def test_a_correction_changes_the_memory_and_never_the_episode(store: Store) -> None:
    [id_] = tried(store, "Cont the rows")
    later = START + timedelta(days=3)
    store.update("ann", id_, text="Count the rows", vector=vector("Count the rows"), valid_from=later)
    [found] = store.episodes("ann", [id_])
    assert (found.intent, found.happened_at) == ("Cont the rows", START)
    assert (found.memory.text, found.memory.valid_from) == ("Count the rows", later)
    assert store.verify("ann") == []


def test_a_deleted_episode_is_gone_and_a_retry_brings_it_not_back(store: Store) -> None:
    gone, kept = tried(store, "Count", "Sum")
    store.delete("ann", gone)
    assert [found.id for found in store.episodes("ann", [kept, gone, "nothing"])] == [kept]
    assert [memory.id for _, memory, _ in store.export("ann")] == [kept]
    [again] = store.add_episodes("ann", [episode("Count")])
    assert (again.status, again.id, again.reason) == (
        "duplicate",
        gone,
        "it was deleted or has expired since, and stays so",
    )
    assert store.counts("ann")["episodes"] == 1
    assert store.verify("ann") == []


def test_episodes_come_in_the_order_asked_and_messages_are_none(store: Store) -> None:
    a, b, c = tried(store, "a", "b", "c")
    [message] = said(store, "hello")
    assert [found.id for found in store.episodes("ann", [c, message, a, b])] == [c, a, b]
    assert store.episodes("nobody", [a]) == []


def test_an_experience_is_rewritten_without_a_write_of_the_namespace(store: Store) -> None:
    [id_] = tried(store, "Count")
    [message] = said(store, "hello")
    version = store.counts("ann")["version"]
    store.set_experience("ann", id_, "First look, then count.", "caller")
    [found] = store.episodes("ann", [id_])
    assert (found.experience, found.experience_by) == ("First look, then count.", "caller")
    assert store.counts("ann")["version"] == version
    for unknown in (message, "nothing"):
        with pytest.raises(NotFound):
            store.set_experience("ann", unknown, "x", "caller")


def test_everything_is_exported_in_the_order_stored(store: Store) -> None:
    [message] = said(store, "hello")
    store.add_episodes("ann", [episode("Sum", key="k"), episode("Count", minutes=1)])
    found = list(store.export("ann"))
    assert [(type(origin).__name__, memory.text, key) for origin, memory, key in found] == [
        ("Message", "hello", None),
        ("Episode", "Sum", "k"),
        ("Episode", "Count", None),
    ]
    assert found[0][1].id == message


def test_episodes_of_one_intent_share_a_node(store: Store) -> None:
    shared = Node(INTENT, "c0ffee")
    for intent in ("Count the rows", "Count all rows"):
        made = episode(intent)
        store.add_episodes("ann", [replace(made, entities=(*made.entities, shared))])
    with store.reading("ann") as reading:
        assert len(reading.shard.graph.members(shared)) == 2
    assert store.verify("ann") == []


def intents(store: Store, id_: str) -> list[str]:
    return [node.name for node in store.get("ann", id_).entities if node.kind == INTENT]


def test_an_episode_keeps_its_intent_until_its_text_is_another(store: Store) -> None:
    made = episode("Count the rows")
    [alone] = tried(store, "Sum the rows")
    [receipt] = store.add_episodes("ann", [replace(made, entities=(*made.entities, Node(INTENT, "c0ffee")))])
    put = receipt.id or ""
    assert intents(store, alone) == [own_intent("Sum the rows").name]
    for id_ in (alone, put):
        before = intents(store, id_)
        store.update("ann", id_, valid_to=START + timedelta(days=9))
        assert intents(store, id_) == before
    assert store.verify("ann") == []
    store.update("ann", put, text="Sum the rows", vector=vector("Sum the rows"))
    assert intents(store, put) == intents(store, alone)
    store.update("ann", alone, text="x", vector=vector("x"), intent=Node(INTENT, "c0ffee"))
    assert intents(store, alone) == ["c0ffee"]
    assert store.verify("ann") == []


@pytest.mark.parametrize("intents", [[], ["intent", "a", "intent", "b"]])
def test_an_episode_without_its_one_intent_is_reported(store: Store, intents: list[str]) -> None:
    [id_] = tried(store, "Count")
    nodes = [part for node in store.get("ann", id_).entities if node.kind != INTENT for part in node]
    with store.database.write() as connection:
        connection.execute(sa.update(schema.memories).values(entities=json.dumps([*nodes, *intents])))
    assert "another hyperedge" in " ".join(store.verify("ann"))


def test_a_value_that_a_driver_refuses_is_no_broken_connection(postgres_url: str) -> None:
    with Store(postgres_url, space=Space(), now=lambda: START) as store:
        with pytest.raises(DatabaseError, match="NUL") as caught:
            store.add_episodes("ann", [episode("Count", experience="a\0b")])
        assert type(caught.value) is DatabaseError
        assert tried(store, "Count") != []


def test_an_agent_that_tries_is_no_third_speaker(store: Store) -> None:
    store.add("ann", [draft(f"Hey Kate {n}", speaker="user", minutes=n) for n in range(4)])
    store.add("ann", [draft(f"Well {n}", speaker="Bob", minutes=9 + n) for n in range(4)])
    with store.reading("ann") as reading:
        before = dict(reading.shard.names)
    assert before["kate"] == "Bob"
    tried(store, "Count", "Sum")
    with store.reading("ann") as reading:
        assert reading.shard.names == before


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE episodes SET trajectory = 'x'", "does not hash to its id"),
        ("UPDATE episodes SET reward = 0.5", "does not hash to its id"),
        ("UPDATE episodes SET trajectory = '[', trajectory_format = 'json'", "is damaged"),
        ("UPDATE episodes SET trajectory_format = 'x'", "is damaged"),
        ("DELETE FROM episodes", "has no episode"),
        ("UPDATE memories SET kind = 'message'", "has no memory"),
        ("UPDATE memories SET entities = '[]'", "another hyperedge"),
    ],
)
def test_tampered_episodes_are_reported(store: Store, statement: str, problem: str) -> None:
    tried(store, "Count")
    with store.database.write() as connection:
        connection.exec_driver_sql(statement)
    assert problem in " ".join(store.verify("ann"))


# -- reflection -----------------------------------------------------------------------------------


def test_what_a_rule_wrote_is_queued_once_an_episode(store: Store) -> None:
    a, b = tried(store, "a", "b")
    store.add_episodes("ann", [episode("mine", experience_by="caller")])
    said(store, "hello")
    assert store.jobs.enqueue_reflections("ann") == 2
    assert store.jobs.enqueue_reflections("ann") == 0
    found = store.jobs.find("ann")
    assert [(job.kind, job.memories, job.messages) for job in found] == [("reflect", (a,), ()), ("reflect", (b,), ())]
    assert store.jobs.enqueue_reflections("nobody") == 0


def test_each_kind_of_job_is_claimed_and_waited_for_by_itself(store: Store) -> None:
    [message] = said(store, "hello")
    [id_] = tried(store, "Count")
    assert store.jobs.seconds_to_next("ann", "reflect") is None
    store.jobs.enqueue_extraction("ann", 2)
    store.jobs.enqueue_reflections("ann")
    [reflecting] = store.jobs.claim("ann", 9, "reflect")
    assert reflecting.memories == (id_,)
    assert store.jobs.seconds_to_next("ann", "reflect") == LEASE.total_seconds()
    assert store.jobs.seconds_to_next("ann") == 0.0
    [extracting] = store.jobs.claim("ann", 9)
    assert (extracting.kind, extracting.messages) == ("extract", (message,))


def test_a_reflection_is_stored_with_the_end_of_its_job_and_once(store: Store) -> None:
    [id_] = tried(store, "Count")
    version = store.counts("ann")["version"]
    store.jobs.enqueue_reflections("ann")
    [job] = store.jobs.claim("ann", 1, "reflect")
    done = store.jobs.finish_reflection(job, {id_: "Look first."}, result={"calls": 1})
    assert done is not None
    assert (done.state, done.result) == ("done", {"calls": 1, "stored": 1})
    assert store.jobs.finish_reflection(job, {id_: "Again."}, result={}) is None
    [found] = store.episodes("ann", [id_])
    assert (found.experience, found.experience_by) == ("Look first.", "model")
    assert store.counts("ann")["version"] == version


def test_a_reflection_leaves_alone_what_its_owner_wrote_or_deleted(store: Store) -> None:
    a, b, c = tried(store, "a", "b", "c")
    store.jobs.enqueue_reflections("ann")
    jobs = store.jobs.claim("ann", 3, "reflect")
    store.set_experience("ann", a, "mine", "caller")
    store.delete("ann", b)
    ended = [store.jobs.finish_reflection(job, {job.memories[0]: "model's"}, result={}) for job in jobs]
    assert [job and job.result["stored"] for job in ended] == [0, 0, 1]
    found = store.episodes("ann", [a, b, c])
    assert [one.experience for one in found] == ["mine", "model's"]
