"""What is drawn and is not in the summary: recall by depth, and times by policy, with their tables. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memsvc_evals.retrieval.metrics import mean, percentile, recall_at
from memsvc_evals.table import NOTHING, Table, count, percent, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_evals.answers.records import Record
    from memsvc_evals.reports.reading import Run

Answers = dict[tuple[int, str], "Record"]
"""One policy's answers, by run and question."""


_DEPTHS = (1, 5, 10, 25, 50)
_SHARES = (5, 25, 50, 75, 95)


@dataclass(frozen=True, slots=True)
class Curve:
    """Recall at the depths 1, 2, ..., len(recall) of the one look-up that `policies` share, over `n` questions."""

    policies: tuple[str, ...]
    recall: tuple[float, ...]
    n: int


def answers(run: Run, policy: str) -> Answers:
    """A policy's answers without those whose call failed."""
    return {
        (record.run, record.question_id): record
        for record in run.records
        if record.policy == policy and record.error is None
    }


def recall_curves(run: Run) -> tuple[Curve, ...]:
    """A curve for each distinct look-up, over the headline questions that have evidence.

    Policies share a look-up if it returned the same to both wherever both answered.
    """
    looked_up: list[tuple[list[str], Answers]] = []
    for policy in run.policies:
        own = answers(run, policy)
        if not any(record.retrieved for record in own.values()):
            continue
        same = next((names for names, other in looked_up if _agree(own, other)), None)
        if same is None:
            looked_up.append(([policy], own))
        else:
            same.append(policy)
    members = run.members(run.headline)
    return tuple(
        _curve(names, [one for one in own.values() if one.category in members and one.evidence])
        for names, own in looked_up
    )


def times(run: Run) -> dict[str, tuple[float, ...]]:
    """Seconds of each answer, by policy."""
    found = {policy: tuple(record.seconds for record in answers(run, policy).values()) for policy in run.policies}
    return {policy: seconds for policy, seconds in found.items() if seconds}


def recall_table(run: Run) -> Table:
    """Look-ups by recall at some depths."""
    rows = [
        (
            ", ".join(curve.policies),
            *(percent(curve.recall[k - 1]) if k <= len(curve.recall) else NOTHING for k in _DEPTHS),
            count(curve.n),
        )
        for curve in recall_curves(run)
        if curve.recall
    ]
    head = ("look-up of", *(f"k = {k}" for k in _DEPTHS), "answers")
    return Table.of(f"Evidence among the first k retrieved, categories {run.headline} (%)", head, rows)


def times_table(run: Run) -> Table:
    """Policies by the seconds within which so many per cent of the answers came."""
    rows = [
        (policy, *(seconds(percentile(found, share)) for share in _SHARES), count(len(found)))
        for policy, found in times(run).items()
    ]
    head = ("policy", *(f"{share} %" for share in _SHARES), "answers")
    return Table.of("Seconds within which so many of the answers came", head, rows)


def _agree(one: Answers, other: Answers) -> bool:
    return all(one[key].retrieved == other[key].retrieved for key in one.keys() & other.keys())


def _curve(names: Sequence[str], records: Sequence[Record]) -> Curve:
    depth = max((len(record.retrieved) for record in records), default=0)
    recall = (
        mean([recall_at(record.retrieved, record.evidence, k) for record in records]) for k in range(1, depth + 1)
    )
    return Curve(tuple(names), tuple(recall), len(records))
