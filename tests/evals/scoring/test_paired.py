from __future__ import annotations

import math

import numpy as np
import pytest

from memsvc_evals import MeasurementError
from memsvc_evals.scoring.paired import EXACT, differences, mcnemar, paired, sign_flip


def test_mcnemar_by_hand() -> None:
    # 1 question for a, 5 for b: 2 · (C(6,0) + C(6,1)) / 2^6 = 14/64
    a, b = [1, 0, 0, 0, 0, 0, 1, 1], [0, 1, 1, 1, 1, 1, 1, 1]
    assert mcnemar(a, b) == mcnemar(b, a) == 14 / 64
    assert mcnemar([1, 0], [0, 1]) == 1
    assert mcnemar([1, 1], [1, 1]) == 1
    assert mcnemar([1] * 10, [0] * 10) == 2 / 2**10


def test_mcnemar_of_thousands() -> None:
    # chi² without correction: (1100 - 900)² / 2000 = 20, p = 7.7e-6
    assert mcnemar([1] * 1_100 + [0] * 900, [0] * 1_100 + [1] * 900) == pytest.approx(7.7e-6, rel=0.15)


def test_mcnemar_wants_zeros_and_ones() -> None:
    with pytest.raises(MeasurementError, match=r"a score of 0\.5; wanted 0 and 1"):
        mcnemar([0.5, 1], [0, 1])


def test_sign_flip_by_hand() -> None:
    # ±1 ±2 ±3: sums 6 4 2 0 0 -2 -4 -6; as far as 4 (1 less, 3 and 2 more): ±6, ±4, four of eight
    assert sign_flip([-1.0, 2.0, 3.0]) == 0.5
    assert sign_flip([1.0, 2.0, 3.0]) == 0.25
    assert sign_flip([0.0, 1.0, 2.0, 3.0, 0.0]) == 0.25  # what is equal says nothing
    assert sign_flip([0.0, 0.0]) == 1


def test_sums_equal_on_paper_count_as_far() -> None:
    # 0.1 + 0.2 - 0.3 is 0 on paper and 5.6e-17 here: every way is as far
    assert sign_flip([0.1, 0.2, -0.3]) == 1


def test_sign_flip_of_zeros_and_ones_is_mcnemars() -> None:
    generator = np.random.default_rng(5)
    a, b = (generator.integers(0, 2, 40).tolist() for _ in range(2))
    assert sign_flip(differences(a, b)) == mcnemar(a, b)


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
    assert paired(a, b).p == 2 / 2**30
    assert paired(a, b, clusters).p == 2 / 2**3
    assert paired(a, b, clusters).n == 30


def test_halves_of_pairs_are_refused() -> None:
    with pytest.raises(MeasurementError, match="2 and 1"):
        paired([0.1, 0.2], [0.1])
    with pytest.raises(MeasurementError, match="at least one"):
        paired([], [])
