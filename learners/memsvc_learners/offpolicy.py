"""What another way of choosing would have earned, estimated from the choices that were logged.

With p the probability with which the logged choice was made, t the one with which the other policy makes it,
w = t / p, r the reward, and m a model's guess of the reward (of the logged choice; M of what the policy chooses):

    snips = sum(w r) / sum(w)                                  (self-normalised importance sampling)
    dr    = mean(M) + sum(w (r - m)) / sum(w)                  (doubly robust, self-normalised)

`dr` is right if the model is, or if the probabilities are; `snips` needs the probabilities and scatters more. Both
need choices that the other policy could have made too: a log without any chance in it (epsilon 0) speaks for its own
policy only. Intervals are normal ones, 95 %, from the spread of each term about the estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsvc_store.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Values = NDArray[np.float64]

_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Logged:
    """One choice that was made and rewarded.

    `probability`: with which it was made, above 0. `target`: with which the policy in question makes the same one.
    `expected`, `target_expected`: a model's guess of the reward of this choice, and of what that policy chooses here.
    """

    probability: float
    reward: float
    target: float
    expected: float = 0.0
    target_expected: float = 0.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean reward with its 95 % interval. `effective`: how many fair samples the weighted log is worth."""

    value: float
    low: float
    high: float
    effective: float


def snips(log: Sequence[Logged]) -> Estimate:
    """The policy's mean reward by self-normalised importance sampling.

    Raises:
        InvalidInput: fewer than two choices, a probability outside (0, 1], or none that the policy could have made.
    """
    weights, rewards = _weights(log), _column(log, "reward")
    value = float(weights @ rewards / weights.sum())
    return _estimate(value, weights / weights.mean() * (rewards - value), weights)


def doubly_robust(log: Sequence[Logged]) -> Estimate:
    """The policy's mean reward by a model's guess, corrected by the log.

    Raises:
        InvalidInput: as `snips`.
    """
    weights, guesses = _weights(log), _column(log, "target_expected")
    errors = _column(log, "reward") - _column(log, "expected")
    correction = float(weights @ errors / weights.sum())
    terms = guesses - guesses.mean() + weights / weights.mean() * (errors - correction)
    return _estimate(float(guesses.mean()) + correction, terms, weights)


def _weights(log: Sequence[Logged]) -> Values:
    if len(log) < 2:
        raise InvalidInput(f"{len(log)} rewarded choices came; an estimate with an interval needs 2 or more")
    made, target = _column(log, "probability"), _column(log, "target")
    for name, values, least in (("made", made, np.finfo(np.float64).tiny), ("target", target, 0.0)):
        outside = values[~((values >= least) & (values <= 1.0))]
        if len(outside):
            raise InvalidInput(f"a {name} probability came as {outside[0]}; log the choice's own, at most 1")
    if not target.any():
        raise InvalidInput(
            f"not one of {len(log)} logged choices could have been made by this policy; log with an epsilon above 0"
        )
    return np.asarray(target / made, np.float64)


def _column(log: Sequence[Logged], name: str) -> Values:
    return np.array([getattr(one, name) for one in log], np.float64)


def _estimate(value: float, influence: Values, weights: Values) -> Estimate:
    """`influence`: what each logged choice adds to the estimate's error, mean 0."""
    reach = _Z95 * float(np.sqrt((influence**2).sum())) / len(influence)
    return Estimate(value, value - reach, value + reach, float(weights.sum() ** 2 / (weights**2).sum()))
