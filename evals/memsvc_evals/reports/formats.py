"""Measures as a reader wants them: what they are called, in which order they stand, and their figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memsvc_evals.table import NOTHING, count, percent, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

_LABELS = {
    "f1": "F1",
    "f1_set": "F1 of sets",
    "bleu1": "BLEU-1",
    "em": "exact match",
    "recall_retrieved": "evidence found",
    "recall_cited": "evidence cited",
    "abstained": "abstained",
    "escalation": "escalated",
    "abstention_precision": "precision",
    "abstention_recall": "recall",
    "abstention_false": "false alarms",
    "tokens": "tokens",
    "seconds": "seconds",
}
_RANK = {name: place for place, name in enumerate(_LABELS)}


def label(measure: str) -> str:
    """What a measure is called in a table; `judge:strict-1` is "judge strict-1"."""
    return _LABELS.get(measure, measure.replace(":", " ", 1))


def ordered(measures: set[str]) -> list[str]:
    """Measures as tables have them: texts, judges, evidence, abstention, effort."""
    return sorted(measures, key=lambda name: (_RANK.get(name, _RANK["em"] + 0.5), name))


def is_share(measure: str) -> bool:
    """Whether a measure lies between 0 and 1 and is shown in per cent."""
    return measure not in ("tokens", "seconds")


def value(measure: str, number: float | None) -> str:
    """One figure of a measure."""
    return percent(number) if is_share(measure) else seconds(number) if measure == "seconds" else count(number)


def difference(measure: str, number: float) -> str:
    """One figure with its sign: points of per cent, tokens or seconds."""
    return ("+" if number > 0 else "−" if number < 0 else "±") + value(measure, abs(number))


def span(measure: str, interval: Mapping[str, Any]) -> str:
    """The two ends of an interval."""
    return f"{value(measure, interval['low'])}–{value(measure, interval['high'])}"


def signed_span(measure: str, interval: Mapping[str, Any]) -> str:
    """The two ends of a difference's interval."""
    return f"{difference(measure, interval['low'])} to {difference(measure, interval['high'])}"


def chance(p: float | None) -> str:
    """A p-value with three digits; none of a finite test is zero."""
    return NOTHING if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
