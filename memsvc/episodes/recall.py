"""`search_episodes`: two-phase retrieval (MemRL, section 4.2), its threshold, and its trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from memsvc import checks
from memsvc.checks import checked_share
from memsvc.contract.options import EpisodeOptions, own
from memsvc.episodes.found import EpisodeHit, Episodes
from memsvc.errors import InvalidFilter, InvalidInput
from memsvc.lookup.filters import current, parse_filters
from memsvc.lookup.lookup import TwoPhase
from memsvc_learners.calibration import pairwise_cosines, threshold
from memsvc_store.errors import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from memsvc.lookup.lookup import Lookup
    from memsvc.lookup.traces import Tracer
    from memsvc.settings import Settings
    from memsvc.times import Times
    from memsvc_store.store import Store

TOP_K, POOL = 5, 10
"""k2 and k1 (MemRL, Tables 7-9)."""

THRESHOLD = "episode_threshold"
"""The name under which a calibrated threshold is kept."""


_OWN = own(EpisodeOptions)


class Recall:
    """Finds episodes."""

    def __init__(
        self, settings: Settings, store: Store, lookup: Lookup, tracer: Tracer, times: Callable[[], Times]
    ) -> None:
        self._settings, self._store, self._lookup, self._tracer = settings, store, lookup, tracer
        self._times = times

    def find(self, intent: str, namespace: str, options: EpisodeOptions) -> Episodes:
        """The episodes for an intent; see `Memory.search_episodes`."""
        namespace = checks.checked_namespace(namespace)
        checks.checked_query(intent, "intent")
        for name in ("kind", "role"):
            if options.get(name) is not None:
                raise InvalidFilter(
                    f"{name} came as {shown(options[name])}, and only episodes are looked up; leave it out"
                )
        mine: dict[str, Any] = {name: value for name, value in options.items() if name in _OWN and value is not None}
        filters = {name: value for name, value in options.items() if name not in _OWN}
        times = self._times()
        wanted = current(parse_filters(filters, times, also=_OWN), times.now)
        how = self._how(namespace, mine)
        found = self._lookup.episodes(namespace, intent, wanted, how, _random(mine.get("seed"), how.epsilon))
        ids = [found.pool[place].memory_id for place, _, _ in found.chosen]
        episodes = {episode.id: episode for episode in self._store.episodes(namespace, ids)} if ids else {}
        hits = tuple(
            EpisodeHit(episodes[found.pool[place].memory_id], rank, found.pool[place].similarity, score, blend)
            for rank, (place, blend, score) in enumerate(found.chosen, 1)
            if found.pool[place].memory_id in episodes  # not deleted meanwhile
        )
        trace_id = self._tracer.keep(
            namespace, "episodes", intent, used=[hit.id for hit in hits], pool=found.pool, weight=how.weight,
            document={"threshold": how.threshold, "top_k": how.top_k, "epsilon": how.epsilon,
                      "explored": found.explored, "probability": found.probability},
        )  # fmt: skip
        return Episodes(hits, trace_id, how.threshold, how.weight, found.explored)

    def calibrate(self, namespace: str) -> float:
        """Work out the threshold of a namespace and keep it: the cosine that one pair of intents in five exceeds.

        Each intent counts once: pairs of repeats would raise it to 1, which not even the intent itself exceeds.
        """
        vectors = np.unique(self._lookup.intents(namespace), axis=0)
        if len(vectors) < 2:
            raise InvalidInput(
                f"namespace {namespace!r} has {len(vectors)} different embedded intents, and a threshold takes at "
                "least 2; add episodes first"
            )
        found = threshold(pairwise_cosines(vectors, seed=0))
        self._store.learning.set_calibration(namespace, THRESHOLD, {"model": self._store.model, "threshold": found})
        return found

    def _how(self, namespace: str, own: dict[str, Any]) -> TwoPhase:
        pool, top_k = _sizes(own.get("pool"), own.get("top_k"))
        given = own.get("threshold")
        return TwoPhase(
            pool=pool,
            top_k=top_k,
            threshold=self._calibrated(namespace)
            if given is None
            else checks.checked_share("threshold", given, least=-1),
            weight=checks.checked_share("weight", own.get("weight", self._settings.episode_weight)),
            epsilon=checked_share("epsilon", own.get("epsilon", 0.0)),
        )

    def _calibrated(self, namespace: str) -> float | None:
        """What was calibrated for the model in use."""
        found = self._store.learning.calibration(namespace, THRESHOLD)
        return None if found is None or found["model"] != self._store.model else float(found["threshold"])


def _sizes(pool: int | None, top_k: int | None) -> tuple[int, int]:
    """k1 and k2; one that is not given gives way to the other."""
    for name, value in (("pool", pool), ("top_k", top_k)):
        if value is not None:
            checks.checked_count(name, value, least=1)
    if pool is not None and top_k is not None and pool < top_k:
        raise InvalidInput(f"pool came as {pool} and top_k as {top_k}; the pool is what is chosen from: make it larger")
    return pool or max(POOL, top_k or 0), top_k or min(TOP_K, pool or TOP_K)


def _random(seed: object, epsilon: float) -> np.random.Generator | None:
    if seed is not None:
        return np.random.default_rng(checks.checked_count("seed", seed, least=0))
    return np.random.default_rng() if epsilon else None
