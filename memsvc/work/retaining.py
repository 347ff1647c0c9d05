"""Keeping the fast index small: the memories most worth keeping stay hot, the rest turn cold. Nothing is deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memsvc_learners.retention import cold_ones, retention
from memsvc_store.values.document import Value
from memsvc_store.values.hits import Filter

if TYPE_CHECKING:
    from datetime import datetime

    from memsvc_store.store import Store

WEIGHED = Filter(kind=("message", "fact"))
"""Episodes stay hot: deliberation, which reads cold memories and warms those of use, is not for them."""

LATEST = 10_000
"""Look-ups whose uses are counted, the latest ones: reading them takes 0.2 s, and 100,000 took 1.8 s on each burst of
writes."""

_ALL = 1 << 40


@dataclass(frozen=True, slots=True)
class Retained(Value):
    """What `retain` did: how many messages and facts are hot now, and which memories turned cold and warm."""

    hot: int
    cooled: tuple[str, ...]
    warmed: tuple[str, ...]


def retain(store: Store, namespace: str, budget: int, now: datetime) -> Retained:
    """Keep the `budget` messages and facts with the highest retention hot.

    What is written while they are weighed is left as it is.

    Raises:
        NotFound: no such namespace.
    """
    since = store.version(namespace)
    scores = _scores(store, namespace, now)
    cold = cold_ones(scores, budget)
    cooled, warmed = store.retain(namespace, cold, since=since)
    return Retained(len(scores) - len(cold), tuple(cooled), tuple(warmed))


def _scores(store: Store, namespace: str, now: datetime) -> dict[str, float]:
    uses, worth = store.learning.uses(namespace, LATEST), store.learning.utilities(namespace)
    return {
        one.id: retention(worth[one.id].q if one.id in worth else 0.0, one.created_at, uses.get(one.id, ()), now)
        for one in store.page(namespace, WEIGHED, limit=_ALL)
        if one.echo_of is None  # no look-up has a place for it
    }
