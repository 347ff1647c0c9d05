"""Hearing that nothing is relevant: relevance and similarity of hits, and floors on every way to look up."""

from __future__ import annotations

from typing import Any

import pytest

from memsvc import Memory
from memsvc.errors import InvalidInput
from memsvc.testing import RuleModel
from tests.memsvc.conftest import ticking

BOAT = [
    {"name": "Ann", "content": "I bought a boat called Kittiwake in Bergen.", "timestamp": "2026-03-02T09:00:00Z"},
    {"name": "Ben", "content": "How long is she?", "timestamp": "2026-03-02T09:01:00Z"},
    {"name": "Ann", "content": "Nine metres. The engine is a Volvo from 1998.", "timestamp": "2026-03-02T09:02:00Z"},
    {"name": "Ben", "content": "I would paint the hull before summer.", "timestamp": "2026-03-02T09:03:00Z"},
    {"name": "Ann", "content": "We sail to the Lofoten islands in July.", "timestamp": "2026-03-02T09:04:00Z"},
]


@pytest.fixture
def boat(memory: Memory) -> Memory:
    memory.add(BOAT, namespace="boat")
    return memory


def test_floors_leave_hits_out_and_rank_the_others_anew(boat: Memory) -> None:
    found = boat.search("Which engine does the boat have?", namespace="boat")
    least = sorted(hit.relevance for hit in found)[2]
    above = boat.search("Which engine does the boat have?", namespace="boat", min_relevance=least)
    assert [hit.id for hit in above] == [hit.id for hit in found if hit.relevance >= least]
    assert [hit.rank for hit in above] == list(range(1, len(above) + 1))
    alike = sorted(hit.similarity for hit in found)[-2]
    assert len(boat.search("Which engine does the boat have?", namespace="boat", min_similarity=alike)) == 2
    assert boat.search("Which engine does the boat have?", namespace="boat", min_relevance=1.0) == []


@pytest.mark.parametrize("wrong", [{"min_relevance": 1.5}, {"min_relevance": True}, {"min_similarity": -2}])
def test_a_floor_out_of_its_bounds_is_said(boat: Memory, wrong: dict[str, Any]) -> None:
    for look_up in (boat.search, boat.ask):
        with pytest.raises(InvalidInput, match=next(iter(wrong))):
            look_up("Which engine?", namespace="boat", **wrong)


def test_a_question_of_which_nothing_reaches_the_floor_is_deliberated_or_left_unanswered(boat: Memory) -> None:
    model = RuleModel()
    unasked = boat.ask("Which engine does the boat have?", namespace="boat", model=model, gate="never", min_relevance=1)
    assert (unasked.process, unasked.retrieved, unasked.ledger.calls) == ("abstained", (), ())
    deliberated = boat.ask("Which engine does the boat have?", namespace="boat", model=model, min_relevance=1)
    assert {call.purpose for call in deliberated.ledger.calls}.isdisjoint({"draft", "gate"})
    assert deliberated.coverage is not None


@pytest.mark.slow
def test_what_has_nothing_to_do_with_a_namespace_is_below_the_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the default embedder, for which the floor is made."""
    monkeypatch.delenv("MEMSVC_MIN_RELEVANCE")
    with Memory.open(":memory:", now=ticking()) as memory:
        memory.add(BOAT, namespace="boat")
        for question in ("Explain quantum chromodynamics", "What is the capital of Mongolia?", "best pasta recipe"):
            assert memory.ask(question, namespace="boat").process == "abstained", question
        for question, word in (
            ("What kind of engine does she have?", "Volvo"),
            ("Where do we sail in July?", "Lofoten"),
        ):
            hits = memory.search(question, namespace="boat")
            assert word in hits[0].text
            assert hits[0].relevance > 5 * memory.settings.min_relevance
