"""Off-policy estimates by hand, and against the policies that they stand for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from memsvc_learners.offpolicy import Logged, doubly_robust, snips
from memsvc_store.errors import InvalidInput

LOG = [Logged(0.5, 1.0, 1.0), Logged(0.25, 0.0, 0.5), Logged(0.8, 1.0, 0.0), Logged(0.5, -1.0, 0.5)]


def test_snips_by_hand() -> None:
    # weights 2, 2, 0, 1
    found = snips(LOG)
    assert found.value == pytest.approx((2 * 1 + 2 * 0 + 1 * -1) / 5)
    assert found.effective == pytest.approx(25 / 9)
    terms = [2 * (1 - 0.2), 2 * (0 - 0.2), 0.0, 1 * (-1 - 0.2)]
    reach = 1.959963984540054 * math.sqrt(sum(term**2 for term in terms)) / 5
    assert (found.low, found.high) == (pytest.approx(0.2 - reach), pytest.approx(0.2 + reach))


def test_doubly_robust_by_hand() -> None:
    log = [
        Logged(0.5, 1.0, 1.0, expected=0.5, target_expected=0.6),
        Logged(0.5, 0.0, 0.5, expected=0.5, target_expected=0.2),
    ]
    # weights 2 and 1, errors 0.5 and -0.5
    found = doubly_robust(log)
    correction = (2 * 0.5 + 1 * -0.5) / 3
    assert found.value == pytest.approx(0.4 + correction)
    terms = [0.2 + 2 / 1.5 * (0.5 - correction), -0.2 + 1 / 1.5 * (-0.5 - correction)]
    reach = 1.959963984540054 * math.sqrt(sum(term**2 for term in terms)) / 2
    assert found.high - found.value == pytest.approx(reach)


def test_without_a_model_the_two_agree() -> None:
    assert doubly_robust(LOG) == snips(LOG)


def test_a_policy_judged_by_its_own_log_gets_the_mean_reward() -> None:
    rewards = np.random.default_rng(1).random(50)
    log = [Logged(probability, reward, probability) for probability, reward in zip([0.3, 0.7] * 25, rewards)]  # noqa: B905
    assert snips(log).value == pytest.approx(rewards.mean())
    assert snips(log).effective == pytest.approx(50)


def simulated(random: np.random.Generator, count: int) -> list[Logged]:
    """Two arms worth 0.2 and 0.7; the log takes the first nine times in ten, the policy in question never does."""
    log = []
    for _ in range(count):
        first = random.random() < 0.9
        reward = float(random.random() < (0.2 if first else 0.7))
        log.append(Logged(0.9 if first else 0.1, reward, 0.0 if first else 1.0, 0.2 if first else 0.6, 0.6))
    return log


@pytest.mark.parametrize("estimate", [snips, doubly_robust])
def test_intervals_hold_the_truth_about_as_often_as_they_say(estimate: object) -> None:
    random = np.random.default_rng(7)
    found = [estimate(simulated(random, 300)) for _ in range(200)]  # type: ignore[operator]
    assert np.mean([one.value for one in found]) == pytest.approx(0.7, abs=0.02)
    assert 0.88 <= np.mean([one.low <= 0.7 <= one.high for one in found]) <= 0.99


@pytest.mark.parametrize("estimate", [snips, doubly_robust])
def test_what_cannot_be_estimated_is_refused(estimate: object) -> None:
    for log, said in [
        ([], "0 rewarded choices"),
        (LOG[:1], "1 rewarded choices"),
        ([Logged(0.5, 1.0, 0.0), Logged(0.5, 1.0, 0.0)], "not one of 2 logged choices"),
        ([*LOG, Logged(0.0, 1.0, 0.5)], r"made probability came as 0\.0"),
        ([*LOG, Logged(0.5, 1.0, 1.5)], r"target probability came as 1\.5"),
        ([*LOG, Logged(math.nan, 1.0, 0.5)], "made probability came as nan"),
    ]:
        with pytest.raises(InvalidInput, match=said):
            estimate(log)  # type: ignore[operator]
