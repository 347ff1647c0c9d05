"""Logistic regression with an L2 penalty, fitted by Newton's method: NumPy only, the same result each time.

    minimise   sum_i v_i log(1 + exp(-s_i (b + x_i . w)))  +  |w|^2 / 2 * PENALTY,        s_i = +1 or -1

over standardised features x (mean 0, population std 1; a feature that never varies counts as 0). The intercept b
bears no penalty, so that the mean probability is the share of positives. v_i is what a row counts for, 1 by default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsvc_learners.fitted import LogisticModel, sigmoid
from memsvc_store.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]
    Labels = NDArray[np.bool_]

PENALTY = 1.0

_STEPS = 100
_PRECISE = 1e-10
"""Gradient at which the optimum is reached; Newton is there in 5 to 8 steps."""


def fit(features: Values, positive: Labels, penalty: float = PENALTY, counts: Values | None = None) -> LogisticModel:
    """The model that minimises the penalised loss; `features` of shape `(n, features)`, `positive` `(n,)`.

    `counts` says what each row counts for, shape `(n,)`.

    Raises:
        InvalidInput: only positives or only negatives came, or features that are not finite.
    """
    if not np.isfinite(features).all():
        raise InvalidInput("a feature is not finite; leave such rows out")
    if positive.all() or not positive.any():
        raise InvalidInput(f"{len(positive)} rows of one kind came; a model needs positives and negatives")
    centre, spread = features.mean(axis=0), features.std(axis=0)
    scale = np.where(spread > 1e-12, spread, 1.0)
    centred = np.where(spread > 1e-12, (features - centre) / scale, 0.0)
    counts = np.ones(len(features)) if counts is None else counts
    solution = _newton(np.column_stack([np.ones(len(features)), centred]), positive, counts, penalty)
    intercept, *weights = solution.tolist()
    return LogisticModel(tuple(centre.tolist()), tuple(scale.tolist()), tuple(weights), intercept)


def out_of_fold(features: Values, positive: Labels, folds: int = 5, seed: int = 0) -> Values:
    """Each row's probability by a model that was fitted without it, shape `(n,)`.

    Rows are dealt to folds at random, positives and negatives apart, so that every fold has its share of both.

    Raises:
        InvalidInput: fewer than two positives or two negatives, or features that are not finite.
    """
    fewest = int(min(positive.sum(), (~positive).sum()))
    if fewest < 2:
        raise InvalidInput(f"{fewest} rows of the rarer kind came; cross-validation needs at least 2")
    fold = _dealt(positive, min(folds, fewest), seed)
    held_out = np.empty(len(positive))
    for number in range(int(fold.max()) + 1):
        inside = fold == number
        held_out[inside] = fit(features[~inside], positive[~inside]).probability(features[inside])
    return held_out


def _newton(design: Values, positive: Labels, counts: Values, penalty: float) -> Values:
    """The optimum, the intercept first. The loss is convex, so that halved steps that lower it always arrive."""
    ridge = np.full(design.shape[1], penalty)
    ridge[0] = 0.0
    target = positive.astype(np.float64)
    solution = np.zeros(design.shape[1])
    loss = _loss(design, target, counts, ridge, solution)
    for _ in range(_STEPS):
        likely = sigmoid(design @ solution)
        gradient = design.T @ (counts * (likely - target)) + ridge * solution
        if np.abs(gradient).max() < _PRECISE * len(design):
            break
        curvature = (design.T * (counts * likely * (1.0 - likely))) @ design + np.diag(ridge)
        step = np.linalg.solve(curvature, gradient)
        while (shorter := _loss(design, target, counts, ridge, solution - step)) > loss * (1.0 + 1e-12):
            step /= 2.0
        solution, loss = solution - step, shorter
    return solution


def _loss(design: Values, target: Values, counts: Values, ridge: Values, solution: Values) -> float:
    logits = design @ solution
    return float((counts * (np.logaddexp(0.0, logits) - target * logits)).sum() + (ridge * solution**2).sum() / 2.0)


def _dealt(positive: Labels, folds: int, seed: int) -> NDArray[np.int64]:
    """Which fold each row belongs to."""
    random = np.random.default_rng(seed)
    fold = np.empty(len(positive), np.int64)
    for kind in (True, False):
        rows = random.permutation(np.flatnonzero(positive == kind))
        fold[rows] = np.arange(len(rows)) % folds
    return fold
