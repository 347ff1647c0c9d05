"""z-scores, two-phase selection and what learned utility adds: against the paper's formulas, computed plainly."""

from __future__ import annotations

import math
from itertools import combinations
from statistics import mean, pstdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc_retrievers.fast import ranking
from memsvc_retrievers.fast.ranking import Choice, learned_share, two_phase, zscores
from memsvc_store.errors import InvalidInput

COSINES = st.floats(-1, 1, width=32)
VALUES = st.floats(-1, 1)
CANDIDATES = st.lists(st.tuples(COSINES, VALUES), max_size=25)


def choose(
    candidates: list[tuple[float, float]], *, k1: int = 10, k2: int = 5, weight: float = 0.5,
    threshold: float | None = None, epsilon: float = 0.0, seed: int | None = None,
) -> Choice:  # fmt: skip
    similarity = np.array([cosine for cosine, _ in candidates], np.float32)
    q, keys = np.array([worth for _, worth in candidates]), np.arange(100, 100 + len(candidates))
    random = None if seed is None else np.random.default_rng(seed)
    return two_phase(
        similarity, q, keys, threshold=threshold, k1=k1, k2=k2, weight=weight, epsilon=epsilon, random=random
    )


def chosen(choice: Choice) -> list[int]:
    return choice.pool[choice.order].tolist()


@given(st.lists(st.floats(-5, 5), max_size=30))
def test_zscores_are_the_plain_ones_clamped(values: list[float]) -> None:
    found = zscores(np.array(values)).tolist()
    if not values or max(values) - min(values) < 1e-9:
        assert found == [0.0] * len(values)
    else:
        plain = [max(-3.0, min(3.0, (one - mean(values)) / pstdev(values))) for one in values]
        assert found == pytest.approx(plain, abs=1e-6)


def test_equal_values_have_no_spread_however_they_round() -> None:
    assert np.array([0.1] * 3).std() > 0  # which is why
    assert zscores(np.array([0.1] * 3)).tolist() == [0.0, 0.0, 0.0]


def test_an_outlier_counts_for_no_more_than_the_clamp() -> None:
    values = np.array([0.0] * 50 + [1.0])
    assert zscores(values)[-1] == 3.0
    assert zscores(values, math.inf)[-1] == pytest.approx(math.sqrt(50))


def test_two_phases_by_hand() -> None:
    # below the threshold: the last; beyond k1 = 3: the fourth
    candidates = [(0.9, -0.5), (0.8, 0.4), (0.7, 0.4), (0.6, 1.0), (0.3, 1.0)]
    choice = choose(candidates, k1=3, k2=2, weight=0.5, threshold=0.5)
    assert choice.pool.tolist() == [0, 1, 2]
    assert choice.z_similarity.tolist() == pytest.approx([1.2247, 0.0, -1.2247], abs=1e-4)
    assert choice.z_q.tolist() == pytest.approx([-1.4142, 0.7071, 0.7071], abs=1e-4)
    assert choice.score.tolist() == pytest.approx([-0.0947, 0.3536, -0.2588], abs=1e-4)
    assert chosen(choice) == [1, 0]
    assert choice.chances.tolist() == [1.0, 1.0, 0.0]
    assert choice.probability == 1.0


def test_the_threshold_itself_does_not_pass() -> None:
    assert chosen(choose([(0.5, 0.0), (0.6, 0.0)], threshold=0.5)) == [1]
    assert chosen(choose([(0.5, 0.0)], threshold=0.5)) == []
    assert chosen(choose([])) == []


@given(CANDIDATES, st.floats(0, 1), VALUES, st.one_of(st.none(), st.floats(-1, 1)))
def test_with_nothing_learned_it_is_the_ranking_by_similarity(
    candidates: list[tuple[float, float]], weight: float, q: float, threshold: float | None
) -> None:
    alike = [(cosine, q) for cosine, _ in candidates]
    choice = choose(alike, weight=weight, threshold=threshold)
    kept = [place for place, (cosine, _) in enumerate(alike) if threshold is None or round(cosine, 6) > threshold]
    assert chosen(choice) == sorted(kept, key=lambda place: (-round(alike[place][0], 6), -place))[:5]


@given(CANDIDATES, st.floats(0, 1))
def test_it_is_the_formula_within_the_pool(candidates: list[tuple[float, float]], weight: float) -> None:
    choice = choose(candidates, weight=weight)
    similarity = [round(float(np.float64(cosine)), 6) for cosine, _ in candidates]
    pool = sorted(range(len(candidates)), key=lambda place: (-similarity[place], -candidates[place][1], -place))[:10]
    assert choice.pool.tolist() == pool
    z_similarity = zscores(np.array([similarity[place] for place in pool]))
    z_q = zscores(np.array([candidates[place][1] for place in pool]))
    assert choice.score.tolist() == pytest.approx(((1 - weight) * z_similarity + weight * z_q).tolist())
    scores = choice.score[choice.order].tolist()
    assert scores == sorted(scores, reverse=True)
    left_out = set(range(len(pool))) - set(choice.order.tolist())
    assert max((float(choice.score[place]) for place in left_out), default=-9.0) <= min(scores, default=9.0)


def test_equally_similar_ones_stand_by_utility_then_the_newest_first() -> None:
    assert chosen(choose([(0.5, 0.0), (0.7, 0.0), (0.5, 0.0)], weight=0.0)) == [1, 2, 0]
    assert chosen(choose([(0.5, 0.1), (0.5, 0.3), (0.5, 0.2)], weight=0.0)) == [1, 2, 0]
    reordered = two_phase(
        np.array([0.5, 0.5]), np.zeros(2), np.array([9, 4]), threshold=None, k1=2, k2=2, weight=0.5
    )  # fmt: skip
    assert reordered.pool.tolist() == [0, 1]


def test_the_last_bit_of_a_sum_decides_nothing() -> None:
    below = float(np.nextafter(np.float32(0.7), np.float32(0)))
    assert chosen(choose([(below, 0.0), (0.7, 0.0)])) == [1, 0]


def test_chance_draws_from_the_whole_pool_in_the_order_of_rank() -> None:
    candidates = [(0.9 - place / 100, 0.0) for place in range(6)]
    seen = {tuple(chosen(choose(candidates, k2=2, epsilon=1.0, seed=seed))) for seed in range(300)}
    assert seen == set(combinations(range(6), 2))
    again = [chosen(choose(candidates, k2=2, epsilon=0.5, seed=4)) for _ in range(3)]
    assert again[0] == again[1] == again[2]


@pytest.mark.parametrize("epsilon", [0.2, 1.0])
def test_the_probability_is_how_often_the_set_is_chosen(epsilon: float) -> None:
    candidates, runs = [(0.9 - place / 100, 0.0) for place in range(5)], 3_000
    often: dict[tuple[int, ...], int] = {}
    told: dict[tuple[int, ...], float] = {}
    each = np.zeros(len(candidates))
    for seed in range(runs):
        choice = choose(candidates, k2=2, epsilon=epsilon, seed=seed)
        key = tuple(chosen(choice))
        often[key], told[key] = often.get(key, 0) + 1, choice.probability
        each[choice.order] += 1
    assert sum(told.values()) == pytest.approx(1.0)
    for key, count in often.items():
        assert count / runs == pytest.approx(told[key], abs=0.03)
    assert each / runs == pytest.approx(choice.chances, abs=0.03)
    assert choice.chances.sum() == pytest.approx(2.0)


def test_a_pool_that_fits_leaves_nothing_to_chance() -> None:
    choice = choose([(0.5, 0.0), (0.6, 0.0)], k2=5, epsilon=1.0)
    assert (chosen(choice), choice.chances.tolist(), choice.probability) == ([1, 0], [1.0, 1.0], 1.0)


@given(st.lists(st.tuples(st.floats(0, 3), VALUES), min_size=2, max_size=40), st.floats(0, 0.95))
def test_the_share_ranks_as_the_blend_of_z_scores(pool: list[tuple[float, float]], weight: float) -> None:
    scores, q = np.array([score for score, _ in pool]), np.array([worth for _, worth in pool])
    z_q = zscores(q)
    total = scores + learned_share(scores, z_q, weight)
    blend = (1 - weight) * zscores(scores, math.inf) + weight * z_q
    spread = scores.std() if np.ptp(scores) >= 1e-9 else 1.0
    # the sum is the blend times a factor of the pool, plus a constant of the pool
    assert total - total.mean() == pytest.approx(spread / (1 - weight) * (blend - blend.mean()), abs=1e-6)


def test_where_scores_do_not_differ_what_was_learned_decides() -> None:
    share = learned_share(np.ones(3), zscores(np.array([0.0, 1.0, -1.0])), 0.5)
    assert np.argsort(-share).tolist() == [1, 0, 2]


@pytest.mark.parametrize("weight", [-0.1, 1.1, math.nan])
def test_a_weight_out_of_bounds_is_refused(weight: float) -> None:
    with pytest.raises(InvalidInput, match="weight came as"):
        choose([(0.5, 0.0)], weight=weight)
    with pytest.raises(InvalidInput, match="weight came as"):
        learned_share(np.ones(2), np.ones(2), weight)


def test_a_look_up_needs_some_likeness() -> None:
    with pytest.raises(InvalidInput, match="less than 1"):
        learned_share(np.ones(2), np.ones(2), 1.0)


def test_chance_needs_a_source_and_a_share() -> None:
    many = [(0.1 * place, 0.0) for place in range(8)]
    with pytest.raises(InvalidInput, match="give a seed"):
        choose(many, epsilon=0.1)
    with pytest.raises(InvalidInput, match="epsilon came as 2"):
        choose(many, epsilon=2, seed=1)


def test_what_asks_and_what_an_assistant_says_rarely_answers() -> None:
    lengths, yes, no = np.full(1, 8.0, np.float32), np.array([True]), np.array([False])
    [plain] = ranking.prior(lengths, no, no)
    assert plain == pytest.approx(ranking.W_LENGTH / 2)
    assert ranking.prior(lengths, yes, no)[0] == pytest.approx(plain - ranking.W_QUESTION)
    assert ranking.prior(lengths, no, yes)[0] == pytest.approx(plain - ranking.W_ASSISTANT)
    assert ranking.prior(lengths, yes, yes)[0] == pytest.approx(plain - ranking.W_QUESTION - ranking.W_ASSISTANT)
