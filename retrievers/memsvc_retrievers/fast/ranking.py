"""The arithmetic of a look-up: pure functions on arrays, one entry a candidate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsvc_store.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Keys = NDArray[np.int64]
    Places = NDArray[np.int64]
    Scores = NDArray[np.float32]
    Values = NDArray[np.float64]

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

W_ASSISTANT = 0.3
"""Picked on BEAM's chats, the only ones with an assistant. Of the first 50 hits of a question 9 % of the user's
messages are evidence and 1 % of the assistant's, which are long, many, and say again what was asked."""


def share(scores: Scores) -> Scores:
    """Scores as shares of the best: `max(x, 0) / max(x)`; zeros where none is above 0."""
    positive = np.maximum(scores, 0.0)
    best = positive.max(initial=0.0)
    return np.asarray(positive / best if best > 0 else positive, np.float32)


def prior(lengths: Scores, only_asks: NDArray[np.bool_], assistant: NDArray[np.bool_]) -> Scores:
    """What holds for any question: an utterance of few content words, one that only asks, or an assistant's own words
    rarely answer.

    `W_LENGTH * n / (n + HALF_LENGTH) - W_QUESTION * [only asks] - W_ASSISTANT * [assistant's]`, n counting content
    words.
    """
    own = W_QUESTION * only_asks + W_ASSISTANT * assistant
    return np.asarray(W_LENGTH * lengths / (lengths + HALF_LENGTH) - own, np.float32)


def best(scores: NDArray[np.floating], keys: Keys, count: int) -> Places:
    """Places of the highest scores, best first; equal scores in the order of their keys.

    The order does not depend on how a shard came by its rows, so every process ranks alike. Scores
    count as equal from the sixth decimal on: sums in another order differ in the last bit.
    """
    order = np.lexsort((keys, -np.round(scores, 6)))
    return order[:count].astype(np.int64)


def comparable(cosines: NDArray[np.floating]) -> Values:
    """Cosines to the sixth decimal: sums in another order differ in the last bit, and every process ranks alike."""
    return np.asarray(np.round(cosines.astype(np.float64), 6), np.float64)


# -- learned utility (MemRL, Eq. 5-7) -------------------------------------------------------------------

CLAMP = 3.0
"""Standard deviations that a z-score counts for at most, as in MemRL's released code."""

_NO_SPREAD = 1e-9
"""Values that differ by less are equal: 0.1 three times has a standard deviation of 1e-17, and z-scores of 1."""


def zscores(values: Values, clamp: float = CLAMP) -> Values:
    """`(x - mean) / std`, population std, cut at `clamp` on both sides; all 0 where the values do not differ."""
    if not len(values) or values.max() - values.min() < _NO_SPREAD:
        return np.zeros(len(values))
    return np.asarray(np.clip((values - values.mean()) / values.std(), -clamp, clamp), np.float64)


@dataclass(frozen=True, slots=True)
class Choice:
    """What two-phase selection chose, and what it chose from.

    `pool` holds places in the arrays that came in, most similar first, shape `(n,)`; so do `z_similarity`, `z_q`
    and `score`, one entry a place of the pool. `order` holds places in `pool`, best first, at most k2.
    `chances`: how likely each place of the pool is to be chosen; `probability`: that just this set is. Both are
    below 1 only where chance had a part.
    """

    pool: Places
    order: Places
    z_similarity: Values
    z_q: Values
    score: Values
    chances: Values
    probability: float


def two_phase(
    similarity: NDArray[np.floating],
    q: Values,
    keys: Keys,
    *,
    threshold: float | None,
    k1: int,
    k2: int,
    weight: float,
    epsilon: float = 0.0,
    random: np.random.Generator | None = None,
) -> Choice:
    """MemRL's selection (Eq. 5-7): what is similar enough, then what has helped.

        A: keep similarity > threshold, the k1 most similar of them        (None: keep all)
        B: score = (1 - weight) * z(similarity) + weight * z(Q), z within the pool; the k2 best

    With probability `epsilon` the k2 are drawn from the pool at random, which lets memories show what they are
    worth and lets the log speak for other policies. Of equally similar ones (`comparable`) the most useful come into
    the pool, then the newest: else repeats of one task would keep its first attempts there for ever.

    Raises:
        InvalidInput: a weight or an epsilon outside [0, 1], or an epsilon without a source of randomness.
    """
    _check_share("weight", weight)
    _check_share("epsilon", epsilon)
    rounded = comparable(similarity)
    kept = np.arange(len(rounded)) if threshold is None else np.flatnonzero(rounded > threshold)
    pool = kept[np.lexsort((-keys[kept], -q[kept], -rounded[kept]))][:k1].astype(np.int64)
    z_similarity, z_q = zscores(rounded[pool]), zscores(q[pool])
    score = (1.0 - weight) * z_similarity + weight * z_q
    ranked = np.argsort(-score, kind="stable")
    chances = np.full(len(pool), epsilon * min(1.0, k2 / max(1, len(pool))))
    chances[ranked[:k2]] += 1.0 - epsilon
    chosen, probability = _explore(ranked, k2, epsilon, random)
    return Choice(pool, chosen.astype(np.int64), z_similarity, z_q, score, chances, probability)


def learned_share(scores: Values, z_q: Values, weight: float) -> Values:
    """What learned utility adds to each score of a pool, so that the sums rank as two-phase selection does.

        weight / (1 - weight) * std(scores) * z_q

    is `(1 - weight) * z(score) + weight * z(Q)` up to a factor and a constant of the pool, so that parts still add up.
    Scores are not clamped: what stands far above the rest keeps its lead. Where they do not differ, Q alone decides.

    Raises:
        InvalidInput: a weight outside [0, 1).
    """
    _check_share("weight", weight)
    if weight == 1.0:
        raise InvalidInput("a weight of 1 came; a look-up needs some likeness to the question: give less than 1")
    spread = float(scores.std()) if np.ptp(scores) >= _NO_SPREAD else 1.0
    return np.asarray(weight / (1.0 - weight) * spread * z_q, np.float64)


def _explore(ranked: Places, k2: int, epsilon: float, random: np.random.Generator | None) -> tuple[Places, float]:
    """The first k2, or with probability epsilon any k2 of them in the order of their rank; how likely the set was."""
    if epsilon == 0.0 or len(ranked) <= k2:
        return ranked[:k2], 1.0
    if random is None:
        raise InvalidInput(f"an epsilon of {epsilon} came without a source of randomness; give a seed")
    drawn = np.arange(k2)
    if random.random() < epsilon:
        drawn = np.sort(random.choice(len(ranked), k2, replace=False))
    by_chance = epsilon / math.comb(len(ranked), k2)
    greedy = 1.0 - epsilon if int(drawn[-1]) == k2 - 1 else 0.0
    return ranked[drawn], greedy + by_chance


def _check_share(name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise InvalidInput(f"{name} came as {value}; give a number from 0 to 1")
