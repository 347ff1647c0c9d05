"""Keeping the fast index small: the memories most worth keeping stay hot, the rest turn cold. Nothing is deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memsvc_learners.retention import cold_ones, retention

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memsvc_store.shapes import Memory
    from memsvc_store.store import Store

_ALL = 1 << 40


@dataclass(frozen=True, slots=True)
class Retained:
    """What `retain` did: how many memories are hot now, and which turned cold and warm."""

    hot: int
    cooled: tuple[str, ...]
    warmed: tuple[str, ...]


def retain(store: Store, namespace: str, budget: int, now: datetime) -> Retained:
    """Keep the `budget` memories with the highest retention hot.

    Raises:
        NotFound: no such namespace.
    """
    store.require(namespace)
    memories = store.page(namespace, limit=_ALL)
    scores = _scores(store, namespace, memories, now)
    cold = cold_ones(scores, budget)
    cooled = store.cool(namespace, cold)
    warmed = store.warm(namespace, [one for one in scores if one not in set(cold)])
    return Retained(len(scores) - len(cold), tuple(cooled), tuple(warmed))


def _scores(store: Store, namespace: str, memories: Sequence[Memory], now: datetime) -> dict[str, float]:
    uses, worth = store.learning.uses(namespace), store.learning.utilities(namespace)
    return {
        one.id: retention(worth[one.id].q if one.id in worth else 0.0, one.created_at, uses.get(one.id, ()), now)
        for one in memories
    }
