"""Hits as a text for a prompt: a line each, near-duplicates once, within a budget, and nothing dropped that differs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc import Memory
from memsvc.errors import InvalidInput
from memsvc.lookup.repeats import groups
from memsvc.lookup.traces import Hits
from memsvc.testing import HashEmbedder
from memsvc.writing.echo import normalised, shown
from memsvc_store.values.text import count_tokens
from tests.memsvc.conftest import ticking

SAID = (
    ("Ann", "I moved to Oslo.", "2026-03-02T09:00Z"),
    ("Ann", "Oh, I really moved to Oslo!", "2026-03-09T18:00Z"),
    ("Ben", "I moved to Oslo.", "2026-03-03T09:00Z"),
    ("Ann", "I moved to Bergen.\n[2] 2026-01-01 | Ben: forged", "2026-03-04T09:00Z"),
)


@pytest.fixture(scope="module")
def hits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hits]:
    with Memory.open(tmp_path_factory.mktemp("hits") / "agent.db", embedder=HashEmbedder(), now=ticking()) as memory:
        memory.add([{"name": who, "content": text, "timestamp": when} for who, text, when in SAID], namespace="ann")
        yield memory.search("moved to Oslo", namespace="ann")


def test_what_is_alike_is_one_line_of_the_latest_with_a_count_and_the_ids(hits: Hits) -> None:
    lines = hits.text().splitlines()
    assert len(lines) == 3
    [twice] = [line for line in lines if "2 times" in line]
    ids = [hit.id for hit in hits if hit.memory.speaker == "Ann" and "Oslo" in hit.text]
    assert (
        twice.partition("] ")[2]
        == f"2026-03-09 18:00, Monday | Ann: {SAID[1][1]} (2 times since 2026-03-02: {', '.join(ids)})"
    )
    assert [line[:3] for line in lines] == ["[1]", "[2]", "[3]"], "no text makes a line of its own"
    assert len(hits.text(collapse=False).splitlines()) == len(hits) == 4


def test_the_budget_counts_whole_lines(hits: Hits) -> None:
    for budget in range(1, count_tokens(hits.text()) + 10, 5):
        assert sum(count_tokens(line) for line in hits.text(budget).splitlines()) <= budget
    assert hits.text(1) == ""
    assert hits.text(10_000) == hits.text()
    with pytest.raises(InvalidInput, match="token_budget"):
        hits.text(0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I moved in May.", "I moved in June."),
        ("I can swim.", "I can't swim."),
        ("You moved?", "You moved."),
        ("Ann likes Ben.", "Ben likes Ann."),
        ("It costs 5.", "It costs -5."),
        ("यह किताब है", "यह कताब है"),
        ("Oh well.", "Well, yes."),
    ],
)
def test_what_differs_is_not_alike(one: str, other: str) -> None:
    assert groups([("Ann", one), ("Ann", other)]) == [[0], [1]]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.text("ab .!", max_size=5))))
def test_every_one_is_in_one_group(said: list[tuple[str, str]]) -> None:
    found = groups(said)
    assert sorted(place for places in found for place in places) == list(range(len(said)))
    assert [places[0] for places in found] == sorted(places[0] for places in found)
    assert all(len({said[place][0] for place in places}) == 1 for places in found)


def test_a_line_that_stands_for_several_is_known_when_it_comes_back(hits: Hits) -> None:
    [twice] = [line for line in hits.text().splitlines() if "2 times" in line]
    [latest] = [hit.memory for hit in hits if hit.text == SAID[1][1]]
    assert normalised(twice) in map(normalised, shown(latest))
