"""The arithmetic of a look-up: pure functions on arrays, one entry a candidate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float32]

W_DENSE = 1.0
NEIGHBOUR = 0.2
W_LEXICAL = 0.1
W_WORDS = 0.5
W_SPEAKER = 0.4
W_DAY = 0.6
W_NEAR = 0.2
W_THINGS = 0.1
W_LENGTH = 0.25
HALF_LENGTH = 8.0
W_QUESTION = 0.15
"""Picked on the development conversations of LoCoMo and RealTalk together, one conversation left
out at a time; the same for every data set (docs/retrieval.md has the ablation)."""


def share(scores: Scores) -> Scores:
    """Scores as shares of the best: `max(x, 0) / max(x)`; zeros where none is above 0."""
    positive = np.maximum(scores, 0.0)
    best = positive.max(initial=0.0)
    return np.asarray(positive / best if best > 0 else positive, np.float32)


def prior(lengths: Scores, only_asks: NDArray[np.bool_]) -> Scores:
    """What holds for any question: an utterance of few content words, or one that only asks, rarely answers.

    `W_LENGTH * n / (n + HALF_LENGTH) - W_QUESTION * [only asks]`, n counting content words.
    """
    return np.asarray(W_LENGTH * lengths / (lengths + HALF_LENGTH) - W_QUESTION * only_asks, np.float32)


def best(scores: Scores, keys: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Places of the highest scores, best first; equal scores in the order of their keys.

    The order does not depend on how a shard came by its rows, so every process ranks alike. Scores
    count as equal from the sixth decimal on: sums in another order differ in the last bit.
    """
    order = np.lexsort((keys, -np.round(scores, 6)))
    return order[:count].astype(np.int64)
