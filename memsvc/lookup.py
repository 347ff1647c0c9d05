"""Looking things up in one namespace: what `search` and the processes of `ask` share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memsvc_retrievers import walk
from memsvc_retrievers.episodic import find_episodes
from memsvc_retrievers.fast import POOL, find
from memsvc_retrievers.question import take_apart
from memsvc_store import filtering
from memsvc_store.learned import Considered
from memsvc_store.nodes import INTENT
from memsvc_store.rows import text_digest
from memsvc_store.shapes import Blend, Filter, Hit, Node

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from memsvc_retrievers.protocols import Embedder
    from memsvc_retrievers.question import Question
    from memsvc_retrievers.working_memory import Probe
    from memsvc_store.shapes import Memory
    from memsvc_store.shard import Shard
    from memsvc_store.shards import Reading
    from memsvc_store.store import Store


@dataclass(frozen=True, slots=True)
class TwoPhase:
    """How episodes are selected: k1 (`pool`), k2 (`top_k`), delta (`threshold`), lambda (`weight`), epsilon."""

    pool: int
    top_k: int
    threshold: float | None
    weight: float
    epsilon: float


class Found(NamedTuple):
    """The pool of a selection, and its choice: (place in the pool, blend, score), best first."""

    pool: tuple[Considered, ...]
    chosen: tuple[tuple[int, Blend, float], ...]
    explored: bool


class Lookup:
    """Reads of the projections. Nobody waits for a model: a reading is paused while the embedder works."""

    def __init__(self, store: Store, embedder: Embedder, stale: Callable[[str], None], *, weight: float) -> None:
        """`stale` is called with a namespace that has memories without a vector; `weight` is utility's in `search`."""
        self._store, self._embedder, self._stale, self._weight = store, embedder, stale, weight

    def search(self, namespace: str, query: str, limit: int, wanted: Filter) -> list[Hit]:
        """The memories that fit a question best, best first."""
        with self._store.reading(namespace) as reading:
            if not len(reading.shard):
                return []
            [(question, vector)] = self._embedded(reading, [query])
            found = find(reading.shard, question, vector, limit, wanted, weight=self._weight)
            memories = reading.memories([one.row for one in found])
            stale = reading.shard.stale
        if stale:
            self._stale(namespace)
        return [
            Hit(memory, rank, one.parts, one.blend)
            for rank, (memory, one) in enumerate(zip(memories, found, strict=True), 1)
        ]

    def episodes(
        self, namespace: str, intent: str, wanted: Filter, how: TwoPhase, random: np.random.Generator | None
    ) -> Found:
        """The episodes for an intent, and what they were chosen from (MemRL, section 4.2)."""
        with self._store.reading(namespace) as reading:
            if not len(reading.shard):
                return Found((), (), False)
            with reading.paused():
                [vector] = self._embedder.embed([intent], purpose="query")
            found = find_episodes(
                reading.shard, vector, k1=how.pool, k2=how.top_k, threshold=how.threshold, weight=how.weight,
                epsilon=how.epsilon, random=random, wanted=wanted,
            )  # fmt: skip
            ids, choice = reading.shard.ids, found.choice
            columns = (column.tolist() for column in (found.rows, found.similarity, found.q, choice.chances))
            pool = tuple(Considered(ids[row], *numbers) for row, *numbers in zip(*columns, strict=True))
            stale = reading.shard.stale
        if stale:
            self._stale(namespace)
        blended = zip(choice.z_similarity.tolist(), found.q.tolist(), choice.z_q.tolist(), strict=True)
        blends = [Blend(*numbers, how.weight) for numbers in blended]
        chosen = tuple((place, blends[place], float(choice.score[place])) for place in choice.order.tolist())
        greedy = set(np.argsort(-choice.score, kind="stable")[: len(chosen)].tolist())
        return Found(pool, chosen, explored={place for place, _, _ in chosen} != greedy)

    def intent_node(self, namespace: str, intent: str, vector: NDArray[np.float32], similarity: float | None) -> Node:
        """The node that an episode shares with those of the same intent, or of one that is this alike (cosine)."""
        if similarity is not None:
            with self._store.reading(namespace) as reading:
                near = reading.nearest(vector, 1, Filter(kind=("episode",))) if len(reading.shard) else []
            if near and near[0][1] >= similarity:
                shared = [node for node in near[0][0].entities if node.kind == INTENT]
                if shared:
                    return shared[0]
        return Node(INTENT, text_digest(intent).hex())

    def intents(self, namespace: str) -> NDArray[np.float32]:
        """The vectors of the live episodes' intents, shape `(n, dimension)`."""
        with self._store.reading(namespace) as reading:
            shard = reading.shard
            rows = filtering.embedded(shard, filtering.mask(shard, Filter(kind=("episode",))))
            return shard.vectors.matrix[rows].copy()

    def log(self, namespace: str, wanted: Filter) -> list[Memory]:
        """The messages that the filter lets through, as they stand now, in reading order.

        Sessions follow each other by their first message, messages by their time: sessions that ran side by side
        are not shuffled into each other. Cold ones are read too, from SQL.
        """
        if self._store.any_cold(namespace):
            return self._store.log(namespace, wanted)
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
            return [reading.memories([one.row for one in look]) for look in looks]

    def settle(self, namespace: str, ids: Sequence[str]) -> dict[str, str]:
        """Id -> text of those memories that are live now. Cold ones among them turn warm: they were of use."""
        with self._store.reading(namespace) as reading:
            rows = reading.shard.rows_of(ids)
            found = reading.memories(rows)
            absent = [one for one in ids if one not in {memory.id for memory in found}]
            if absent and reading.namespace is not None:
                found += reading.records.memories(reading.namespace, namespace, absent)
        live = {memory.id: memory.text for memory in found if memory.retired_at is None}
        if cold := [one for one in absent if one in live]:
            self._store.warm(namespace, cold)
        return live

    def sources(self, namespace: str, hits: Sequence[Hit], wanted: Filter) -> dict[str, Memory]:
        """The live messages behind the facts among hits that the filter lets through, by id."""
        ids = [source for hit in hits if hit.memory.kind == "fact" for source in hit.memory.sources]
        if not ids:
            return {}
        with self._store.reading(namespace) as reading:
            allowed = filtering.mask(reading.shard, replace(wanted, kind=("message",)))
            rows = [row for row in reading.shard.rows_of(ids) if allowed is None or allowed[row]]
            return {memory.id: memory for memory in reading.memories(rows)}

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
