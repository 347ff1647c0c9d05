"""A filter that names nobody and nothing that there is gives nothing, and the result says why."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from memsvc import Memory
from memsvc.mcp import telling
from memsvc.mcp.shapes import Answered, Recalled
from memsvc.testing import HashEmbedder
from memsvc_store.values.document import to_dict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def hours() -> list[float]:
    """What the clock shows, after START."""
    return [0.0]


@pytest.fixture
def memory(tmp_path: Path, hours: list[float]) -> Iterator[Memory]:
    def now() -> datetime:
        return START + timedelta(hours=hours[0])

    with Memory.open(tmp_path / "m.db", embedder=HashEmbedder(), now=now) as memory:
        memory.add("I moved to Oslo.", namespace="ann", name="Ann", session_id="monday")
        memory.add("Oslo is cold.", namespace="ann", name="Ben", session_id="tuesday")
        yield memory


def noted(memory: Memory, namespace: str = "ann", **filters: Any) -> tuple[str, ...]:
    """The notes, which every look-up gives alike."""
    hits, listed = memory.search("Oslo", namespace=namespace, **filters), memory.list(namespace=namespace, **filters)
    assert hits.notes == listed.notes == memory.ask("Oslo?", namespace=namespace, **filters).notes
    return hits.notes


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({"speaker": "ann"}, "no memory of namespace 'ann' is by speaker 'ann'; did you mean 'Ann'?"),
        ({"speaker": ["Ann", "Benn"]}, "no memory of namespace 'ann' is by speaker 'Benn'; did you mean 'Ben'?"),
        ({"speaker": "Zoe"}, "no memory of namespace 'ann' is by speaker 'Zoe'; 'Ann', 'Ben' spoke there"),
        ({"session_id": "Monday"}, "namespace 'ann' has no session 'Monday'; did you mean 'monday'?"),
    ],
)
def test_an_unknown_name_is_told_with_the_one_that_may_be_meant(
    memory: Memory, filters: dict[str, Any], told: str
) -> None:
    assert noted(memory, **filters) == (told,)


def test_names_that_are_there_are_not_told_of(memory: Memory) -> None:
    assert noted(memory) == ()
    assert noted(memory, speaker=["Ann", "Ben"], session_id="monday") == ()
    assert noted(memory, speaker="Ann", session_id="tuesday") == (), "both are there, if not together"
    assert noted(memory, speaker="Ann", since="tomorrow") == ()


def test_who_has_not_spoken_yet_is_no_error(memory: Memory) -> None:
    told = "no memory of namespace 'new' is by speaker 'Ann'; none spoke there yet"
    assert noted(memory, namespace="new", speaker="Ann") == (told,)
    assert len(noted(memory, speaker=[f"x{number}" for number in range(100)])) == 5


def test_it_is_judged_by_what_is_there_now(memory: Memory, hours: list[float]) -> None:
    memory.add("Bye.", namespace="ann", name="Cid", expires_at=START + timedelta(hours=1))
    assert noted(memory, speaker="Cid") == ()
    hours[0] = 2
    assert noted(memory, speaker="Cid") != ()


def test_json_and_text_say_it(memory: Memory) -> None:
    hits = memory.search("Oslo", namespace="ann", speaker="Zoe")
    assert json.loads(json.dumps(to_dict(hits)))["notes"] == list(hits.notes)
    assert hits.notes[0] in telling.recalled(Recalled.of(hits)).replace("> ", "")
    assert hits.notes[0] in telling.listed(Recalled((), notes=hits.notes)).replace("> ", "")
    answer = memory.ask("Oslo?", namespace="ann", speaker="Zoe")
    assert hits.notes[0] in telling.answered(Answered.of(answer)).replace("> ", "")
