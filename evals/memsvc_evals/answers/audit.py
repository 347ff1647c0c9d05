"""A corrected answer key, the audit of LoCoMo by dial481/locomo-audit or a file of its form, and what it changes.

A JSON list of objects with `question_id` (`locomo_<index in the file>_qa<index in qa>`), `question`, `error_type` and
`correct_answer`. `WRONG_CITATION` corrects the evidence alone; every other type means that the key itself is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memsvc_evals.answers.measures import TEXTS, judge_value, metrics, within
from memsvc_evals.datasets.reading import as_list, as_object, complain, read_json, text_of
from memsvc_evals.errors import DatasetError
from memsvc_evals.scoring import ADVERSARIAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from memsvc_evals.answers.measures import Value
    from memsvc_evals.answers.records import Record
    from memsvc_evals.datasets.values import Dataset, Question

_ID = re.compile(r"locomo_(\d+)_qa(\d+)")
_HARMLESS = "WRONG_CITATION"


@dataclass(frozen=True, slots=True)
class AuditedKey:
    """`answers` holds the right answer of each question whose key is wrong, by the question's id.

    Of all `records`, `harmless` correct no answer, and `elsewhere` are of conversations that the data set lacks.
    """

    sha256: str
    answers: Mapping[str, str]
    records: int
    harmless: int
    elsewhere: int

    def to_json(self) -> dict[str, Any]:
        """Its counts, as JSON holds them."""
        counts = {"records": self.records, "corrected": len(self.answers)}
        return {**counts, "harmless": self.harmless, "elsewhere": self.elsewhere}


def read_audit(path: str | Path, dataset: Dataset) -> AuditedKey:
    """The corrections of a data set, which is to be whole: records name questions by their place in the file.

    Raises:
        DatasetError: the file cannot be read, is of another form, or was made for another file.
    """
    file = Path(path)
    value, digest = read_json(file)
    answers: dict[str, str] = {}
    harmless = elsewhere = 0
    entries = as_list(value, file.name)
    for position, entry in enumerate(entries):
        place = f"{file.name}[{position}]"
        record = as_object(entry, place)
        question = _question(record, dataset, place)
        if question is None:
            elsewhere += 1
        elif text_of(record, "error_type", place) == _HARMLESS:
            harmless += 1
        else:
            answers[question.id] = text_of(record, "correct_answer", place)
    if entries and elsewhere == len(entries):
        raise DatasetError(f"{file.name}: none of its {elsewhere} records is of {dataset.source}; give its own audit")
    return AuditedKey(digest, answers, len(entries), harmless, elsewhere)


def _question(record: Mapping[str, Any], dataset: Dataset, place: str) -> Question | None:
    """The question of a record; None if its conversation is not in the data."""
    name = text_of(record, "question_id", place)
    found = _ID.fullmatch(name)
    if found is None:
        raise complain(f"{place}.question_id", name, "an id like 'locomo_0_qa12'")
    conversation, number = int(found[1]), int(found[2])
    if conversation >= len(dataset.conversations):
        return None
    questions = dataset.conversations[conversation].questions
    asked = text_of(record, "question", place)
    if number >= len(questions) or questions[number].text != asked:
        there = questions[number].text if number < len(questions) else None
        raise complain(f"{place}.question", asked, f"the question {there!r} of {dataset.source}: the key of this file")
    return questions[number]


def ceiling(
    by_policy: Mapping[str, Sequence[Record]], dataset: Dataset, key: AuditedKey, judge_prompts: Iterable[str]
) -> dict[str, Any]:
    """What a faultless system could reach under the original key, and every policy under the corrected one."""
    measures = {name: _audited(name) for name in TEXTS}
    measures |= {f"judge:{name}": _audited_judge(name) for name in judge_prompts}
    groups = {group: tuple(one for one in members if one != ADVERSARIAL) for group, members in dataset.groups.items()}
    groups = {group: members for group, members in groups.items() if members}
    return {
        "key": key.to_json(),
        "groups": {group: _reachable(dataset, members, key) for group, members in groups.items()},
        "metrics": {
            policy: {group: metrics(within(of, members), measures) for group, members in groups.items()}
            for policy, of in by_policy.items()
        },
    }


def _reachable(dataset: Dataset, members: Sequence[int], key: AuditedKey) -> dict[str, Any]:
    ids = [one.id for each in dataset.conversations for one in each.questions if one.category in members]
    corrected = sum(one in key.answers for one in ids)
    return {"questions": len(ids), "corrected": corrected, "ceiling": 1 - corrected / len(ids) if ids else None}


def _audited(name: str) -> Value:
    return lambda record: (record.audited or record.scores).get(name)


def _audited_judge(name: str) -> Value:
    value = judge_value(name)
    return lambda record: value(replace(record, judge=record.audited["judge"]) if record.audited else record)
