"""Conversations into memory: messages, the facts that are worked out of them, and what that cost."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memsvc.work.outcomes import merged
from memsvc_evals.errors import MeasurementError
from memsvc_evals.ingestion import held, ingest
from memsvc_store.values import clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from memsvc import Memory
    from memsvc_evals.answers.journal import Journal
    from memsvc_evals.datasets.values import Conversation, Dataset
    from memsvc_evals.progress import Count
    from memsvc_store.values.jobs import Job
    from memsvc_store.values.memories import Memory as Stored

_ENDED = ("done", "failed")
_ATTEMPTS = 3
"""How often the facts of a conversation are worked out before what is left counts as failed."""


@dataclass(frozen=True, slots=True)
class Material:
    """One conversation in its namespace.

    `messages` are its turns in the data set's order; `turns` maps the id of each message, and of each fact, to the ids
    of the turns that it comes from.
    """

    conversation: Conversation
    namespace: str
    messages: tuple[Stored, ...]
    turns: Mapping[str, tuple[str, ...]]

    def turns_of(self, ids: Iterable[str]) -> tuple[str, ...]:
        """The turns behind memories, each once, in order."""
        return tuple(dict.fromkeys(turn for one in ids for turn in self.turns[one]))


def store_all(memory: Memory, dataset: Dataset, kept: Journal, count: Count, *, facts: bool) -> dict[str, Material]:
    """Bring every conversation into its namespace, `<data set>/<conversation>`; what is there is not stored again.

    What each cost is in the journal once it is done; of one that a killed process had begun, `seconds` are those of the
    process that ended it.

    Raises:
        MeasurementError: a message was rejected, a namespace holds something else, or facts where none are wanted, or
            jobs are left.
        MemsvcError: the model is away; a resume goes on where this ended.
    """
    costs, stored = kept.read_ingestion(), {}
    for conversation in dataset.conversations:
        began = time.perf_counter()
        material = _messages(memory, conversation, f"{dataset.name}/{conversation.id}", count)
        if not facts and memory.list(namespace=material.namespace, kind="fact", limit=1):
            raise MeasurementError(
                f"{material.namespace}: the database holds facts, and answers would rest on them; run with facts, or "
                "on a fresh database"
            )
        if facts:
            _extract(memory, material.namespace, count)
            material = _with_facts(memory, material)
        jobs = memory.jobs(namespace=material.namespace)
        costs.setdefault(
            conversation.id,
            {
                "messages": len(material.messages),
                "seconds": time.perf_counter() - began,
                "facts": len(material.turns) - len(material.messages),
                "failed": sum(len(job.messages) for job in jobs if job.state == "failed"),
                "ledger": merged(job.result.get("spent", {}) for job in jobs),
            },
        )
        kept.write_ingestion(costs)
        stored[conversation.id] = material
    return stored


def _messages(memory: Memory, conversation: Conversation, namespace: str, count: Count) -> Material:
    names, _ = ingest(memory, conversation, namespace, count)
    by_turn = {names[message.id]: message for message in held(memory, conversation, namespace, names)}
    messages = tuple(by_turn[turn.id] for turn in conversation.turns)
    return Material(conversation, namespace, messages, {one: (turn,) for one, turn in names.items()})


def _with_facts(memory: Memory, material: Material) -> Material:
    most = max(1, memory.stats(namespace=material.namespace)["memories"])
    facts = memory.list(namespace=material.namespace, kind="fact", limit=most)
    turns = {fact.id: material.turns_of(fact.sources) for fact in facts}
    return replace(material, turns={**material.turns, **turns})


def _extract(memory: Memory, namespace: str, count: Count) -> None:
    """Until every job has ended. What a killed process had in its hands is free when its claim ends (two minutes)."""
    count.add("facts", sum(len(job.messages) for job in memory.jobs(namespace=namespace) if job.state in _ENDED))

    def ended(job: Job) -> None:
        if job.state in _ENDED:
            count.add("facts", len(job.messages))

    for _ in range(_ATTEMPTS):
        summary = memory.extract(namespace=namespace, on_event=ended)
        if summary.free_at is None:
            return
        if summary.held:
            time.sleep(max(0.0, (summary.free_at - clock.now()).total_seconds()))
        memory.retry(namespace=namespace)
    raise MeasurementError(
        f"{namespace}: {summary.waiting + summary.held} groups of messages could not be worked through for facts "
        f"({summary.error}); resume, or run without facts"
    )
