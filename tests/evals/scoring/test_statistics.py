from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc_evals import MeasurementError
from memsvc_evals.scoring.statistics import (
    EXACT,
    Abstention,
    abstention,
    bootstrap,
    differences,
    interval,
    paired,
    sign_flip,
    student,
    wilson,
)


def test_wilson_by_hand() -> None:
    # 8 of 10, z² = 3.8415: (0.8 + 0.19207 ± 1.96 · sqrt(0.016 + 0.0096037)) / 1.38415 = (0.99207 ± 0.31362) / 1.38415
    found = wilson(8, 10)
    assert (found.mean, found.n, found.kind) == (0.8, 10, "wilson")
    assert found.low == pytest.approx(0.4902, abs=1e-4)
    assert found.high == pytest.approx(0.9433, abs=1e-4)


def test_wilson_of_none_and_all_has_a_width() -> None:
    z2 = 1.959964**2
    assert wilson(0, 10).low == 0
    assert wilson(0, 10).high == pytest.approx(z2 / (10 + z2), abs=1e-6)  # the closed form at p = 0
    assert wilson(10, 10).high == 1
    assert wilson(10, 10).low == pytest.approx(10 / (10 + z2), abs=1e-6)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_solves_its_equation(case: tuple[int, int]) -> None:
    successes, n = case
    found = wilson(successes, n)
    assert 0 <= found.low <= found.mean <= found.high <= 1
    for end in (found.low, found.high):  # |p - end| = z sqrt(end (1 - end) / n)
        assert abs(found.mean - end) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / n), abs=1e-6)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 3), (4, 3)])
def test_wilson_of_what_is_no_proportion(successes: int, n: int) -> None:
    with pytest.raises(MeasurementError, match="wanted 0 to n"):
        wilson(successes, n)


def test_bootstrap_agrees_with_the_normal_distribution() -> None:
    values = np.random.default_rng(1).random(400).tolist()
    found, half = bootstrap(values), 1.96 * np.std(values) / 20
    assert found.mean == pytest.approx(np.mean(values))
    assert found.low == pytest.approx(found.mean - half, abs=0.1 * half)
    assert found.high == pytest.approx(found.mean + half, abs=0.1 * half)


def test_bootstrap_of_two_values_is_binomial() -> None:
    # The mean of a resample of {0, 1} twice is 0, 0.5 or 1 with chances 1/4, 1/2, 1/4: both ends are extremes
    assert bootstrap([0.0, 1.0]).to_dict() == {"mean": 0.5, "low": 0.0, "high": 1.0, "n": 2, "interval": "bootstrap"}


def test_bootstrap_repeats_itself_and_follows_its_seed() -> None:
    values = [0.1, 0.7, 0.3, 0.9, 0.2, 0.55]
    assert bootstrap(values, seed=3) == bootstrap(values, seed=3)
    assert bootstrap(values, seed=3, resamples=50) != bootstrap(values, seed=4, resamples=50)


def test_bootstrap_does_its_draws_in_blocks() -> None:
    values = [0.0, 1.0, 0.5] * 1_000  # 3,000 values: 666 resamples a block, so three blocks and a rest
    found = bootstrap(values, resamples=2_100)
    assert found.low == pytest.approx(0.5 - 1.96 * math.sqrt(1 / 6 / 3_000), abs=0.002)


def test_equal_values_stay_between_their_ends() -> None:
    found = bootstrap([0.1] * 7)
    assert found.low <= found.mean <= found.high
    assert found.high - found.low < 1e-12


def test_clusters_widen_what_they_share() -> None:
    # Four conversations, all 0 or all 1: one question of each would say as much
    values, clusters = [0.0] * 50 + [1.0] * 50 + [0.0] * 50 + [1.0] * 50, [name for name in "abcd" for _ in range(50)]
    alone, clustered = bootstrap(values), bootstrap(values, clusters)
    assert (alone.low, alone.high) == (pytest.approx(0.43, abs=0.011), pytest.approx(0.57, abs=0.011))
    assert (clustered.low, clustered.high) == (0.0, 1.0)  # P(all four alike 0) = 1/16 > 2.5 %
    assert clustered.mean == 0.5


def test_clusters_are_resampled_inside_as_well() -> None:
    # One cluster is always drawn: what varies is inside it, as without clusters
    values = [0.0, 1.0] * 50
    one = bootstrap(values, ["a"] * 100)
    assert (one.low, one.high) == (pytest.approx(0.4, abs=0.011), pytest.approx(0.6, abs=0.011))


def test_clusters_of_unequal_size_weigh_by_their_questions() -> None:
    # Two clusters, 3 zeros and 1 one. aa: 0, bb: 1, ab or ba (half of the draws): 1/4
    found = bootstrap([0.0, 0.0, 0.0, 1.0], ["a", "a", "a", "b"])
    assert (found.mean, found.low, found.high) == (0.25, 0.0, 1.0)


def test_student() -> None:
    found = student([0.5, 0.6, 0.7])
    assert found.mean == pytest.approx(0.6)
    assert found.half == pytest.approx(4.302653 * 0.1 / math.sqrt(3))
    assert found.low == pytest.approx(found.mean - 4.302653 * 0.1 / math.sqrt(3))
    assert student([0.0, 1.0] * 50).half == pytest.approx(1.984217 * math.sqrt(25 / 99) / 10)  # t of 99


def test_a_single_value_has_no_interval() -> None:
    for found in (student([0.25]), bootstrap([0.25])):
        assert found.half is None
        assert found.to_dict() == {"mean": 0.25, "low": 0.25, "high": 0.25, "n": 1, "interval": "point"}


def test_proportions_are_told_from_means() -> None:
    assert interval([0, 1.0, 1, 1]) == wilson(3, 4)
    assert interval([0.5, 1.0, 0.0]) == bootstrap([0.5, 1.0, 0.0])


def test_nothing_is_refused() -> None:
    for made in (interval, bootstrap, student):
        with pytest.raises(MeasurementError, match="at least one value"):
            made([])
    with pytest.raises(MeasurementError, match="2 values came with 1 clusters"):
        bootstrap([0.1, 0.2], ["a"])


def test_sign_flip_of_zeros_and_ones_is_mcnemars() -> None:
    # 1 question for a, 5 for b: 2 · (C(6,0) + C(6,1)) / 2^6 = 14/64
    a, b = [1, 0, 0, 0, 0, 0, 1, 1], [0, 1, 1, 1, 1, 1, 1, 1]
    assert sign_flip(differences(a, b)) == sign_flip(differences(b, a)) == pytest.approx(14 / 64, rel=1e-12)
    assert sign_flip([1, -1]) == 1
    assert sign_flip([1] * 10) == pytest.approx(2 / 2**10, rel=1e-12)
    # chi² without correction: (1100 - 900)² / 2000 = 20, p = 7.7e-6
    assert sign_flip([1] * 1_100 + [-1] * 900) == pytest.approx(7.7e-6, rel=0.15)


def test_sign_flip_by_hand() -> None:
    # ±1 ±2 ±3: sums 6 4 2 0 0 -2 -4 -6; as far as 4 (1 less, 3 and 2 more): ±6, ±4, four of eight
    assert sign_flip([-1.0, 2.0, 3.0]) == 0.5
    assert sign_flip([1.0, 2.0, 3.0]) == 0.25
    assert sign_flip([0.0, 1.0, 2.0, 3.0, 0.0]) == 0.25  # what is equal says nothing
    assert sign_flip([0.0, 0.0]) == 1


def test_sums_equal_on_paper_count_as_far() -> None:
    # 0.1 + 0.2 - 0.3 is 0 on paper and 5.6e-17 here: every way is as far
    assert sign_flip([0.1, 0.2, -0.3]) == 1


def test_chance_comes_near_the_exact_value() -> None:
    few = np.random.default_rng(2).normal(0.4, 1, EXACT).tolist()
    exact = sign_flip(few)
    # One more value too small to matter, and the draws begin
    drawn = sign_flip([*few, 1e-13], resamples=20_000)
    assert drawn != exact
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 20_000))


def test_p_is_never_zero() -> None:
    assert sign_flip([1.0 + number / 100 for number in range(60)], resamples=999) == 1 / 1_000


def test_p_is_uniform_where_there_is_no_difference() -> None:
    generator = np.random.default_rng(7)
    found = np.array([sign_flip(generator.normal(0, 1, 30).tolist(), seed, 400) for seed in range(400)])
    for share in (0.05, 0.25, 0.5, 0.75):  # four standard errors of a share of 400
        assert np.mean(found <= share) == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 400))


def test_paired_by_hand() -> None:
    found = paired([0.9, 0.8, 0.7], [0.4, 0.5, 0.5])  # 0.5, 0.3, 0.2, all one way: p = 2/8
    assert found.difference == pytest.approx(1 / 3)
    assert found.p == 0.25
    assert found.n == 3
    # All three the smallest, or the largest: a chance of 1/27 each, more than 2.5 %
    assert (found.low, found.high) == (pytest.approx(0.2), pytest.approx(0.5))


def test_a_system_against_itself() -> None:
    found = paired([0.1, 0.5, 1.0], [0.1, 0.5, 1.0])
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_swapping_turns_the_sign() -> None:
    generator = np.random.default_rng(3)
    a, b = generator.random(50).tolist(), generator.random(50).tolist()
    one, other = paired(a, b), paired(b, a)
    assert one.difference == pytest.approx(-other.difference)
    assert one.p == pytest.approx(other.p, abs=0.02)


def test_whole_clusters_are_flipped() -> None:
    a, b, clusters = [1.0] * 30, [0.0] * 30, [name for name in "abc" for _ in range(10)]
    assert paired(a, b).p == pytest.approx(2 / 2**30, rel=1e-12)
    assert paired(a, b, clusters).p == pytest.approx(2 / 2**3, rel=1e-12)
    assert paired(a, b, clusters).n == 30


def test_halves_of_pairs_are_refused() -> None:
    with pytest.raises(MeasurementError, match="2 and 1"):
        paired([0.1, 0.2], [0.1])
    with pytest.raises(MeasurementError, match="at least one"):
        paired([], [])


def test_abstention_by_hand() -> None:
    # Four without an answer, abstained from three; six with one, abstained from one
    questions = [(True, False)] * 3 + [(False, False)] + [(True, True)] + [(False, True)] * 5
    assert abstention(iter(questions)) == Abstention(precision=wilson(3, 4), recall=wilson(3, 4), false=wilson(1, 6))


def test_nothing_to_take_a_share_of() -> None:
    assert abstention([]) == Abstention(None, None, None)
    assert abstention([(False, True)]) == Abstention(None, None, wilson(0, 1))
    assert abstention([(False, False)]) == Abstention(None, wilson(0, 1), None)
