"""Figures as a reader wants them: shares in per cent, counts with thousands, what is unknown as a dash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTHING = "–"
_COUNTS = ("tokens", "seconds")
_LABELS = {
    "f1": "F1",
    "f1_set": "F1 of sets",
    "bleu1": "BLEU-1",
    "em": "exact match",
    "recall_retrieved": "evidence retrieved",
    "recall_cited": "evidence cited",
    "abstained": "abstained",
    "escalation": "escalated",
    "abstention_precision": "abstention precision",
    "abstention_recall": "abstention recall",
    "abstention_false": "false abstention",
    "tokens": "tokens a question",
    "seconds": "seconds a question",
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
    return measure not in _COUNTS


def value(measure: str, number: float | None) -> str:
    """One figure of a measure."""
    if number is None:
        return NOTHING
    if is_share(measure):
        return f"{100 * number:z.1f}"
    return seconds(number) if measure == "seconds" else count(number)


def difference(measure: str, number: float) -> str:
    """One figure with its sign: points of per cent, tokens or seconds."""
    return ("+" if number > 0 else "−" if number < 0 else "±") + value(measure, abs(number))


def span(measure: str, interval: Mapping[str, Any]) -> str:
    """The two ends of an interval."""
    return f"{value(measure, interval['low'])} to {value(measure, interval['high'])}"


def signed_span(measure: str, interval: Mapping[str, Any]) -> str:
    """The two ends of a difference's interval."""
    return f"{difference(measure, interval['low'])} to {difference(measure, interval['high'])}"


def chance(p: float | None) -> str:
    """A p-value with three digits; none of a finite test is zero."""
    if p is None:
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def count(number: float | None) -> str:
    """With thousands; small ones that are not whole with one digit."""
    if number is None:
        return NOTHING
    return f"{number:,.0f}" if number == int(number) or abs(number) >= 100 else f"{number:,.1f}"


def seconds(number: float | None) -> str:
    """With as many digits as are worth reading."""
    if number is None:
        return NOTHING
    digits = next((digits for digits, least in enumerate((100, 10, 0.1)) if number >= least), 3)
    return f"{number:,.{digits}f}"


def money(number: float | None) -> str:
    """In the currency of the model's price list; a local model has no price."""
    return NOTHING if number is None else f"{number:,.4f}" if number else "0"
