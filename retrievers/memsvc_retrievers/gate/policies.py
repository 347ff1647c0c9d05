"""The gate: whether the fast answer will do, or the whole log has to be read (D-Mem, section 3.2).

A gate says how the fast answer is drafted, since some need several drafts, and judges the drafts.
Whatever it can't make sense of escalates. An answer of NONE escalates without a call.

| policy     | drafts | calls of the gate | escalates                                                       |
|------------|--------|-------------------|-----------------------------------------------------------------|
| quality    | 1      | 1                 | if relevance, faithfulness or completeness fails                |
| majority   | 3      | 1                 | unless two of three answers at temperature 0.7 say the same     |
| consensus  | 3      | 1                 | unless all three do                                             |
| filter     | 1      | 1, before it      | on NONE; drafts from the memories that a call finds relevant    |
| calibrated | 1      | 1                 | if the verdict of `quality` and the look-up's margins are risky |
| never      | 1      | 0                 | never                                                           |
| always     | 0      | 0                 | always, without a draft                                         |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from memsvc_retrievers.errors import InvalidReply
from memsvc_retrievers.gate.drafting import Draft, draft, relevant
from memsvc_retrievers.gate.features import features
from memsvc_retrievers.gate.verdict import Reason, Verdict
from memsvc_retrievers.prompts import answering as prompts
from memsvc_retrievers.prompts.replies import GateReply, VoteReply
from memsvc_store.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memsvc_retrievers.choices import Policy, Style
    from memsvc_retrievers.language import LanguageModel
    from memsvc_retrievers.passages import Passage

VOTES = 3
VOTING_TEMPERATURE = 0.7
"""D-Mem, App. B.1."""


class Gate(Protocol):
    """A policy."""

    def draft(
        self, question: str, passages: Sequence[Passage], model: LanguageModel, style: Style = "short"
    ) -> list[Draft]:
        """The drafts that this policy judges, worded in this style."""
        ...

    def judge(
        self, question: str, passages: Sequence[Passage], drafts: Sequence[Draft], model: LanguageModel
    ) -> tuple[Draft | None, Verdict]:
        """The draft that stands for the fast answer, if there is one, and the verdict on it."""
        ...


class Scorer(Protocol):
    """A model of the risk of a fast answer, fitted to what became of earlier ones."""

    @property
    def threshold(self) -> float:
        """The risk above which an answer escalates."""
        ...

    def risk(self, known: Mapping[str, float]) -> float:
        """How likely the answer is bad, given its `features`."""
        ...


def build_gate(policy: Policy, scorer: Scorer | None = None, scores: Sequence[float] = ()) -> Gate:
    """The gate of that name, for one question.

    Args:
        scorer: what `calibrated` asks; the others have no use for it.
        scores: of the hits that the passages are, best first; for `calibrated` as well.

    Raises:
        InvalidInput: `calibrated` without a scorer.
    """
    if policy == "calibrated":
        if scorer is None:
            raise InvalidInput("gate 'calibrated' came without a scorer; calibrate one, or use 'quality'")
        return CalibratedGate(scorer, scores)
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

    def draft(
        self, question: str, passages: Sequence[Passage], model: LanguageModel, style: Style = "short"
    ) -> list[Draft]:
        return draft(question, passages, model, purpose="draft", style=style)


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


class CalibratedGate(_OneDraft):
    """The quality gate's verdict is one sign among others; what is too risky by all of them escalates."""

    def __init__(self, scorer: Scorer, scores: Sequence[float]) -> None:
        self._scorer, self._scores = scorer, scores

    def judge(
        self, question: str, passages: Sequence[Passage], drafts: Sequence[Draft], model: LanguageModel
    ) -> tuple[Draft, Verdict]:
        """One call, as the quality gate; where that gives no verdict in three dimensions, the answer escalates."""
        drafted, quality = QualityGate().judge(question, passages, drafts, model)
        known = features(quality, drafted, self._scores)
        if known is None:
            return drafted, Verdict("calibrated", True, quality.reasons)
        risk, limit = self._scorer.risk(known), self._scorer.threshold
        why = f"a risk of {risk:.3f}, and answers escalate above {limit:.3f}"
        return drafted, Verdict("calibrated", risk > limit, (*quality.reasons, Reason("risk", risk <= limit, why)))


class VotingGate:
    """Three drafts at random; so many of them must say the same."""

    def __init__(self, policy: str, needed: int) -> None:
        self._policy, self._needed = policy, needed

    def draft(
        self, question: str, passages: Sequence[Passage], model: LanguageModel, style: Style = "short"
    ) -> list[Draft]:
        """Three drafts in one batch."""
        return draft(
            question, passages, model, purpose="draft", count=VOTES, temperature=VOTING_TEMPERATURE, style=style
        )

    def judge(
        self, question: str, passages: Sequence[Passage], drafts: Sequence[Draft], model: LanguageModel
    ) -> tuple[Draft, Verdict]:
        """One call, unless too few drafts say anything."""
        said = [one for one in drafts if not one.none]
        if len(said) < self._needed:
            why = f"{len(said)} of {VOTES} drafts are an answer, {self._needed} must be and say the same"
            return drafts[0], Verdict(self._policy, True, (Reason("sufficiency", False, why),))
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

    def draft(
        self, question: str, passages: Sequence[Passage], model: LanguageModel, style: Style = "short"
    ) -> list[Draft]:
        """One call to choose, one to draft."""
        kept = relevant(question, passages, model) if passages else passages
        return draft(question, kept, model, purpose="draft", style=style)

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

    def draft(
        self, question: str, passages: Sequence[Passage], model: LanguageModel, style: Style = "short"
    ) -> list[Draft]:
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
