"""The Q-value by hand, its bounds, and the cap for any sequence of rewards."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc_learners.qvalue import CAP, decide, moved
from memsvc_store.errors import InvalidInput
from memsvc_store.values.learned import Situation, Utility

NOW = datetime(2026, 11, 1, tzinfo=UTC)
REWARDS = st.floats(-1, 1)
RATES = st.floats(0, 1)


def situation(utility: Utility | None, reward: float, *, balance: float = 0.0, cap: float | None = CAP) -> Situation:
    return Situation("m1", utility, reward, 0.3, cap, balance, NOW)


def test_by_hand() -> None:
    assert moved(0.0, 1.0, alpha=0.3) == pytest.approx(0.3)
    assert moved(0.3, 1.0, alpha=0.3) == pytest.approx(0.51)
    assert moved(0.51, -1.0, alpha=0.3) == pytest.approx(0.057)


def test_after_n_equal_rewards_what_is_missing_has_shrunk_by_the_rate_each_time() -> None:
    q = 0.0
    for _ in range(12):
        q = moved(q, 0.8, alpha=0.3, cap=None)
    assert q == pytest.approx(0.8 * (1 - 0.7**12))


def test_what_is_left_of_the_cap_bounds_the_step_both_ways() -> None:
    assert moved(0.0, 1.0, alpha=0.3, cap=1.0, balance=0.9) == pytest.approx(0.1)
    assert moved(0.0, -1.0, alpha=0.3, cap=1.0, balance=-0.9) == pytest.approx(-0.1)
    assert moved(0.0, -1.0, alpha=0.3, cap=1.0, balance=0.9) == pytest.approx(-0.3)  # there is a way back
    assert moved(0.4, 1.0, alpha=0.3, cap=1.0, balance=1.0) == 0.4
    assert moved(0.4, 1.0, alpha=0.3, cap=1.0, balance=1.7) == 0.4  # the cap was lowered meanwhile
    assert moved(0.4, -1.0, alpha=0.3, cap=None, balance=1.7) == pytest.approx(-0.02)


@given(st.lists(REWARDS, max_size=60), RATES, st.floats(0, 3))
def test_no_sequence_of_rewards_exceeds_the_cap_or_the_bounds(rewards: list[float], alpha: float, cap: float) -> None:
    q, moves = 0.0, []
    for reward in rewards:
        after = moved(q, reward, alpha=alpha, cap=cap, balance=math.fsum(moves))
        moves.append(after - q)
        q = after
        assert -1.0 <= q <= 1.0
        assert abs(math.fsum(moves)) <= cap + 1e-12
        assert abs(q) <= cap + 1e-12


@given(REWARDS, REWARDS, RATES)
def test_a_step_goes_towards_the_reward_and_never_past_it(q: float, reward: float, alpha: float) -> None:
    after = moved(q, reward, alpha=alpha, cap=None)
    assert min(q, reward) - 1e-12 <= after <= max(q, reward) + 1e-12


@given(REWARDS, REWARDS)
def test_a_rate_of_0_learns_nothing_and_of_1_only_the_last(q: float, reward: float) -> None:
    assert moved(q, reward, alpha=0.0) == q
    assert moved(q, reward, alpha=1.0, cap=None) == pytest.approx(reward)


@pytest.mark.parametrize("reward", [1.01, -1.01, math.nan, math.inf])
def test_a_reward_out_of_bounds_is_refused(reward: float) -> None:
    with pytest.raises(InvalidInput, match=r"reward of .* from -1 to 1"):
        moved(0.0, reward)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, math.nan])
def test_a_rate_out_of_bounds_is_refused(alpha: float) -> None:
    with pytest.raises(InvalidInput, match="alpha"):
        moved(0.0, 1.0, alpha=alpha)


def test_the_first_feedback() -> None:
    assert decide(situation(None, 0.5)) == Utility(0.15, 1, 0.5, 0.5, NOW)


def test_the_next_feedback_counts_and_averages() -> None:
    known = Utility(q=0.2, visits=4, reward_average=0.5, last_reward=1.0, updated_at=NOW - timedelta(days=2))
    after = decide(situation(known, -0.5))
    assert after.q == pytest.approx(0.2 + 0.3 * -0.7)
    assert (after.visits, after.last_reward, after.updated_at) == (5, -0.5, NOW)
    assert after.reward_average == pytest.approx(0.5 + 0.3 * -1.0)


def test_a_source_that_has_worn_out_its_cap_is_counted_and_moves_nothing() -> None:
    known = Utility(0.2, 4, 0.2, 1.0, NOW)
    after = decide(situation(known, -1.0, balance=-CAP))
    assert (after.q, after.visits, after.last_reward) == (0.2, 5, -1.0)


@given(st.lists(st.tuples(REWARDS, st.floats(0, 1.5)), max_size=30))
def test_the_same_situations_give_the_same_bits(log: list[tuple[float, float]]) -> None:
    def run() -> Utility | None:
        utility = None
        for reward, balance in log:
            utility = decide(situation(utility, reward, balance=balance))
        return utility

    assert run() == run()
