"""Which memories stay hot under a budget, and which turn cold: out of the fast index, never deleted.

    retention = ( (1 + Q) / 2  +  2^(-idle / HALF_LIFE)  +  due ) / 3,      in [0, 1]

    idle = time since the last use; since it was made, for a memory that was never used
    due  = interval / max(interval, idle), with interval the median time between uses, at least `SHORTEST`:
           1 until the usual next use is overdue, then falling; 0 for a memory that was never used

The three parts are what it was worth, how fresh it is, and whether it is still within its rhythm: a memory that
is needed every spring is not cold in autumn, and one that was looked up daily is once it has been left alone for weeks.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from memsvc_store.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

HALF_LIFE = timedelta(days=30)

SHORTEST = timedelta(days=1)
"""Shortest interval that counts: ten uses within a minute are one occasion, and say nothing of the next."""


def retention(q: float, created_at: datetime, uses: Sequence[datetime], now: datetime) -> float:
    """How much speaks for keeping a memory hot, in [0, 1]; the formula stands at the top.

    Args:
        q: its Q-value, in [-1, 1]; 0 if nothing was learned of it.
        uses: when it was given to a reader, in any order; the latest ones will do.
        now: nothing is idle for less than no time, so that a use in the future counts as now.
    """
    times = sorted(uses)
    idle = max(now - (times[-1] if times else created_at), timedelta(0))
    recency = float(2.0 ** -(idle / HALF_LIFE))
    return ((1.0 + q) / 2.0 + recency + _due([created_at, *times], idle)) / 3.0


def cold_ones(scores: Mapping[str, float], budget: int) -> list[str]:
    """The ids beyond the `budget` with the highest scores, lowest first; equal scores in the order of their ids.

    Raises:
        InvalidInput: a budget below 0.
    """
    if budget < 0:
        raise InvalidInput(f"a budget of {budget} hot memories came; give 0 or more")
    ranked = sorted(scores, key=lambda memory_id: (scores[memory_id], memory_id))
    return ranked[: max(0, len(ranked) - budget)]


def _due(times: Sequence[datetime], idle: timedelta) -> float:
    """How well the time since the last use fits the memory's rhythm; `times` begin with when it was made."""
    if len(times) == 1:
        return 0.0
    gaps = [(later - earlier) / SHORTEST for earlier, later in pairwise(times)]
    interval = max(median(gaps), 1.0) * SHORTEST
    return interval / max(interval, idle)
