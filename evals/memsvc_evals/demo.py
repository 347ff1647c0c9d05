"""A few conversations are stored and asked about: what a first user wants to see, with its times.

Not covered: how good the answers are. That is what `evaluate` measures, on whole data sets.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from memsvc_evals.ingestion import ingest
from memsvc_evals.progress import Count

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from memsvc import Memory
    from memsvc_evals.datasets.values import Conversation, Dataset, Question
    from memsvc_evals.progress import Progress

TOP_K = 10
_QUESTIONS = 3
"""Asked of each conversation: the first one of each category."""
_ASKED = (1, 2, 3, 4)
"""LoCoMo's categories that have an answer; the fifth asks for what was never said."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A memory that was found, with its rank; `gold` if the data set names it as evidence."""

    rank: int
    text: str
    speaker: str
    said_at: datetime
    gold: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the demo and what came of it: the first hit, and the first gold one if another."""

    conversation: str
    question: str
    expected: str | None
    quotes: tuple[Quote, ...]
    seconds: float

    @property
    def found(self) -> bool:
        """Whether gold evidence is among the hits."""
        return any(quote.gold for quote in self.quotes)


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo did. `stored` leaves out the messages that were there already."""

    messages: int
    stored: int
    seconds: float
    asked: tuple[Asked, ...]
    model: str

    @property
    def speed(self) -> float:
        """Messages a second."""
        return self.stored / max(self.seconds, 1e-9)

    @property
    def found(self) -> int:
        """Questions with gold evidence among the hits."""
        return sum(one.found for one in self.asked)

    @property
    def median_ms(self) -> float:
        """The median time of a search."""
        return 1000 * median(one.seconds for one in self.asked)


def run_demo(memory: Memory, dataset: Dataset, *, progress: Progress | None = None) -> Demo:
    """Store each conversation in a namespace of its own name, and ask the first questions about it.

    Args:
        progress: called as `(stage, done, total)`, where stage is "add" (messages) or "search" (questions).

    Raises:
        MeasurementError: a message was rejected, as where the namespace holds another under its key.
        MemsvcError: what the service raises.
    """
    chosen = {conversation.id: _chosen(conversation) for conversation in dataset.conversations}
    count = Count(progress, {"add": dataset.turns, "search": sum(map(len, chosen.values()))})
    started = time.perf_counter()
    given = {one.id: ingest(memory, one, one.id, count) for one in dataset.conversations}
    seconds = time.perf_counter() - started
    asked: list[Asked] = []
    for namespace, questions in chosen.items():
        for question in questions:
            asked.append(_ask(memory, namespace, question, given[namespace][0]))
            count.add("search")
    stored = sum(statuses["stored"] for _, statuses in given.values())
    return Demo(dataset.turns, stored, seconds, tuple(asked), memory.embedder.model)


def _chosen(conversation: Conversation) -> list[Question]:
    """The first question of each category: no picking of those that go well."""
    first: dict[int, Question] = {}
    for question in conversation.questions:
        if question.evidence and question.category in _ASKED:
            first.setdefault(question.category, question)
    return list(first.values())[:_QUESTIONS]


def _ask(memory: Memory, namespace: str, question: Question, names: Mapping[str, str]) -> Asked:
    started = time.perf_counter()
    hits = memory.search(question.text, namespace=namespace, top_k=TOP_K)
    seconds = time.perf_counter() - started
    quotes = [
        Quote(hit.rank, hit.text, hit.memory.speaker, hit.memory.valid_from, names.get(hit.id) in question.evidence)
        for hit in hits
    ]
    gold = next((quote for quote in quotes if quote.gold), None)
    shown = [quote for quote in quotes if quote.rank == 1 or quote is gold]
    return Asked(namespace, question.text, question.answer, tuple(shown), seconds)
