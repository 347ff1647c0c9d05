"""Each policy: which drafts, which calls, and when it escalates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from memsvc.errors import InvalidInput, InvalidReply, ModelUnavailable
from memsvc.testing import RuleModel
from memsvc_retrievers.choices import POLICIES, Policy
from memsvc_retrievers.gate.drafting import Draft
from memsvc_retrievers.gate.features import DIMENSIONS, FEATURES, features
from memsvc_retrievers.gate.policies import build_gate
from memsvc_retrievers.gate.verdict import Reason, Verdict
from memsvc_retrievers.language import Prompt
from memsvc_retrievers.passages import Passage
from tests.retrievers.models import answering, judgement, purposes, unreadable
from tests.retrievers.shards import entry

PASSAGES = [Passage.of(entry(key, "Ann", text).memory) for key, text in enumerate(["I like tea.", "I moved to Oslo."])]
QUESTION = "Where does Ann live?"


SCORES = (1.5, 1.0, 0.5)


@dataclass
class Risky:
    """A scorer that finds everything equally risky, and writes down what it was asked about."""

    at: float = 0.3
    threshold: float = 0.5
    asked: list[dict[str, float]] = field(default_factory=list)

    def risk(self, known: Mapping[str, float]) -> float:
        self.asked.append(dict(known))
        return self.at


def run(policy: Policy, model: RuleModel, scorer: Risky | None = None) -> tuple[str | None, Verdict]:
    gate = build_gate(policy, scorer or Risky(), SCORES)
    drafts = gate.draft(QUESTION, PASSAGES, model)
    chosen, verdict = gate.judge(QUESTION, PASSAGES, drafts, model)
    assert verdict.policy == policy
    return (None if chosen is None else chosen.text), verdict


def drawn(*answers: str) -> RuleModel:
    """A model that drafts these answers, one after the other."""
    left = list(answers)
    return RuleModel({"draft": lambda _: answering(left.pop(0), 2)})


def failed(verdict: Verdict) -> list[str]:
    return [reason.dimension for reason in verdict.reasons if not reason.passed]


def test_quality_passes_when_no_dimension_fails() -> None:
    model = RuleModel({"draft": lambda _: answering("Oslo", 2), "gate": lambda _: judgement()})
    assert run("quality", model)[0] == "Oslo"
    assert not run("quality", model)[1].escalate
    assert purposes(model)[:2] == ["draft", "gate"]
    assert "Answer: Oslo" in model.prompts[1].user


@pytest.mark.parametrize("dimension", ["relevance", "faithfulness", "completeness"])
def test_quality_escalates_when_any_dimension_fails_and_says_why(dimension: str) -> None:
    model = RuleModel({"draft": lambda _: answering("Oslo"), "gate": lambda _: judgement(**{dimension: "no city"})})
    verdict = run("quality", model)[1]
    assert verdict.escalate
    assert failed(verdict) == [dimension]
    assert "no city" in {reason.why for reason in verdict.reasons}


@pytest.mark.parametrize("policy", ["quality", "majority", "consensus", "calibrated"])
def test_a_reply_of_the_gate_that_cannot_be_read_escalates(policy: Policy) -> None:
    model = RuleModel({"draft": lambda _: answering("Oslo"), "gate": unreadable, "vote": unreadable})
    verdict = run(policy, model)[1]
    assert verdict.escalate
    assert "could not be read" in verdict.reasons[0].why


@pytest.mark.parametrize("none", ["NONE", " none. ", "**None**", "", "  "])
@pytest.mark.parametrize("policy", ["quality", "majority", "consensus", "filter", "calibrated"])
def test_none_escalates_without_a_call_of_the_gate(policy: Policy, none: str) -> None:
    model = RuleModel({"draft": lambda _: answering(none)})
    verdict = run(policy, model)[1]
    assert verdict.escalate
    assert failed(verdict) == ["sufficiency"]
    assert not {"gate", "vote"} & set(purposes(model))


@pytest.mark.parametrize(
    ("policy", "same", "best", "chosen", "escalates"),
    [
        ("majority", [1, 3], 3, "in Oslo", False),
        ("majority", [2], 2, "Bergen", True),
        ("majority", [3, 3, 9], 3, "in Oslo", True),
        ("majority", [1, 3], 2, "Oslo", False),  # the best must be of the group
        ("majority", [], 1, "Oslo", True),
        ("consensus", [1, 3], 1, "Oslo", True),
        ("consensus", [1, 2, 3], 2, "Bergen", False),
    ],
)
def test_voting(policy: Policy, same: Sequence[int], best: int, chosen: str, escalates: bool) -> None:
    left = ["Oslo", "Bergen", "in Oslo"]
    model = RuleModel(
        {"draft": lambda _: answering(left.pop(0), 2), "vote": lambda _: {"same": list(same), "best": best}}
    )
    text, verdict = run(policy, model)
    assert (text, verdict.escalate) == (chosen, escalates)
    assert [len(batch) for batch in model.batches] == [3, 1]
    assert {prompt.temperature for prompt in model.batches[0]} == {0.7}


def test_a_majority_needs_two_that_say_something_and_a_consensus_three() -> None:
    assert run("majority", drawn("NONE", "Oslo", "NONE"))[1].escalate
    assert not run("majority", drawn("NONE", "Oslo", "Oslo"))[1].escalate
    assert run("consensus", drawn("NONE", "Oslo", "Oslo"))[1].escalate


def test_a_draft_that_cannot_be_read_is_no_vote() -> None:
    replies = [answering("Oslo"), "I would rather not", answering("Oslo")]
    model = RuleModel({"draft": lambda _: replies.pop(0)})
    assert not run("majority", model)[1].escalate


def test_filter_drafts_from_what_is_relevant() -> None:
    model = RuleModel({"filter": lambda _: {"needed": [2, 7]}, "draft": lambda _: answering("Oslo", 1)})
    text, verdict = run("filter", model)
    assert (text, verdict.escalate) == ("Oslo", False)
    assert purposes(model) == ["filter", "draft"]
    assert "tea" not in model.prompts[1].user
    assert "Oslo" in model.prompts[1].user


@pytest.mark.parametrize("reply", [lambda _: {"needed": []}, lambda _: {"needed": [9]}, unreadable])
def test_filter_keeps_all_when_it_is_left_with_nothing(reply: object) -> None:
    model = RuleModel({"filter": reply})  # type: ignore[dict-item]
    run("filter", model)
    assert "tea" in model.prompts[1].user


@pytest.mark.parametrize("failing", [{}, {"relevance": "off topic"}])
@pytest.mark.parametrize(("risk", "escalates"), [(0.49, False), (0.5, False), (0.51, True)])
def test_calibrated_escalates_above_its_threshold_whatever_the_dimensions_say(
    failing: dict[str, str], risk: float, escalates: bool
) -> None:
    model = RuleModel({"draft": lambda _: answering("Oslo", 2), "gate": lambda _: judgement(**failing)})
    scorer = Risky(at=risk)
    text, verdict = run("calibrated", model, scorer)
    assert (text, verdict.escalate) == ("Oslo", escalates)
    assert failed(verdict) == [*failing, *(["risk"] if escalates else [])]
    assert f"a risk of {risk:.3f}" in verdict.reasons[-1].why
    assert purposes(model) == ["draft", "gate"]


def test_calibrated_asks_about_the_features_of_the_draft() -> None:
    model = RuleModel({"draft": lambda _: answering("in Oslo", 2), "gate": lambda _: judgement(completeness="when?")})
    scorer = Risky()
    run("calibrated", model, scorer)
    [asked] = scorer.asked
    assert tuple(asked) == FEATURES
    assert asked == {
        "relevance_failed": 0.0,
        "faithfulness_failed": 0.0,
        "completeness_failed": 1.0,
        "best": 1.5,
        "lead": 0.5,
        "spread": 0.75,
        "cited": 1.0,
        "cited_first": 0.5,
        "length": pytest.approx(math.log(3)),
    }


def test_the_scorer_is_not_asked_where_there_is_no_verdict() -> None:
    scorer = Risky(at=0.0)
    assert run("calibrated", drawn("NONE"), scorer)[1].escalate
    assert run("calibrated", RuleModel({"draft": lambda _: answering("Oslo"), "gate": unreadable}), scorer)[1].escalate
    assert scorer.asked == []


def test_calibrated_without_a_scorer_is_refused() -> None:
    with pytest.raises(InvalidInput, match="without a scorer"):
        build_gate("calibrated")


@pytest.mark.parametrize(("scores", "expected"), [((), (0.0, 0.0, 0.0)), ((0.8,), (0.8, 0.8, 0.8))])
def test_features_of_a_look_up_with_few_hits(scores: Sequence[float], expected: tuple[float, float, float]) -> None:
    reasons = tuple(Reason(name, True, "fine") for name in DIMENSIONS)
    drafted = Draft("Oslo", sources=(), shown=tuple(PASSAGES))
    found = features(Verdict("quality", False, reasons), drafted, scores)
    assert found is not None
    assert (found["best"], found["lead"], found["spread"]) == expected
    assert (found["cited"], found["cited_first"]) == (0.0, 0.0)


def test_what_was_not_judged_in_three_dimensions_has_no_features() -> None:
    drafted = Draft("Oslo", (), tuple(PASSAGES))
    agreed = Verdict("majority", False, (Reason("agreement", True, "3 of 3"),))
    assert features(agreed, drafted, SCORES) is None
    assert features(Verdict("always", True), None, SCORES) is None


def test_never_and_always_judge_nothing() -> None:
    never, always = drawn("NONE"), RuleModel()
    assert run("never", never) == ("NONE", Verdict("never", escalate=False))
    assert run("always", always) == (None, Verdict("always", escalate=True))
    assert (purposes(never), purposes(always)) == (["draft"], [])


@pytest.mark.parametrize("policy", [policy for policy in POLICIES if policy != "always"])
def test_no_draft_at_all_is_an_error(policy: Policy) -> None:
    with pytest.raises(InvalidReply, match="draft"):
        run(policy, RuleModel({"draft": unreadable}))


def test_a_model_that_is_down_is_an_error_and_no_verdict() -> None:
    def down(prompt: Prompt) -> None:
        raise ModelUnavailable(f"{prompt.purpose}: connection refused")

    with pytest.raises(ModelUnavailable, match="gate"):
        run("quality", RuleModel({"draft": lambda _: answering("Oslo"), "gate": down}))
