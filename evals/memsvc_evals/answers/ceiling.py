"""What a corrected answer key changes: the best that the original one allows, and the scores under the other. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memsvc_evals.answers.measures import TEXTS, judge_value, metrics, within
from memsvc_evals.scoring import ADVERSARIAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from memsvc_evals.answers.audit import AuditedKey
    from memsvc_evals.answers.measures import Value
    from memsvc_evals.answers.records import Record
    from memsvc_evals.datasets.values import Dataset


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
    original = judge_value(name)

    def value(record: Record) -> float | None:
        if record.audited is None:
            return original(record)
        correct = record.audited["judge"].get(name, {}).get("correct")
        return None if correct is None else float(correct)

    return value
