"""Looking things up in one namespace: what `search` and the processes of `ask` share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memsvc.lookup.instructions import flags
from memsvc.lookup.notes import notes
from memsvc_retrievers.fast.episodic import find_episodes
from memsvc_retrievers.fast.fusion import find
from memsvc_retrievers.fast.question import take_apart
from memsvc_store.projections import filtering
from memsvc_store.values.hits import Blend, Filter, Hit
from memsvc_store.values.learned import Considered
from memsvc_store.values.nodes import INTENT
from memsvc_store.writing.episodes import own_intent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from memsvc.lookup.whole_log import WholeLog
    from memsvc_retrievers.fast.question import Question
    from memsvc_retrievers.protocols import Embedder
    from memsvc_store.projections.shards import Reading
    from memsvc_store.store import Store
    from memsvc_store.values.memories import Memory, Node


@dataclass(frozen=True, slots=True)
class TwoPhase:
    """How episodes are selected: k1 (`pool`), k2 (`top_k`), delta (`threshold`), lambda (`weight`), epsilon."""

    pool: int
    top_k: int
    threshold: float | None
    weight: float
    epsilon: float


class Found(NamedTuple):
    """The pool of a selection, and its choice: (place in the pool, blend, score), best first.

    `probability`: how likely just this set was to be chosen.
    """

    pool: tuple[Considered, ...]
    chosen: tuple[tuple[int, Blend, float], ...]
    explored: bool
    probability: float


class Lookup:
    """Reads of the projections. Nobody waits for a model: a reading is paused while the embedder works."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        *,
        stale: Callable[[str], None],
        warmed: Callable[[str], None],
        weight: float,
    ) -> None:
        """Both are called with a namespace: `stale` where memories have no vector, `warmed` where some turned warm.

        `weight` is utility's in `search`.
        """
        self._store, self._embedder = store, embedder
        self._stale, self._warmed, self._weight = stale, warmed, weight

    def search(self, namespace: str, query: str, limit: int, wanted: Filter) -> list[Hit]:
        """The memories that fit a question best, best first."""
        with self._store.reading(namespace) as reading:
            if not len(reading.shard):
                return []
            [(question, vector)] = self._embedded(reading, [query])
            return self._hits(reading, question, vector, limit, wanted)

    def across(self, namespaces: Sequence[str], query: str, limit: int, wanted: Filter) -> list[Hit]:
        """The memories of several namespaces that fit a question best, by relevance: scores compare the hits of one.

        Each is asked for `limit`, so that none of the best is missed, and the question is embedded once.
        """
        asked = {name: question for name in namespaces if (question := self._question(name, query)) is not None}
        texts = list(dict.fromkeys(question.text for question in asked.values()))
        vectors = dict(zip(texts, self._embedder.embed(texts, purpose="query"), strict=True)) if texts else {}
        hits: list[Hit] = []
        for name, question in asked.items():
            with self._store.reading(name) as reading:
                hits += self._hits(reading, question, vectors[question.text], limit, wanted)
        hits.sort(key=lambda hit: (-hit.relevance, hit.rank))
        return [replace(hit, rank=rank) for rank, hit in enumerate(hits[:limit], 1)]

    def _question(self, namespace: str, query: str) -> Question | None:
        """A question as a namespace understands it; None where that is empty."""
        with self._store.reading(namespace) as reading:
            return take_apart(query, reading.shard.names) if len(reading.shard) else None

    def _hits(
        self, reading: Reading, question: Question, vector: NDArray[np.float32], limit: int, wanted: Filter
    ) -> list[Hit]:
        reading.prepare(wanted)
        found = find(reading.shard, question, vector, limit, wanted, weight=self._weight)
        memories = reading.memories([one.row for one in found])
        if reading.shard.stale:
            self._stale(reading.name)
        return [
            Hit(memory, rank, one.parts, one.similarity, one.relevance, one.blend, flags(memory.text))
            for rank, (memory, one) in enumerate(zip(memories, found, strict=True), 1)
        ]

    def notes(self, namespace: str, wanted: Filter, found: Sequence[Memory]) -> tuple[str, ...]:
        """What is to be said of the filter, given what it found."""
        return notes(self._store, namespace, wanted, found)

    def episodes(
        self, namespace: str, intent: str, wanted: Filter, how: TwoPhase, random: np.random.Generator | None
    ) -> Found:
        """The episodes for an intent, and what they were chosen from (MemRL, section 4.2)."""
        with self._store.reading(namespace) as reading:
            if not len(reading.shard):
                return Found((), (), explored=False, probability=1.0)
            with reading.paused():
                [vector] = self._embedder.embed([intent], purpose="query")
            reading.prepare(wanted)
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
        explored = {place for place, _, _ in chosen} != greedy
        return Found(pool, chosen, explored=explored, probability=choice.probability)

    def intent_node(self, namespace: str, intent: str, vector: NDArray[np.float32], similarity: float | None) -> Node:
        """The node that an episode shares with those of the same intent, or of one that is this alike (cosine)."""
        if similarity is not None:
            with self._store.reading(namespace) as reading:
                near = reading.nearest(vector, 1, Filter(kind=("episode",))) if len(reading.shard) else []
            if near and near[0][1] >= similarity:
                shared = [node for node in near[0][0].entities if node.kind == INTENT]
                if shared:
                    return shared[0]
        return own_intent(intent)

    def intents(self, namespace: str) -> NDArray[np.float32]:
        """The vectors of the live episodes' intents, shape `(n, dimension)`."""
        with self._store.reading(namespace) as reading:
            shard = reading.shard
            rows = filtering.embedded(shard, filtering.mask(shard, Filter(kind=("episode",))))
            return shard.vectors.matrix[rows].copy()

    def whole(self, namespace: str, wanted: Filter) -> WholeLog:
        """The messages of a namespace, cold ones too, as deliberation looks at them."""
        from memsvc.lookup.whole_log import WholeLog  # with prompts and replies, that a search needs not

        return WholeLog(self._store, self._embedder, namespace, wanted, weight=self._weight)

    def settle(self, namespace: str, ids: Sequence[str]) -> tuple[dict[str, str], list[str]]:
        """Id -> text of those memories that are live now; and which of them are cold."""
        with self._store.reading(namespace) as reading:
            hot, cold = reading.live(ids)
        return {memory.id: memory.text for memory in (*hot, *cold)}, [memory.id for memory in cold]

    def warm(self, namespace: str, ids: Sequence[str]) -> None:
        """Bring cold memories back into the look-ups, and have the budget of hot ones seen to."""
        if self._store.warm(namespace, ids):
            self._warmed(namespace)

    def sources(self, namespace: str, hits: Sequence[Hit], wanted: Filter) -> dict[str, Memory]:
        """The live messages behind the facts among hits that the filter lets through, cold ones too, by id."""
        ids = [source for hit in hits if hit.memory.kind == "fact" for source in hit.memory.sources]
        if not ids:
            return {}
        with self._store.reading(namespace) as reading:
            hot, cold = reading.live(ids, replace(wanted, kind=("message",)))
        return {memory.id: memory for memory in (*hot, *cold)}

    def _embedded(self, reading: Reading, queries: Sequence[str]) -> list[tuple[Question, NDArray[np.float32]]]:
        """Questions taken apart, with their vectors, in one call of the embedder."""
        questions = [take_apart(query, reading.shard.names) for query in queries]
        with reading.paused():
            vectors = self._embedder.embed([question.text for question in questions], purpose="query")
        return list(zip(questions, vectors, strict=True))
