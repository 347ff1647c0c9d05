"""Finding episodes by the likeness of their intents and by what they were worth (MemRL, Eq. 5-7).

An episode's vector is its intent's; words and hyperedges play no part here, so that the threshold is a cosine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memsvc_retrievers.fast.ranking import comparable, two_phase
from memsvc_store.projections import filtering
from memsvc_store.values.hits import NO_FILTER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memsvc_retrievers.fast.ranking import Choice
    from memsvc_store.projections.shard import Shard
    from memsvc_store.projections.vectors import Look
    from memsvc_store.values.hits import Filter

_LOOKED_AT = 200
"""Most similar episodes that are fetched at first; more where that ends among equals."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which episodes were considered and which were chosen.

    `rows`, `similarity` (cosine) and `q` have one entry a place of the pool, most similar first, and so do the
    arrays of `choice`.
    """

    rows: NDArray[np.int64]
    similarity: NDArray[np.float64]
    q: NDArray[np.float64]
    choice: Choice

    @property
    def chosen(self) -> NDArray[np.int64]:
        """The rows that were chosen, best first."""
        return self.rows[self.choice.order]


def find_episodes(
    shard: Shard,
    vector: NDArray[np.float32],
    *,
    k1: int,
    k2: int,
    threshold: float | None,
    weight: float,
    epsilon: float = 0.0,
    random: np.random.Generator | None = None,
    wanted: Filter = NO_FILTER,
) -> Selection:
    """The k2 episodes to give to the reader, of the k1 whose intents are most alike; none if none is alike enough.

    Args:
        shard: one namespace's projections; the caller holds its lock.
        vector: the embedded intent, unit length, shape `(dimension,)`.
        threshold, weight, epsilon, random: see `ranking.two_phase`.
        wanted: a filter beside the kind, which is `episode` whatever it says.

    Raises:
        InvalidInput: a weight or an epsilon outside [0, 1], or an epsilon without a source of randomness.
    """
    mask = filtering.mask(shard, replace(wanted, kind=("episode",)))
    look = _nearest(shard, vector, k1, filtering.embedded(shard, mask))
    q, keys = shard.q.values[look.rows], shard.keys.values[look.rows]
    choice = two_phase(
        look.scores, q, keys,
        threshold=threshold, k1=k1, k2=k2, weight=weight, epsilon=epsilon, random=random,
    )  # fmt: skip
    similarity = np.asarray(look.scores[choice.pool], np.float64)
    return Selection(look.rows[choice.pool], similarity, q[choice.pool], choice)


def _nearest(shard: Shard, vector: NDArray[np.float32], k1: int, allowed: NDArray[np.bool_] | None) -> Look:
    """The k1 most similar, and all that are as similar as the last of them: the index leaves out the newest of equals.

    It is asked anew for four times as many while it ends among them.
    """
    wanted = max(_LOOKED_AT, k1)
    while True:
        look = shard.vectors.search(vector, wanted, allowed)
        scores = comparable(look.scores)
        if len(scores) < wanted or scores[-1] < scores[k1 - 1]:
            return look
        wanted *= 4
