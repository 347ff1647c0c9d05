"""A conversation as it stands in memory: what the service is asked about, and what the plain methods read."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from memsvc_evals.errors import MeasurementError
from memsvc_evals.ingestion import held, ingest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from memsvc import Memory
    from memsvc_evals.datasets.values import Conversation
    from memsvc_evals.progress import Count
    from memsvc_store.shapes import Memory as Stored

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


def store(memory: Memory, conversation: Conversation, namespace: str, count: Count) -> tuple[Material, dict[str, Any]]:
    """Add a conversation; returns it with what that cost. What is there already is not added again.

    Raises:
        MeasurementError: a message was rejected, or the namespace holds something else.
    """
    began = time.perf_counter()
    names, _ = ingest(memory, conversation, namespace, count)
    seconds = time.perf_counter() - began
    by_turn = {names[message.id]: message for message in held(memory, conversation, namespace, names)}
    messages = tuple(by_turn[turn.id] for turn in conversation.turns)
    turns = {identity: (turn,) for identity, turn in names.items()}
    cost = {"messages": len(messages), "seconds": seconds, "ledger": {}, "failed": 0}
    return Material(conversation, namespace, messages, turns), cost


def with_facts(
    memory: Memory, material: Material, tell: Callable[[int, int], None]
) -> tuple[Material, dict[str, Any]]:
    """Work out the facts of a conversation; returns it with them, and what all attempts at it cost.

    Args:
        tell: called with the jobs that are done, and those that there are.

    Raises:
        MeasurementError: jobs are left that neither ended nor failed for good.
        MemsvcError: the model is away; a later call goes on where this one ended.
    """
    from memsvc.outcomes import merged

    began = time.perf_counter()
    _extract(memory, material.namespace, tell)
    seconds = time.perf_counter() - began
    jobs = memory.jobs(namespace=material.namespace)
    cost = {
        "seconds": seconds,
        "ledger": merged(job.result.get("spent", {}) for job in jobs),
        "failed": sum(job.state == "failed" for job in jobs),
    }
    return known_facts(memory, material), cost


def known_facts(memory: Memory, material: Material) -> Material:
    """The conversation with the facts that its namespace holds."""
    most = max(1, memory.stats(namespace=material.namespace)["memories"])
    facts = memory.list(namespace=material.namespace, kind="fact", limit=most)
    turns = {fact.id: material.turns_of(fact.sources) for fact in facts}
    return replace(material, turns={**material.turns, **turns})


def _extract(memory: Memory, namespace: str, tell: Callable[[int, int], None]) -> None:
    """Until every job has ended. What a killed process had in its hands is free when its claim ends (two minutes)."""
    from memsvc_store import clock

    for _ in range(_ATTEMPTS):
        total = len(memory.jobs(namespace=namespace, state="queued")) + len(memory.jobs(namespace=namespace, state="running"))
        done = 0

        def one_more(_: object) -> None:
            nonlocal done
            done += 1
            tell(done, max(done, total))

        summary = memory.extract(namespace=namespace, on_event=one_more)
        if not summary.waiting and not summary.held:
            return
        if summary.held and summary.free_at is not None:
            time.sleep(max(0.0, (summary.free_at - clock.now()).total_seconds()))
        memory.retry(namespace=namespace)
    raise MeasurementError(
        f"{namespace}: {summary.waiting + summary.held} groups of messages could not be worked through for facts "
        f"({summary.error}); resume, or run without facts"
    )
