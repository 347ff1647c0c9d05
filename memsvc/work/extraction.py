"""From stored messages to facts: D-Mem's write path (Mem0*, section 3.1), one job at a time.

    gather   the job's messages, the ten before them in their session, the ten known facts most like them
    call 1   candidates: self-contained facts, each with the messages it comes from
    weigh    a candidate's background: of the five old facts most like it, those with cosine > 0.8
    call 2   only where there is a background: ADD, UPDATE, DELETE or NOOP a candidate
    finish   facts, retirements and the end of the job in one transaction, if nothing it rests on has changed

The extraction calls of several jobs are one batch. What they found is applied in order, each weighed after the one
before it was stored. A bad reply loses no fact: what the second call does not decide is an ADD.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from memsvc.checks import checked_text
from memsvc.errors import InvalidMessage
from memsvc.work.outcomes import spent
from memsvc_retrievers.ledger import Ledger
from memsvc_retrievers.prompts.extraction import CandidatesReply, DecisionsReply, facts_prompt, update_prompt
from memsvc_store.values.clock import to_micros
from memsvc_store.values.drafts import Fact
from memsvc_store.values.hits import Filter
from memsvc_store.values.nodes import hyperedge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from memsvc.settings import Settings
    from memsvc_retrievers.language import Completion, LanguageModel, Prompt, Watch
    from memsvc_retrievers.prompts.extraction import Action, DecisionReply
    from memsvc_retrievers.protocols import Embedder
    from memsvc_store.store import Store
    from memsvc_store.values.jobs import Job, JobKind
    from memsvc_store.values.memories import Memory

BEFORE = 10
"""Messages before a group that are shown with it (D-Mem, section 3.1)."""

KNOWN = 10
"""Facts most like the group that are shown with it (D-Mem, App. B.1)."""

NEAR = 5
"""Old facts that a candidate is held against (D-Mem, App. B.1)."""

ALIKE = 0.8
"""Cosine above which an old fact is about the same matter (D-Mem, App. B.1)."""

GROUP_WAIT = timedelta(seconds=60)
"""How long the background lets a group of messages wait for the next one of its session, where one call reads two."""

_FACTS = Filter(kind=("fact",))


@dataclass(frozen=True, slots=True)
class Material:
    """What one job is done from. `messages` are those of the job that are live, in the order they were said."""

    job: Job
    messages: tuple[Memory, ...]
    before: tuple[Memory, ...]
    known: tuple[Memory, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fact that was found, with its messages; once weighed, with its vector and the old facts that may be about the
    same matter.
    """

    text: str
    messages: tuple[Memory, ...]
    background: tuple[Memory, ...] = ()
    vector: NDArray[np.float32] | None = field(default=None, compare=False)

    @property
    def said_before(self) -> bool:
        """Whether an old fact says just this."""
        return any(old.text == self.text for old in self.background)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a candidate: its action, and for all but ADD the old fact that it is about."""

    action: Action
    candidate: Candidate
    old: Memory | None = None
    merged: str | None = None


class Extraction:
    """The jobs that work out the facts of messages; implements `Task`. Safe to share between threads."""

    kind: JobKind = "extract"
    name = "extraction"

    def __init__(self, store: Store, embedder: Embedder, settings: Settings) -> None:
        self._store, self._embedder = store, embedder
        self._size, self._max_text_chars = settings.extract_messages, settings.max_text_chars

    def enqueue(self, namespace: str) -> int:
        """Queue the messages that no job covers yet; those that are the last of their session wait for company."""
        return self._store.jobs.enqueue_extraction(namespace, self._size, GROUP_WAIT)

    def gather(self, namespace: str, jobs: Sequence[Job]) -> list[Material]:
        """What the jobs are done from; messages that were deleted meanwhile are left out."""
        with self._store.reading(namespace) as reading:
            assert reading.namespace is not None, f"jobs came of {namespace!r}, which is not there"
            records, found = reading.records, []
            for job in jobs:
                memories = records.memories(reading.namespace, namespace, job.messages)
                live = tuple(memory for memory in memories if not gone(memory, reading.now))
                before: list[Memory] = []
                if live:
                    at = live[0].session_id, live[0].position, BEFORE, reading.now
                    before = records.said_before(reading.namespace, namespace, *at)
                found.append(Material(job, live, tuple(before), ()))
            with reading.paused():
                vectors = self._embedder.embed([_joined(material) for material in found])
            return [
                replace(material, known=tuple(memory for memory, _ in reading.nearest(vector, KNOWN, _FACTS)))
                for material, vector in zip(found, vectors, strict=True)
            ]

    def ask(self, model: LanguageModel, materials: Sequence[Material], watch: Watch) -> list[Completion | None]:
        """The calls for candidates, as one batch; None where every message of a job was deleted."""
        prompts = [facts_prompt(one.messages, one.before, one.known) for one in materials if one.messages]
        done = iter(model.complete_many(prompts, schema=CandidatesReply, watch=watch) if prompts else [])
        return [next(done) if one.messages else None for one in materials]

    def finish(
        self, model: LanguageModel, material: Material, completion: Completion | None, watch: Watch
    ) -> Job | None:
        """Weigh what was found, and end the job with it; the job as it is now, None if another worker has it.

        Raises:
            ModelError: a call failed, or the embedder.
        """
        if completion is None:
            return self._end(material, (), {})
        candidates, dropped = read_candidates(
            completion.value(CandidatesReply), material.messages, self._max_text_chars
        )
        weighed = self._weighed(material.job.namespace, candidates)
        calls = [completion.call]
        reply = None
        if any(one.background for one in weighed if not one.said_before):
            [update] = model.complete_many([_update_prompt(weighed)], schema=DecisionsReply, watch=watch)
            reply = update.value(DecisionsReply)
            calls.append(update.call)
        decisions = decide(reply, weighed, self._max_text_chars)
        result = _counts(decisions, dropped) | spent(material.job, Ledger(tuple(calls)))
        return self._end(material, decisions, result)

    def _end(self, material: Material, decisions: Sequence[Decision], result: Mapping[str, Any]) -> Job | None:
        """End a job with what was decided."""
        facts = [to_fact(decision) for decision in decisions if decision.action != "NOOP"]
        merged = [fact.text for fact in facts if fact.vector is None]
        vectors = dict(zip(merged, self._embedder.embed(merged), strict=True)) if merged else {}
        facts = [replace(fact, vector=vectors[fact.text]) if fact.vector is None else fact for fact in facts]
        old = [decision.old for decision in decisions if decision.old is not None]
        return self._store.jobs.finish(material.job, facts, based_on=[*material.messages, *old], result=result)

    def _weighed(self, namespace: str, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The candidates, each with its background."""
        if not candidates:
            return []
        vectors = self._embedder.embed([candidate.text for candidate in candidates])
        with self._store.reading(namespace) as reading:
            near = [reading.nearest(vector, NEAR, _FACTS) for vector in vectors]
        return [
            replace(candidate, vector=vector, background=tuple(old for old, cosine in found if cosine > ALIKE))
            for candidate, vector, found in zip(candidates, vectors, near, strict=True)
        ]


def gone(memory: Memory, now: int) -> bool:
    """Whether a memory was deleted or has expired by now (microseconds since 1970)."""
    end = to_micros(memory.expires_at)
    return memory.retired_at is not None or (end is not None and end <= now)


def read_candidates(
    reply: CandidatesReply, messages: Sequence[Memory], max_text_chars: int
) -> tuple[list[Candidate], int]:
    """The facts of a reply, each text once, and how many were dropped: no text, or no number that is of a message."""
    numbers: dict[str, set[int]] = {}
    dropped = 0
    for found in reply.facts:
        text = _usable(found.fact, max_text_chars)
        of = [one for one in found.messages if 1 <= one <= len(messages)]
        if text is None or not of:
            dropped += 1
        else:
            numbers.setdefault(text, set()).update(of)
    return [Candidate(text, tuple(messages[one - 1] for one in sorted(of))) for text, of in numbers.items()], dropped


def decide(reply: DecisionsReply | None, weighed: Sequence[Candidate], max_text_chars: int) -> list[Decision]:
    """One decision a candidate, in order. What is said already is a NOOP; what the reply leaves open is an ADD.

    So is what it says of a fact that is not in the candidate's own background: no message may retire just any fact. And
    so is an UPDATE without a text that can be stored, which would lose what only the old fact says.
    """
    old = dict(enumerate(shown(weighed), 1))
    said: dict[int, DecisionReply] = {}
    for one in reply.decisions if reply else ():
        said.setdefault(one.new, one)
    decisions = []
    for number, candidate in enumerate(weighed, 1):
        same = next((fact for fact in candidate.background if fact.text == candidate.text), None)
        if same is not None:
            decisions.append(Decision("NOOP", candidate, same))
        else:
            answer = said.get(number)
            decisions.append(_decided(answer, candidate, old.get(answer.old) if answer else None, max_text_chars))
    return decisions


def _decided(answer: DecisionReply | None, candidate: Candidate, old: Memory | None, limit: int) -> Decision:
    """What a reply says of a candidate, as far as it holds."""
    if answer is None or answer.action == "ADD" or old not in candidate.background:
        return Decision("ADD", candidate)
    if answer.action != "UPDATE":
        return Decision(answer.action, candidate, old)
    merged = _usable(answer.text, limit)
    return Decision("ADD", candidate) if merged is None else Decision("UPDATE", candidate, old, merged)


def shown(weighed: Sequence[Candidate]) -> list[Memory]:
    """The old facts that the update call shows: every background, each fact once."""
    return list({old.id: old for candidate in weighed for old in candidate.background}.values())


def to_fact(decision: Decision) -> Fact:
    """What is stored for a decision: of the time, session and speaker of the last thing that it rests on. One that says
    what an old fact said expires with that.
    """
    messages, old = decision.candidate.messages, decision.old
    sources = tuple(message.id for message in messages)
    basis: list[Memory] = [*messages]
    if decision.action == "UPDATE" and old is not None:
        sources = tuple(dict.fromkeys((*old.sources, *sources)))
        basis.insert(0, old)
    last = max(enumerate(basis), key=lambda one: (one[1].valid_from, one[0]))[1]
    text = decision.merged or decision.candidate.text
    vector = decision.candidate.vector if decision.merged is None else None
    return Fact(
        text=text,
        sources=sources,
        speaker=last.speaker,
        session_id=last.session_id,
        valid_from=last.valid_from,
        entities=hyperedge(text, last.speaker, last.session_id, last.valid_from.date()),
        vector=vector,
        replaces=() if old is None else (old.id,),
        expires_at=None if decision.action != "UPDATE" or old is None else old.expires_at,
    )


def _joined(material: Material) -> str:
    return "\n".join(message.text for message in material.messages) or "-"


def _update_prompt(weighed: Sequence[Candidate]) -> Prompt:
    new = [(f"{max(one.valid_from for one in each.messages):%Y-%m-%d}", each.text) for each in weighed]
    return update_prompt(shown(weighed), new)


def _usable(text: str, limit: int) -> str | None:
    """A text that can be stored, on one line; None if there is none."""
    try:
        return checked_text(" ".join(text.split()), limit)
    except InvalidMessage:
        return None


def _counts(decisions: Sequence[Decision], dropped: int) -> dict[str, Any]:
    """What came of a job, for its `result`."""
    actions = [decision.action for decision in decisions]
    return {
        "added": actions.count("ADD"),
        "updated": actions.count("UPDATE"),
        "deleted": actions.count("DELETE"),
        "unchanged": actions.count("NOOP"),
        "dropped": dropped,
    }
