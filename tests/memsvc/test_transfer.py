"""Episodes in exports: they travel whole, and a line that cannot be read is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from memsvc.errors import InvalidInput
from memsvc.writing import transfer
from memsvc_store.store import Store
from memsvc_store.values.drafts import EpisodeDraft
from memsvc_store.values.memories import Node
from memsvc_store.values.nodes import INTENT
from memsvc_store.writing.episodes import own_intent
from tests.store.values import START, Space, episode, feedback, said, towards, trace, vector

HEADER = '{"memsvc_export": 3, "namespace": "x"}'
LINE: dict[str, Any] = {
    "episode": "Count the rows", "trajectory": ["SELECT 1"], "session_id": "tasks", "name": "agent",
    "timestamp": "2026-03-02T09:00:00+00:00", "experience": "- look", "experience_by": "rule", "success": True,
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "a.db", space=Space()) as opened:
        yield opened


def read(lines: list[str]) -> list[Any]:
    return list(transfer.read(lines, 1_000, 500))


def test_episodes_travel_whole(store: Store) -> None:
    said(store, "hello")
    drafts = [
        episode("Count", "SELECT 1;\nSELECT 2;", reward=0.25, success=True, key="k", metadata={"a": ["ü"]}),
        episode("Sum", [{"x": [1.5, None]}], experience="look first", experience_by="model", minutes=1, success=False),
        episode("Cont", minutes=2, reward=-1.0, success=False),
    ]
    *_, last = store.add_episodes("ann", drafts)
    later = START + timedelta(days=2)
    store.update("ann", last.id or "", text="Count all", vector=vector("Count all"), valid_from=later)
    store.retain("ann", [last.id or ""], since=store.version("ann"))
    used = trace(last.id or "")
    store.learning.add_trace("ann", used)
    store.learning.learn("ann", feedback(used, 1.0), towards)

    lines = list(transfer.write("ann", store.export("ann")))
    message, *episodes = read(lines)
    assert all(isinstance(one, EpisodeDraft) for one in episodes)
    assert [one.corrected for one in episodes] == [None, None, "Count all"]
    store.add("bob", [message])
    assert {receipt.status for receipt in store.add_episodes("bob", episodes)} == {"stored"}
    assert {receipt.status for receipt in store.add_episodes("ann", episodes)} == {"duplicate"}

    ids = [receipt.id or "" for receipt in store.add_episodes("bob", episodes)]
    there = [replace(one, memory=replace(one.memory, namespace="ann")) for one in store.episodes("bob", ids)]
    here = store.episodes("ann", ids)
    assert [(one.intent, one.trajectory, one.experience, one.reward, one.success) for one in there] == [
        (one.intent, one.trajectory, one.experience, one.reward, one.success) for one in here
    ]
    assert [(one.memory.text, one.memory.valid_from, one.memory.metadata, one.memory.entities) for one in there] == [
        (one.memory.text, one.memory.valid_from, one.memory.metadata, one.memory.entities) for one in here
    ]
    assert list(transfer.write("ann", store.export("bob"))) == lines
    assert store.learning.utilities("bob") == {}, "what was learned stays where it was learned"
    assert store.verify("bob") == []


def test_older_exports_are_read(store: Store) -> None:
    for number in (1, 2, 3, 4, 5):
        assert len(read([HEADER.replace("3", str(number)), json.dumps(LINE)])) == 1
    with pytest.raises(InvalidInput, match="format 1 to 5"):
        read([HEADER.replace("3", "6")])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"episode": " "}, "is empty"),
        ({"trajectory": {"a": 1}}, "trajectory came as"),
        ({"trajectory": [1, "a", None]}, "a step of the trajectory came as 1"),
        ({"trajectory": []}, "a list of steps"),
        ({"trajectory": ["a\0b"]}, "'trajectory' holds a NUL"),
        ({"trajectory": ["x" * 600]}, "the limit is 500"),
        ({"trajectory": "a\0b"}, "'trajectory' holds a NUL"),
        ({"trajectory": ["\ud800"]}, "'trajectory' holds half a character"),
        ({"trajectory": [{"x": float("nan")}]}, "JSON"),
        ({"experience": None}, "'experience' came as None"),
        ({"experience": " "}, "'experience' is empty"),
        ({"experience": "x" * 1_001, "experience_by": "caller"}, "the limit is 1,000"),
        ({"success": None}, "neither reward nor success"),
        ({"reward": -1}, "harm"),
        ({"intent": ""}, "'intent' came as"),
        ({"experience_by": "god"}, "one of rule, model, caller"),
        ({"reward": 1.5}, "reward came as 1.5"),
        ({"reward": True}, "reward came as True"),
        ({"success": 1}, "success came as 1"),
        ({"timestamp": "soon"}, "not a point in time"),
        ({"valid_to": "2020-01-01"}, "is not after"),
        ({"key": ""}, "'key'"),
    ],
)
def test_an_episode_that_cannot_be_read_is_named_by_its_line(change: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match="line 2") as caught:
        read([HEADER, json.dumps(LINE | change)])
    assert says in str(caught.value)


def test_a_field_that_lacks_is_named() -> None:
    for field in LINE.keys() - {"episode", "success"}:
        with pytest.raises(InvalidInput, match=f"line 2 lacks '{field}'"):
            read([HEADER, json.dumps({name: value for name, value in LINE.items() if name != field})])


def test_a_reward_says_whether_it_was_a_success() -> None:
    for reward, success in ((1.0, True), (0.0, False)):
        [draft] = read([HEADER, json.dumps(LINE | {"reward": reward, "success": None})])
        assert draft.success is success


def test_what_a_model_wrote_may_be_longer_than_a_message_may() -> None:
    [draft] = read([HEADER, json.dumps(LINE | {"experience": "x" * 1_001, "experience_by": "model"})])
    assert len(draft.experience) == 1_001


def test_the_intent_that_similar_episodes_share_travels(store: Store) -> None:
    alone, shared = episode("Count"), Node(INTENT, "c0ffee")
    grouped = episode("Count all", minutes=1, success=True)
    drafts = [replace(alone, success=True), replace(grouped, entities=(*grouped.entities, shared))]
    store.add_episodes("ann", drafts)
    lines = list(transfer.write("ann", store.export("ann")))
    assert ["intent" in json.loads(line) for line in lines[1:]] == [False, True]
    store.add_episodes("bob", read(lines))
    kept = [[node for node in one.entities if node.kind == INTENT] for one in store.page("bob", limit=9)]
    assert kept == [[own_intent("Count")], [shared]]
    assert store.verify("bob") == []
