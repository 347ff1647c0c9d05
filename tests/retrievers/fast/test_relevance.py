"""Relevance: a probability of cues that mean the same in every namespace."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc_retrievers.choices import FLOOR
from memsvc_retrievers.fast import relevance
from memsvc_retrievers.fast.fusion import find
from memsvc_retrievers.fast.question import take_apart
from memsvc_retrievers.fast.relevance import Cues
from memsvc_store.projections.lexical import LexicalIndex
from tests.retrievers.shards import entry, shard, vector

TALK = [
    entry(1, "Ann", "I moved to Oslo last week."),
    entry(2, "Ben", "How is the new flat by the harbour?"),
    entry(3, "Ann", "Small, and the harbour is loud."),
]
SHARES = st.floats(0.0, 1.0)


def likely(similarity: float, coverage: float, score: float, *, anonymous: float = 0.0, unheard: float = 0.0) -> float:
    columns = (np.array([similarity]), np.array([coverage]), np.array([score]))
    return float(relevance.relevance(Cues(*columns, anonymous, unheard))[0])


@given(SHARES, SHARES, st.floats(0.0, 3.0), st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0]))
def test_it_is_a_probability_that_rises_with_what_speaks_for_a_hit(
    similarity: float, coverage: float, score: float, anonymous: float, unheard: float
) -> None:
    at = likely(similarity, coverage, score, anonymous=anonymous, unheard=unheard)
    assert 0.0 < at < 1.0
    assert likely(similarity + 0.1, coverage, score, anonymous=anonymous, unheard=unheard) > at
    assert likely(similarity, coverage + 0.1, score, anonymous=anonymous, unheard=unheard) > at
    assert likely(similarity, coverage, score + 0.1, anonymous=anonymous, unheard=unheard) > at
    assert likely(similarity, coverage, score, anonymous=anonymous, unheard=1.0) <= at


@given(
    st.lists(st.lists(st.sampled_from("abcdef"), max_size=6), min_size=1, max_size=6), st.sets(st.sampled_from("abcxy"))
)
def test_coverage_is_the_share_of_the_terms_idf(rows: list[list[str]], asked: set[str]) -> None:
    index = LexicalIndex()
    for row in rows:
        index.add(row)
    terms = sorted(asked)

    def idf(term: str) -> float:
        frequency = sum(term in row for row in rows)
        return math.log1p((len(rows) - frequency + 0.5) / (frequency + 0.5))

    whole = sum(map(idf, terms))
    wanted = [sum(idf(term) for term in terms if term in row) / whole if whole else 0.0 for row in rows]
    assert index.coverage(terms, np.arange(len(rows))) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    ("question", "unheard"),
    [("What is Oslo like?", 0.0), ("What is Bergen like?", 1.0), ("Did Ann move to Oslo?", 0.0), ("is it loud?", 0.0)],
)
def test_a_thing_that_nobody_ever_mentioned_is_unheard_of(question: str, unheard: float) -> None:
    built = shard(TALK)
    cues = relevance.read(take_apart(question, built.names), built.lexical, np.arange(3), np.zeros(3), np.zeros(3))
    assert cues.unheard == unheard


def test_a_hit_brings_its_cosine_and_its_relevance() -> None:
    built = shard(TALK)
    asked = vector("I moved to Oslo last week.")
    found = find(built, take_apart("Where did Ann move?", built.names), asked, 3)
    by_row = {one.row: one for one in found}
    for row, one in enumerate(TALK):
        assert one.vector is not None
        assert by_row[row].similarity == pytest.approx(float(one.vector @ asked), abs=1e-5)
    assert by_row[0].relevance == max(one.relevance for one in found) > FLOOR
