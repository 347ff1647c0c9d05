"""Numbers that are read off the data in use instead of taken from a paper.

Two of them: the cosine from which two intents count as alike, and the risk from which the gate escalates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsvc_learners import logistic
from memsvc_learners.fitted import Calibration
from memsvc_store.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]
    Labels = NDArray[np.bool_]

ALIKE = 0.8
"""Quantile of pairwise cosines: a fifth of all pairs pass, as in MemRL's thresholds (Tables 7-9)."""

SAMPLED = 2_000
"""Intents that are compared with each other at most: two million pairs, whose quantile no longer moves."""

LEAST_OUTCOMES = 50
LEAST_OF_A_KIND = 10
"""Below these a fitted gate would be noise: ten failures give a share of caught ones to within 30 points."""


def pairwise_cosines(vectors: NDArray[np.float32], seed: int = 0) -> NDArray[np.float32]:
    """The cosine of each pair of unit vectors, shape `(n, dimension)`; of a seeded sample beyond `SAMPLED`."""
    if len(vectors) > SAMPLED:
        vectors = vectors[np.sort(np.random.default_rng(seed).choice(len(vectors), SAMPLED, replace=False))]
    first, second = np.triu_indices(len(vectors), k=1)
    return np.asarray((vectors @ vectors.T)[first, second], np.float32)


def threshold(cosines: NDArray[np.floating]) -> float:
    """The cosine that a fifth of the pairs exceed: the 80th percentile, interpolated.

    Raises:
        InvalidInput: no pair came.
    """
    if not len(cosines):
        raise InvalidInput("no pair of intents came; store at least two episodes with different intents")
    return float(np.quantile(np.asarray(cosines, np.float64), ALIKE))


def pick(risks: Values, budget: float) -> float:
    """The threshold at which at most a share `budget` of the risks lies above it, and as many as that allows.

    It lies halfway to the next risk above it, or to 1: one row's risk differs in the last bit from the same row's
    among others, and at the risk itself, where many rows share it, the last bit would decide for all of them.

    Raises:
        InvalidInput: no risk, or a budget outside [0, 1].
    """
    if not 0.0 <= budget <= 1.0:
        raise InvalidInput(f"a budget of {budget} came; give the share of questions to escalate, from 0 to 1")
    if not len(risks):
        raise InvalidInput("no risk came; a threshold needs logged verdicts")
    allowed = int(np.floor(budget * len(risks) + 1e-9))
    if allowed >= len(risks):
        return 0.0
    highest_below = np.sort(risks)[::-1][allowed]
    return float(highest_below + risks[risks > highest_below].min(initial=1.0)) / 2.0


@dataclass(frozen=True, slots=True)
class Observations:
    """What was logged of the gate: one row a judged draft.

    `features`: shape `(n, features)`. `known`: whether the draft's outcome is known, `failed`: whether it was bad,
    both `(n,)`; where it is not known, `failed` says nothing. `forced`: further questions, that escalate whatever a
    model says.
    """

    features: Values
    known: Labels
    failed: Labels
    forced: int = 0


def calibrate(seen: Observations, budget: float, seed: int = 0) -> Calibration:
    """Fit the risk of a fast answer and pick the threshold that keeps to a share of escalations.

    The threshold is picked over all questions, not only those whose outcome is known: drafts that the gate let pass
    are known far more often, and a rate that held for them alone would not hold for what comes next. It is picked on
    the risks that this very model gives: those of models fitted to parts lie elsewhere, and where one verdict of two
    values decided, a budget of 0.25 on them came out as a rate of 0.30.

    Raises:
        InvalidInput: a budget outside [0, 1], or too few outcomes, with the counts.
    """
    failed = seen.failed[seen.known]
    _check_enough(int((~failed).sum()), int(failed.sum()))
    model = logistic.fit(seen.features[seen.known], failed)
    risks = model.probability(seen.features)
    limit = pick(np.concatenate([risks, np.ones(seen.forced)]), budget)
    escalated = logistic.out_of_fold(seen.features[seen.known], failed, seed=seed) > limit
    return Calibration(
        model, limit, budget,
        escalation_rate=(int((risks > limit).sum()) + seen.forced) / (len(risks) + seen.forced),
        outcomes=len(failed),
        caught=int((failed & escalated).sum()), missed=int((failed & ~escalated).sum()),
        spared=int((~failed & ~escalated).sum()), wasted=int((~failed & escalated).sum()),
    )  # fmt: skip


def _check_enough(good: int, bad: int) -> None:
    if good + bad < LEAST_OUTCOMES or min(good, bad) < LEAST_OF_A_KIND:
        raise InvalidInput(
            f"{good + bad} fast answers with a reward came, {good} good and {bad} bad; a gate is fitted to at least "
            f"{LEAST_OUTCOMES}, with {LEAST_OF_A_KIND} of each: ask with the quality gate and give feedback on answers"
        )
