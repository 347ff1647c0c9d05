"""The calibrated gate from logged traces and rewards to its scorer, over a real database."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from memsvc.asking import calibrating
from memsvc.asking.calibrating import GATE, calibrate_gate, gate_record, gate_scorer, observations
from memsvc.errors import InvalidInput, NotFound
from memsvc.testing import RuleModel
from memsvc_learners.qvalue import decide
from memsvc_retrievers.gate.drafting import Draft
from memsvc_retrievers.gate.features import DIMENSIONS, FEATURES
from memsvc_retrievers.gate.policies import build_gate
from memsvc_retrievers.gate.verdict import Reason, Verdict
from memsvc_retrievers.passages import Passage
from memsvc_store.store import Store
from memsvc_store.values.learned import Feedback, Trace
from tests.retrievers.models import judgement
from tests.retrievers.shards import entry
from tests.store.values import Space, said

pytestmark = pytest.mark.slow

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PASSAGES = tuple(Passage.of(entry(key, "Ann", f"message {key}").memory) for key in range(5))
DRAFTED = Draft("She lives in Oslo.", PASSAGES[:1], PASSAGES)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store(":memory:", space=Space()) as opened:
        said(opened, "I moved to Oslo.")
        yield opened


def verdict(*failed: str, policy: str = "quality", escalate: bool | None = None) -> Verdict:
    reasons = tuple(Reason(name, name not in failed, "because") for name in DIMENSIONS)
    return Verdict(policy, bool(failed) if escalate is None else escalate, reasons)


def asked(store: Store, record: dict[str, Any] | None, *rewards: float) -> Trace:
    """One question as `ask` logs it, and what was said of its answer."""
    document = {} if record is None else {GATE: record}
    trace = Trace(secrets.token_hex(16), "ask", "Where does Ann live?", START, (), document=document)
    store.learning.add_trace("ann", trace)
    for reward in rewards:
        given = Feedback(trace.id, reward, (), 0.3, None, timedelta(hours=1))
        store.learning.learn("ann", given, decide)
    return trace


def history(store: Store, count: int = 160, seed: int = 3) -> None:
    """Answers that are the better the higher their hits score; what the gate faults is read again."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        scores = sorted(random.uniform(0.2, 2.0, 4), reverse=True)
        good = random.random() < 1 / (1 + np.exp(-6 * (scores[0] - 1.3)))
        faults = [] if good or random.random() < 0.5 else ["relevance"]
        same = not faults or random.random() < 0.6
        record = gate_record(verdict(*faults), DRAFTED, scores, DRAFTED.text if same else "In Bergen.")
        asked(store, record, *([1.0 if good else -1.0] if random.random() < 0.9 else []))


def test_the_record_says_whether_the_draft_stood_in_other_punctuation_too() -> None:
    same = gate_record(verdict(), DRAFTED, (1.0, 0.5), "she lives in Oslo")
    assert same["stood"]
    assert same["features"]["lead"] == 0.5
    assert same == same | {"policy": "quality", "escalated": False}
    other = gate_record(verdict("relevance"), DRAFTED, (1.0, 0.5), "She lives in Bergen.")
    assert (other["stood"], other["escalated"]) == (False, True)
    assert gate_record(Verdict("always", True), None, (), "Oslo") == {
        "policy": "always", "escalated": True, "stood": False, "features": None,
    }  # fmt: skip


def test_only_drafts_whose_words_were_given_have_an_outcome(store: Store) -> None:
    stood, changed = (gate_record(verdict(), DRAFTED, (1.0,), text) for text in (DRAFTED.text, "In Bergen."))
    none = gate_record(Verdict("quality", True, (Reason("sufficiency", False, "NONE"),)), DRAFTED, (1.0,), "In Bergen.")
    voted = gate_record(Verdict("majority", False, (Reason("agreement", True, "3"),)), DRAFTED, (1.0,), DRAFTED.text)
    older = stood | {"features": {"best": 1.0}}
    good, bad, mixed = asked(store, stood, 1.0), asked(store, stood, 0.0), asked(store, stood, -1.0, 0.5, 1.0)
    rest = [asked(store, record, 1.0) for record in (changed, none, none, voted, older, None)]
    unrewarded = asked(store, stood)
    rewards = {outcome.trace.id: outcome.rewards for outcome in store.learning.outcomes("ann")}
    seen = observations([good, bad, mixed, *rest, unrewarded], rewards)
    assert seen.features.shape == (5, len(FEATURES))
    assert seen.known.tolist() == [True, True, True, False, False]
    assert seen.failed[seen.known].tolist() == [False, True, False]
    assert seen.forced == 2


def test_from_the_log_to_a_gate_that_keeps_to_its_budget(store: Store) -> None:
    history(store)
    found = calibrate_gate(store.learning, "ann", 0.25)
    assert found.escalation_rate == pytest.approx(0.25, abs=0.01)
    assert found.caught > found.missed
    assert found.spared > 4 * found.wasted
    scorer = gate_scorer(store.learning, "ann")
    assert (scorer.model, scorer.threshold) == (found.model, found.threshold)
    for best, escalates in ((0.3, True), (1.9, False)):
        model = RuleModel({"gate": lambda _: judgement()})
        gate = build_gate("calibrated", scorer, (best, 0.2))
        _, judged = gate.judge("Where does Ann live?", PASSAGES, [DRAFTED], model)
        assert judged.escalate is escalates


def test_a_calibration_takes_the_place_of_the_one_before(store: Store) -> None:
    history(store)
    strict, loose = calibrate_gate(store.learning, "ann", 0.1), calibrate_gate(store.learning, "ann", 0.5)
    assert strict.threshold > loose.threshold
    assert strict.caught < loose.caught
    assert gate_scorer(store.learning, "ann").threshold == loose.threshold


def test_too_few_outcomes_are_refused_and_what_there_was_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    history(store, 20)
    with pytest.raises(InvalidInput, match=r"\d+ fast answers with a reward came, \d+ good and \d+ bad"):
        calibrate_gate(store.learning, "ann", 0.25)
    history(store)
    before = calibrate_gate(store.learning, "ann", 0.25)
    monkeypatch.setattr("memsvc_learners.calibration.LEAST_OUTCOMES", 10_000)
    with pytest.raises(InvalidInput, match="at least 10000"):
        calibrate_gate(store.learning, "ann", 0.5)
    assert gate_scorer(store.learning, "ann").threshold == before.threshold


@pytest.mark.parametrize("budget", [-0.1, 1.5, True, "0.2", None])
def test_another_budget_is_refused(store: Store, budget: Any) -> None:
    with pytest.raises(InvalidInput, match="budget of"):
        calibrate_gate(store.learning, "ann", budget)


def test_a_namespace_that_is_not_there(store: Store) -> None:
    with pytest.raises(NotFound):
        calibrate_gate(store.learning, "bob", 0.25)
    with pytest.raises(InvalidInput, match="no gate was calibrated in namespace 'bob'"):
        gate_scorer(store.learning, "bob")


def test_a_calibration_of_other_features_is_not_used(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    history(store)
    calibrate_gate(store.learning, "ann", 0.25)
    monkeypatch.setattr(calibrating, "FEATURES", (*FEATURES, "weather"))
    with pytest.raises(InvalidInput, match="another version"):
        gate_scorer(store.learning, "ann")


def test_rewards_of_another_namespace_teach_nothing(store: Store) -> None:
    history(store)
    said(store, "hello", namespace="bob")
    with pytest.raises(InvalidInput, match="0 fast answers"):
        calibrate_gate(store.learning, "bob", 0.25)


def test_a_trace_without_a_gate_is_passed_over() -> None:
    trace = Trace("0" * 32, "ask", "?", START, ())
    seen = observations([trace, replace(trace, document={"process": "extractive"})], {})
    assert (seen.features.shape, seen.forced) == ((0, len(FEATURES)), 0)
