"""The calibrated gate: what `ask` logs of each verdict, the model that is fitted to it, and who asks the model.

A draft's outcome is known where the answer that was given, and rewarded, says the same as the draft: the fast answer
was returned, or the slow process came to the same words. Where it came to others, nobody knows what the draft was
worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memsvc.errors import InvalidInput
from memsvc_learners.calibration import Observations, calibrate
from memsvc_learners.fitted import Calibration, LogisticModel
from memsvc_retrievers.gate.features import FEATURES, features
from memsvc_store.errors import shown
from memsvc_store.values.text import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from memsvc_retrievers.gate.drafting import Draft
    from memsvc_retrievers.gate.verdict import Verdict
    from memsvc_store.values.learned import Trace
    from memsvc_store.writing.learning import Learning

GATE = "gate"
"""Where a trace's document keeps the record, and under which name a namespace keeps its calibration."""

_JUDGED = ("quality", "calibrated")
"""Policies that judge one draft in three dimensions; what the others log teaches nothing of those."""


@dataclass(frozen=True, slots=True)
class GateScorer:
    """A calibrated gate's model and threshold, as a namespace keeps them. Implements `Scorer`."""

    model: LogisticModel
    threshold: float

    def risk(self, known: Mapping[str, float]) -> float:
        """How likely an answer of these features is bad."""
        return float(self.model.probability(np.array([[known[name] for name in FEATURES]]))[0])


def gate_record(verdict: Verdict, drafted: Draft | None, scores: Sequence[float], answer: str) -> dict[str, Any]:
    """What a trace keeps of the gate.

    Args:
        scores: of the hits that the draft was made from, best first.
        answer: the text that was given in the end.
    """
    return {
        "policy": verdict.policy,
        "escalated": verdict.escalate,
        "stood": drafted is not None and words(drafted.text) == words(answer),
        "features": features(verdict, drafted, scores),
    }


def calibrate_gate(learning: Learning, namespace: str, budget: float) -> Calibration:
    """Fit the gate of a namespace to its logged verdicts and rewards, and keep it for the policy `calibrated`.

    Args:
        budget: the share of questions that may escalate, from 0 to 1.

    Raises:
        NotFound: no such namespace.
        InvalidInput: another budget, or too few outcomes, with the counts; what was calibrated before stays.
    """
    if isinstance(budget, bool) or not isinstance(budget, int | float) or not 0.0 <= budget <= 1.0:
        raise InvalidInput(f"a budget of {shown(budget)} came; give the share of questions to escalate, from 0 to 1")
    rewards = {outcome.trace.id: outcome.rewards for outcome in learning.outcomes(namespace)}
    found = calibrate(observations(learning.traces(namespace, "ask"), rewards), float(budget))
    learning.set_calibration(namespace, GATE, _to_document(found))
    return found


def gate_scorer(learning: Learning, namespace: str) -> GateScorer:
    """The calibrated gate of a namespace.

    Raises:
        InvalidInput: there is none, or it was fitted to other features than this version takes.
    """
    document = learning.calibration(namespace, GATE)
    if document is None or document["features"] != list(FEATURES):
        was = "no gate was calibrated" if document is None else "the gate was calibrated by another version"
        raise InvalidInput(
            f"gate 'calibrated' came, and {was} in namespace {namespace!r}; "
            "run `memsvc gate calibrate`, or use 'quality'"
        )
    centre, scale, weights = (tuple(document[name]) for name in ("centre", "scale", "weights"))
    return GateScorer(LogisticModel(centre, scale, weights, document["intercept"]), document["threshold"])


def observations(traces: Iterable[Trace], rewards: Mapping[str, Sequence[float]]) -> Observations:
    """What traces of `ask` teach of the gate; a draft is bad where its rewards are not above 0 on average."""
    rows: list[list[float]] = []
    known: list[bool] = []
    failed: list[bool] = []
    forced = 0
    for trace in traces:
        record = trace.document.get(GATE)
        if record is None or record["policy"] not in _JUDGED:
            continue
        if record["features"] is None:  # NONE, or a verdict that could not be read: escalates whatever the model says
            forced += 1
        elif record["features"].keys() == set(FEATURES):
            given = rewards.get(trace.id, ()) if record["stood"] else ()
            rows.append([record["features"][name] for name in FEATURES])
            known.append(bool(given))
            failed.append(sum(given) <= 0)
    table = np.array(rows, np.float64).reshape(len(rows), len(FEATURES))
    return Observations(table, np.array(known, np.bool_), np.array(failed, np.bool_), forced)


def _to_document(found: Calibration) -> dict[str, Any]:
    model = found.model
    return {
        "features": list(FEATURES),
        "centre": model.centre, "scale": model.scale, "weights": model.weights, "intercept": model.intercept,
        "threshold": found.threshold, "budget": found.budget, "escalation_rate": found.escalation_rate,
        "outcomes": found.outcomes, "caught": found.caught, "missed": found.missed,
        "spared": found.spared, "wasted": found.wasted,
    }  # fmt: skip
