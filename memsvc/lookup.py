"""Looking things up in one namespace: what `search` and the processes of `ask` share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from memsvc_retrievers import walk
from memsvc_retrievers.fast import POOL, find
from memsvc_retrievers.question import take_apart
from memsvc_store import filtering
from memsvc_store.shapes import Hit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from memsvc_retrievers.protocols import Embedder
    from memsvc_retrievers.question import Question
    from memsvc_retrievers.working_memory import Probe
    from memsvc_store.shapes import Filter, Memory
    from memsvc_store.shard import Shard
    from memsvc_store.shards import Reading
    from memsvc_store.store import Store


class Lookup:
    """Reads of the projections. Nobody waits for a model: a reading is paused while the embedder works."""

    def __init__(self, store: Store, embedder: Embedder, stale: Callable[[str], None]) -> None:
        """`stale` is called with a namespace that has memories without a vector."""
        self._store, self._embedder, self._stale = store, embedder, stale

    def search(self, namespace: str, query: str, limit: int, wanted: Filter) -> list[Hit]:
        """The memories that fit a question best, best first."""
        with self._store.reading(namespace) as reading:
            if not len(reading.shard):
                return []
            [(question, vector)] = self._embedded(reading, [query])
            found = find(reading.shard, question, vector, limit, wanted)
            memories = reading.memories([row for row, _ in found])
            stale = reading.shard.stale
        if stale:
            self._stale(namespace)
        return [
            Hit(memory, rank, parts) for rank, (memory, (_, parts)) in enumerate(zip(memories, found, strict=True), 1)
        ]

    def log(self, namespace: str, wanted: Filter) -> list[Memory]:
        """The messages that the filter lets through, as they stand now, in reading order.

        Sessions follow each other by their first message, messages by their time: sessions that ran side by side
        are not shuffled into each other.
        """
        with self._store.reading(namespace) as reading:
            allowed = filtering.mask(reading.shard, replace(wanted, kind=("message",)))
            rows = np.arange(reading.shard.rows) if allowed is None else np.flatnonzero(allowed)
            return reading.memories(_reading_order(reading.shard, rows).tolist())

    def scores(self, namespace: str, query: str, wanted: Filter) -> dict[str, float]:
        """The look-up's score of the best messages, by id."""
        hits = self.search(namespace, query, POOL, replace(wanted, kind=("message",)))
        return {hit.id: hit.score for hit in hits}

    def explore(self, namespace: str, probes: Sequence[Probe], limit: int, wanted: Filter) -> list[list[Memory]]:
        """For each probe of working memory the best messages, best first."""
        wanted = replace(wanted, kind=("message",))
        with self._store.reading(namespace) as reading:
            if not len(reading.shard):
                return [[] for _ in probes]
            questions = self._embedded(reading, [probe.question for probe in probes])
            looks = [
                find(reading.shard, question, vector, limit, wanted, _space(reading.shard, probe))
                for probe, (question, vector) in zip(probes, questions, strict=True)
            ]
            return [reading.memories([row for row, _ in look]) for look in looks]

    def sources(self, namespace: str, hits: Sequence[Hit]) -> dict[str, Memory]:
        """The live messages behind the facts among hits, by id."""
        ids = [source for hit in hits if hit.memory.kind == "fact" for source in hit.memory.sources]
        if not ids:
            return {}
        with self._store.reading(namespace) as reading:
            return {memory.id: memory for memory in reading.memories(reading.shard.rows_of(ids))}

    def _embedded(self, reading: Reading, queries: Sequence[str]) -> list[tuple[Question, NDArray[np.float32]]]:
        """Questions taken apart, with their vectors, in one call of the embedder."""
        questions = [take_apart(query, reading.shard.names) for query in queries]
        with reading.paused():
            vectors = self._embedder.embed([question.text for question in questions], purpose="query")
        return list(zip(questions, vectors, strict=True))


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


def _reading_order(shard: Shard, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    sessions, times = shard.session.values[rows], shard.valid_from.values[rows]
    begins = np.full(len(shard.sessions.names), np.iinfo(np.int64).max)
    np.minimum.at(begins, sessions, times)
    return rows[np.lexsort((shard.keys.values[rows], times, sessions, begins[sessions]))]
