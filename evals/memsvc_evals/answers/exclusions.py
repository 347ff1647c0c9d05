"""Everything that was left out, repaired or failed, counted and listed: nothing is skipped in silence. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from memsvc_evals.datasets.values import count_by_reason
from memsvc_evals.scoring import ADVERSARIAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from memsvc_evals.answers.audit import AuditedKey
    from memsvc_evals.answers.records import Record
    from memsvc_evals.datasets.values import Dataset, Note


def exclusions(
    dataset: Dataset,
    records: Iterable[Record],
    ingestion: Mapping[str, Mapping[str, Any]],
    key: AuditedKey | None,
) -> dict[str, Any]:
    """What the loader left out, and what this run could not score, each counted and listed."""
    loader = listed(dataset.exclusions)
    questions = [one for each in dataset.conversations for one in each.questions]
    more = [
        _note("question without an answer", one.id, one.text)
        for one in questions
        if one.answer is None and one.category != ADVERSARIAL
    ]
    more += [
        _note("answer that failed", f"{one.question_id}, {one.policy}, run {one.run}", one.error)
        for one in records
        if one.error is not None
    ]
    more += [
        _note("messages without facts", conversation, f"{one['failed']} messages")
        for conversation, one in ingestion.items()
        if one["failed"]
    ]
    if key is not None and key.elsewhere:
        more.append(_note("audit of another conversation", "audited key", f"{key.elsewhere} records"))
    counts = Counter(note["reason"] for note in more)
    return {"counts": {**loader["counts"], **counts}, "list": [*loader["list"], *more]}


def listed(found: Iterable[Note]) -> dict[str, Any]:
    """Notes of the loader, counted by reason and in full."""
    notes = list(found)
    return {"counts": count_by_reason(notes), "list": [note.to_dict() for note in notes]}


def _note(reason: str, place: str, value: str | None) -> dict[str, str]:
    return {"reason": reason, "place": place, "value": value or ""}


def _failures(record: Record) -> list[str]:
    """Why a record has no answer, or no judgement."""
    found = [] if record.error is None else [record.error]
    again = record.audited["judge"] if record.audited else {}
    judged = {**record.judge, **{f"{name}, audited": one for name, one in again.items()}}
    return found + [f"judge {name}: {one['reason']}" for name, one in judged.items() if one["correct"] is None]


def _failure(record: Record, why: str) -> dict[str, Any]:
    return {"question_id": record.question_id, "policy": record.policy, "run": record.run, "error": why}


def failed(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Every answer, and every judgement, that could not be had."""
    return [_failure(record, why) for record in records for why in _failures(record)]
