"""Learned utility in the look-up of conversations: nothing while nothing is known, and MemRL's order once it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc_retrievers.fast.fusion import LEARNED, Found, find
from memsvc_retrievers.fast.question import take_apart
from memsvc_retrievers.fast.ranking import zscores
from memsvc_store.projections.shard import Shard
from tests.retrievers.shards import entry, shard, vector

pytestmark = pytest.mark.slow

WORDS = "harbour dog tea rain train garden letter piano bread snow".split()
QUESTION, VECTOR = take_apart("Where did the dog take the letter?", {}), vector("q")


def talk(count: int) -> Shard:
    random = np.random.default_rng(count)
    texts = [" ".join(random.choice(WORDS, 4)) for _ in range(count)]
    return shard(
        [entry(key, "AnnBob"[3 * (key % 2) :][:3], text, session=f"s{key // 20}") for key, text in enumerate(texts)]
    )


def taught(built: Shard, utilities: Mapping[int, float]) -> Shard:
    built.learn({f"m{key}": q for key, q in utilities.items()})
    return built


def look(built: Shard, weight: float, limit: int = 10) -> list[Found]:
    return find(built, QUESTION, VECTOR, limit, weight=weight)


@given(st.integers(1, 150), st.floats(0, 0.99), st.integers(1, 160))
def test_with_nothing_learned_every_bit_is_the_same(count: int, weight: float, limit: int) -> None:
    built = talk(count)
    assert look(built, weight, limit) == look(built, 0.0, limit)


def test_what_was_learned_of_memories_that_are_not_in_the_pool_changes_nothing() -> None:
    built = talk(300)
    plain = look(built, 0.0, 300)
    beyond = plain[-1].row
    assert look(taught(built, {beyond: 1.0}), 0.5) == plain[:10]


def test_without_a_weight_what_was_learned_changes_nothing() -> None:
    plain = look(talk(50), 0.0)
    assert look(taught(talk(50), dict.fromkeys(range(50), 0.7)), 0.0) == plain


def test_equal_utilities_change_no_order_and_add_nothing() -> None:
    plain, equal = look(talk(50), 0.0), look(taught(talk(50), dict.fromkeys(range(50), 0.7)), 0.5)
    assert [(one.row, one.parts) for one in equal] == [(one.row, one.parts) for one in plain]
    assert {(one.blend.q, one.blend.z_q) for one in equal if one.blend} == {(0.7, 0.0)}


UTILITIES = st.dictionaries(st.integers(0, 119), st.floats(-1, 1), min_size=1, max_size=40)


@given(UTILITIES, st.floats(0.05, 0.9))
def test_the_order_is_that_of_the_blended_z_scores(utilities: dict[int, float], weight: float) -> None:
    built = talk(120)
    pool = look(built, 0.0, LEARNED)
    found = look(taught(built, utilities), weight, LEARNED)
    if not utilities.keys() & {one.row for one in pool}:
        assert found == pool
        return
    fused = {one.row: one.parts.final for one in pool}
    z_fused = dict(zip(fused, zscores(np.array(list(fused.values())), math.inf), strict=True))
    z_q = dict(zip(fused, zscores(np.array([utilities.get(row, 0.0) for row in fused])), strict=True))
    assert {one.row for one in found} == fused.keys()
    blend = [(1 - weight) * z_fused[one.row] + weight * z_q[one.row] for one in found]
    assert all(first >= second - 1e-4 for first, second in pairwise(blend))
    finals = [one.parts.final for one in found]
    assert all(first >= second - 1e-5 for first, second in pairwise(finals))
    for one in found:
        assert one.parts.final - one.parts.utility == pytest.approx(fused[one.row], abs=1e-5)
        assert one.blend is not None
        assert one.blend.weight == weight
        assert one.blend.q == utilities.get(one.row, 0.0)
        assert one.blend.z_q == pytest.approx(z_q[one.row])
        assert one.blend.z_similarity == pytest.approx(z_fused[one.row], abs=1e-4)


def test_a_helpful_memory_rises_and_a_misleading_one_sinks() -> None:
    plain = [one.row for one in look(talk(120), 0.0, 30)]
    helpful, misleading = plain[8], plain[1]
    found = [one.row for one in look(taught(talk(120), {helpful: 0.9, misleading: -0.9}), 0.5, 120)]
    assert found.index(helpful) < 8
    assert found.index(misleading) > 1


@pytest.mark.parametrize("limit", [1, 10, LEARNED, 119])
def test_a_shorter_list_is_the_beginning_of_a_longer_one(limit: int) -> None:
    built = taught(talk(120), {row: (-1) ** row * row / 120 for row in range(0, 120, 7)})
    assert len(look(built, 0.4, limit)) == limit
    if limit <= LEARNED:  # beyond it, the pool is all that is returned
        assert look(built, 0.4, limit) == look(built, 0.4, LEARNED)[:limit]


def test_a_reset_takes_utility_out_again() -> None:
    plain = look(talk(50), 0.0)
    built = taught(talk(50), {3: 0.9})
    assert look(built, 0.5) != plain
    built.learn({"m3": None})
    assert look(built, 0.5) == plain
