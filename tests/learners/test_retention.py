"""The retention score by hand, and who stays within a budget."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc_learners.retention import HALF_LIFE, cold_ones, retention
from memsvc_store.errors import InvalidInput

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def test_by_hand() -> None:
    never_used = retention(0.0, ago(30), [], NOW)
    assert never_used == pytest.approx((0.5 + 0.5 + 0.0) / 3)
    # made 100 days ago, used after 40 and after 20 more: median gap 30 days, idle for 40
    overdue = retention(0.5, ago(100), [ago(60), ago(40)], NOW)
    assert overdue == pytest.approx((0.75 + 2 ** (-40 / 30) + 30 / 40) / 3)


def test_best_is_1_and_worst_is_near_0() -> None:
    assert retention(1.0, ago(1), [NOW], NOW) == pytest.approx(1.0)
    assert retention(-1.0, ago(3_000), [], NOW) == pytest.approx(0.0, abs=1e-9)


def test_a_memory_within_its_rhythm_outlives_one_that_has_lost_it() -> None:
    yearly = retention(0.0, ago(930), [ago(565), ago(200)], NOW)
    daily = retention(0.0, ago(930), [ago(200 + day) for day in range(40)], NOW)
    assert yearly > daily


def test_uses_of_one_minute_are_one_occasion() -> None:
    burst = [ago(0.5) + timedelta(seconds=second) for second in range(10)]
    assert retention(0.0, ago(0.5), burst, NOW) == pytest.approx((0.5 + 2 ** (-0.5 / 30) + 1.0) / 3, abs=1e-4)


def test_a_use_in_the_future_counts_as_now() -> None:
    assert retention(0.0, ago(2), [NOW + timedelta(days=9)], NOW) == retention(0.0, ago(2), [NOW], NOW)


@given(
    st.floats(-1, 1), st.floats(0, 5_000), st.lists(st.floats(0, 5_000), max_size=6), st.floats(0, 1_000)
)  # fmt: skip
def test_it_lies_in_0_to_1_whatever_the_order_of_uses_and_never_rises_by_waiting(
    q: float, made: float, used: list[float], wait: float
) -> None:
    uses = [ago(days) for days in used]
    score = retention(q, ago(made), uses, NOW)
    assert 0.0 <= score <= 1.0
    assert retention(q, ago(made), uses[::-1], NOW) == score
    assert retention(q, ago(made), uses, NOW + timedelta(days=wait)) <= score
    assert retention(min(1.0, q + 0.1), ago(made), uses, NOW) >= score


def test_half_of_the_freshness_is_gone_after_a_half_life() -> None:
    fresh, old = retention(-1.0, NOW, [], NOW), retention(-1.0, NOW - HALF_LIFE, [], NOW)
    assert old == pytest.approx(fresh / 2)


def test_the_lowest_beyond_the_budget_turn_cold_equals_by_id() -> None:
    scores = {"d": 0.5, "a": 0.9, "c": 0.5, "b": 0.1}
    assert cold_ones(scores, 1) == ["b", "c", "d"]
    assert cold_ones(scores, 2) == ["b", "c"]
    assert cold_ones(scores, 4) == cold_ones(scores, 9) == []
    assert cold_ones(scores, 0) == ["b", "c", "d", "a"]


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1)), st.integers(0, 20))
def test_no_cold_one_outranks_a_hot_one(scores: dict[str, float], budget: int) -> None:
    cold = set(cold_ones(scores, budget))
    hot = scores.keys() - cold
    assert len(hot) == min(budget, len(scores))
    assert max((scores[one] for one in cold), default=0.0) <= min((scores[one] for one in hot), default=1.0)


def test_a_negative_budget_is_refused() -> None:
    with pytest.raises(InvalidInput, match="-1"):
        cold_ones({}, -1)
