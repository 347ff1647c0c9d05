"""The gate: whether the fast answer will do, or the whole log has to be read (D-Mem, section 3.2).

A gate says how the fast answer is drafted, since some need several drafts, and judges the drafts.
Whatever it can't make sense of escalates. An answer of NONE escalates without a call.

| policy    | drafts | calls of the gate | escalates                                                    |
|-----------|--------|-------------------|--------------------------------------------------------------|
| quality   | 1      | 1                 | if relevance, faithfulness or completeness fails             |
| majority  | 3      | 1                 | unless two of three answers at temperature 0.7 say the same  |
| consensus | 3      | 1                 | unless all three do                                          |
| filter    | 1      | 1, before it      | on NONE; drafts from the memories that a call finds relevant |
| never     | 1      | 0                 | never                                                        |
| always    | 0      | 0                 | always, without a draft                                      |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from memsvc_retrievers import prompts
from memsvc_retrievers.drafting import Draft, draft, relevant
from memsvc_retrievers.errors import InvalidReply
from memsvc_retrievers.replies import GateReply, VoteReply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_retrievers.choices import Policy
    from memsvc_retrievers.language import LanguageModel
    from memsvc_retrievers.passages import Passage

VOTES = 3
VOTING_TEMPERATURE = 0.7
"""D-Mem, App. B.1."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What the gate found in one respect."""

    dimension: str
    passed: bool
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate said of the fast answer: whether it escalates, and why."""

    policy: str
    escalate: bool
    reasons: tuple[Reason, ...] = ()


class Gate(Protocol):
    """A policy."""

    def draft(self, question: str, passages: Sequence[Passage], model: LanguageModel) -> list[Draft]:
        """The drafts that this policy judges."""
        ...

    def judge(
        self, question: str, passages: Sequence[Passage], drafts: Sequence[Draft], model: LanguageModel
    ) -> tuple[Draft | None, Verdict]:
        """The draft that stands for the fast answer, if there is one, and the verdict on it."""
        ...


def build_gate(policy: Policy) -> Gate:
    """The gate of that name."""
    gates: dict[Policy, Gate] = {
        "quality": QualityGate(),
        "majority": VotingGate("majority", needed=2),
        "consensus": VotingGate("consensus", needed=VOTES),
        "filter": FilterGate(),
        "never": NeverGate(),
        "always": AlwaysGate(),
    }
    return gates[policy]


class _OneDraft:
    """The fast answer of most policies: one draft at temperature 0."""

    def draft(self, question: str, passages: Sequence[Passage], model: LanguageModel) -> list[Draft]:
        return draft(question, passages, model, purpose="draft")


class QualityGate(_OneDraft):
    """Three dimensions; any that fails escalates."""

    def judge(
        self, question: str, passages: Sequence[Passage], drafts: Sequence[Draft], model: LanguageModel
    ) -> tuple[Draft, Verdict]:
        """One call, unless the draft is NONE."""
        [drafted] = drafts
        if drafted.none:
            return drafted, _insufficient("quality")
        [completion] = model.complete_many([prompts.gate(question, passages, drafted.text)], schema=GateReply)
        try:
            reply = completion.value(GateReply)
        except InvalidReply as error:
            return drafted, _unreadable("quality", error)
        judgements = {
            "relevance": reply.relevance,
            "faithfulness": reply.faithfulness,
            "completeness": reply.completeness,
        }
        reasons = tuple(Reason(name, one.status == "pass", one.reason) for name, one in judgements.items())
        return drafted, Verdict("quality", not all(reason.passed for reason in reasons), reasons)


class VotingGate:
    """Three drafts at random; so many of them must say the same."""

    def __init__(self, policy: str, needed: int) -> None:
        self._policy, self._needed = policy, needed

    def draft(self, question: str, passages: Sequence[Passage], model: LanguageModel) -> list[Draft]:
        """Three drafts in one batch."""
        return draft(question, passages, model, purpose="draft", count=VOTES, temperature=VOTING_TEMPERATURE)

    def judge(
        self, question: str, passages: Sequence[Passage], drafts: Sequence[Draft], model: LanguageModel
    ) -> tuple[Draft, Verdict]:
        """One call, unless too few drafts say anything."""
        said = [one for one in drafts if not one.none]
        if len(said) < self._needed:
            return drafts[0], _insufficient(self._policy)
        [completion] = model.complete_many([prompts.vote(question, [one.text for one in said])], schema=VoteReply)
        try:
            reply = completion.value(VoteReply)
        except InvalidReply as error:
            return said[0], _unreadable(self._policy, error)
        same = [number for number in dict.fromkeys(reply.same) if 1 <= number <= len(said)]
        agreed = len(same) >= self._needed
        chosen = said[(reply.best if reply.best in same else same[0]) - 1] if same else said[0]
        why = f"{len(same)} of {VOTES} answers say the same, {self._needed} are needed"
        return chosen, Verdict(self._policy, not agreed, (Reason("agreement", agreed, why),))


class FilterGate:
    """The draft rests on the memories that are relevant; nothing judges it."""

    def draft(self, question: str, passages: Sequence[Passage], model: LanguageModel) -> list[Draft]:
        """One call to choose, one to draft."""
        kept = relevant(question, passages, model) if passages else passages
        return draft(question, kept, model, purpose="draft")

    def judge(
        self, question: str, passages: Sequence[Passage], drafts: Sequence[Draft], model: LanguageModel
    ) -> tuple[Draft, Verdict]:
        """No call: NONE escalates, all else is accepted."""
        [drafted] = drafts
        return drafted, _insufficient("filter") if drafted.none else Verdict("filter", escalate=False)


class NeverGate(_OneDraft):
    """The fast answer, whatever it is."""

    def judge(
        self, question: str, passages: Sequence[Passage], drafts: Sequence[Draft], model: LanguageModel
    ) -> tuple[Draft, Verdict]:
        """No call."""
        return drafts[0], Verdict("never", escalate=False)


class AlwaysGate:
    """No fast answer at all."""

    def draft(self, question: str, passages: Sequence[Passage], model: LanguageModel) -> list[Draft]:
        """None."""
        return []

    def judge(
        self, question: str, passages: Sequence[Passage], drafts: Sequence[Draft], model: LanguageModel
    ) -> tuple[None, Verdict]:
        """No call."""
        return None, Verdict("always", escalate=True)


def _insufficient(policy: str) -> Verdict:
    why = f"the memories that were found do not suffice ({prompts.NONE})"
    return Verdict(policy, True, (Reason("sufficiency", False, why),))


def _unreadable(policy: str, error: InvalidReply) -> Verdict:
    return Verdict(policy, True, (Reason("verdict", False, f"the gate's reply could not be read: {error}"),))
