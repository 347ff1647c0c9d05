"""What deliberation looks up: the whole log of a namespace, cold messages too, as the slow processes ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsvc_retrievers.choices import POOL
from memsvc_retrievers.deliberation.working_memory import Probe
from memsvc_retrievers.fast import walk
from memsvc_retrievers.fast.fusion import find
from memsvc_retrievers.fast.question import take_apart
from memsvc_store.projections.whole import given_alone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memsvc_retrievers.protocols import Embedder
    from memsvc_store.projections.shard import Shard
    from memsvc_store.store import Store
    from memsvc_store.values.hits import Filter
    from memsvc_store.values.memories import Memory


class WholeLog:
    """The messages of one namespace that a filter lets through, and what its caller worked out, for one question.
    Implements `Explore`.
    """

    def __init__(self, store: Store, embedder: Embedder, namespace: str, wanted: Filter, *, weight: float) -> None:
        """`weight`: learned utility's in `scores`, as in `search`."""
        self._whole, self._embedder, self._weight = store.whole(namespace), embedder, weight
        self._wanted = given_alone(wanted)

    def messages(self) -> list[Memory]:
        """All of them, as they stand now, in reading order."""
        return self._whole.log(self._wanted)

    def scores(self, query: str) -> dict[str, float]:
        """The look-up's score of the best messages, by id."""
        [scored] = self._looks([Probe(query)], POOL, self._weight)
        return {message.id: score for message, score in scored}

    def __call__(self, probes: Sequence[Probe], limit: int) -> list[list[Memory]]:
        """For each probe of working memory the best messages, best first."""
        return [[message for message, _ in look] for look in self._looks(probes, limit)]

    def _looks(self, probes: Sequence[Probe], limit: int, weight: float = 0.0) -> list[list[tuple[Memory, float]]]:
        """For each probe the best messages with their scores, best first."""
        with self._whole.reading() as reading:
            shard = reading.shard
            if not len(shard):
                return [[] for _ in probes]
            questions = [take_apart(probe.question, shard.names) for probe in probes]
        # Nobody waits for the embedder. What turns cold meanwhile is met by the second reading, which finds it.
        vectors = self._embedder.embed([question.text for question in questions], purpose="query")
        with self._whole.reading() as reading:
            reading.prepare(self._wanted)
            looks = [
                find(reading.shard, question, vector, limit, self._wanted, _space(reading.shard, probe), weight)
                for probe, question, vector in zip(probes, questions, vectors, strict=True)
            ]
            found = [reading.memories([one.row for one in look]) for look in looks]
        return [
            [(message, one.parts.final) for message, one in zip(messages, look, strict=True)]
            for messages, look in zip(found, looks, strict=True)
        ]


def _space(shard: Shard, probe: Probe) -> NDArray[np.bool_] | None:
    """Where a probe looks: beside the nodes that it is near, or away from those that it is beyond; None: everywhere."""
    if probe.near:
        joined = walk.joining(shard, probe.near)
        rows = np.flatnonzero(joined)
        for step in (shard.before.values, shard.after.values):
            neighbours = step[rows]
            joined[neighbours[neighbours >= 0]] = True
        return joined
    return ~walk.joining(shard, probe.beyond) if probe.beyond else None
