"""The measures of an answer, and their means over questions. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from memsvc_evals.scoring import interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from memsvc_evals.answers.records import Record

    Value = Callable[[Record], float | None]
    Measures = Mapping[str, Value]

TEXTS = ("f1", "f1_set", "bleu1", "em")
RESAMPLES = 2_000
"""Of a bootstrap: its ends move by less than a tenth of a point, and there are hundreds of them."""


def measures_of(judge_prompts: Iterable[str]) -> dict[str, Value]:
    """Measure -> its value of a record; None where the record has none."""
    found: dict[str, Value] = {name: score_value(name) for name in TEXTS}
    found |= {f"judge:{name}": judge_value(name) for name in judge_prompts}
    found |= {name: score_value(name) for name in ("recall_retrieved", "recall_cited", "abstained")}
    return found | {"tokens": _tokens, "seconds": _seconds}


def score_value(name: str) -> Value:
    """A measure that each record was scored by."""
    return lambda record: record.scores.get(name)


def judge_value(name: str) -> Value:
    """Whether a judge found it right, under the prompt of that name."""

    def value(record: Record) -> float | None:
        correct = record.judge.get(name, {}).get("correct")
        return None if correct is None else float(correct)

    return value


def _tokens(record: Record) -> float:
    return float(record.tokens)


def _seconds(record: Record) -> float:
    return record.seconds


def _escalated(record: Record) -> float | None:
    return None if record.verdict is None else float(record.verdict["escalate"])


def for_gate(measures: Measures) -> dict[str, Value]:
    """With the share of answers that a gate did not take."""
    return {**measures, "escalation": _escalated}


def need_gold(measure: str) -> bool:
    """Whether a measure compares with a gold answer, and has nothing to say of a group that holds category 5."""
    return measure in TEXTS[1:] or measure.startswith("judge:")


def metrics(records: Sequence[Record], measures: Measures) -> dict[str, Any]:
    """Each measure's mean over questions with its interval; without those that no record has."""
    means = {name: list(by_question(records, value).values()) for name, value in measures.items()}
    return {name: interval(values, resamples=RESAMPLES).to_dict() for name, values in means.items() if values}


def by_question(records: Iterable[Record], value: Value) -> dict[str, float]:
    """Question -> the mean over its runs."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for record in records:
        one = value(record)
        if one is not None:
            found[record.question_id].append(one)
    return {question: math.fsum(values) / len(values) for question, values in found.items()}


def mean(records: Iterable[Record], value: Value) -> float | None:
    """Over questions; None where no record has the measure."""
    values = list(by_question(records, value).values())
    return math.fsum(values) / len(values) if values else None


def within(records: Iterable[Record], members: Sequence[int]) -> list[Record]:
    """Those of some categories."""
    return [record for record in records if record.category in members]
