"""What came of jobs, and what their calls cost."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from memsvc_retrievers.ledger import Ledger
from memsvc_store.values.document import Value
from memsvc_store.values.jobs import Job

_SUMMED = (
    "stored", "added", "updated", "deleted", "unchanged", "dropped", "calls", "prompt_tokens", "completion_tokens",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExtractionSummary(Value):
    """What came of a run. `done`, `put_back` and `failed` count jobs, an attempt each; `stored` new facts.

    `put_back` are those whose messages changed meanwhile, and those that will be tried again after an error. Of the
    candidates, `added` were new, `updated` and `deleted` replaced an old fact, `unchanged` were known,
    and `dropped` could not be used.

    `spent` is what all attempts at these jobs cost, by purpose of the calls; a `cost` is None where a price is unknown.
    `error` is that of the first job that could not be done. Of the jobs that are left, `waiting` wait for another
    attempt and `held` are in the hands of another worker; the first of them may be taken up at `free_at`.
    """

    done: int = 0
    put_back: int = 0
    failed: int = 0
    stored: int = 0
    added: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    dropped: int = 0
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    spent: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    error: str | None = None
    waiting: int = 0
    held: int = 0
    free_at: datetime | None = None

    @classmethod
    def of(cls, jobs: Sequence[Job]) -> Self:
        """The sums over jobs as they ended."""
        states = Counter({"done": "done", "queued": "put_back", "failed": "failed"}[job.state] for job in jobs)
        sums: Counter[str] = Counter()
        for job in jobs:
            if job.state == "done" or job.error:  # else its messages changed, and its result is of an attempt before
                sums.update({name: job.result.get(name, 0) for name in _SUMMED})
        counts: dict[str, Any] = {**states, **sums, "spent": merged(job.result.get("spent", {}) for job in jobs)}
        return cls(**counts, error=next((job.error for job in jobs if job.error), None))

    def with_left(self, left: Sequence[Job]) -> Self:
        """With the jobs that were left, which wait."""
        held = sum(job.state == "running" for job in left)
        free_at = min((job.free_at for job in left), default=None)
        return replace(self, waiting=len(left) - held, held=held, free_at=free_at)


def spent(job: Job, ledger: Ledger) -> dict[str, Any]:
    """The sums of an attempt's calls; and under `spent` those of all attempts, by purpose.

    The first are `calls`, `prompt_tokens` and `completion_tokens`; the others have `seconds`, `retries` and `cost` too.
    """
    by_purpose = {purpose: _sums(part) for purpose, part in ledger.by_purpose().items()}
    return {
        "calls": len(ledger.calls),
        "prompt_tokens": ledger.prompt_tokens,
        "completion_tokens": ledger.completion_tokens,
        "spent": merged([job.result.get("spent", {}), by_purpose]),
    }


def merged(costs: Iterable[Mapping[str, Mapping[str, Any]]]) -> dict[str, Mapping[str, Any]]:
    """Costs by purpose, added up."""
    found: dict[str, Mapping[str, Any]] = {}
    for cost in costs:
        found |= {purpose: _added(found.get(purpose), sums) for purpose, sums in cost.items()}
    return found


def _sums(ledger: Ledger) -> dict[str, float | None]:
    return {
        "calls": len(ledger.calls),
        "prompt_tokens": ledger.prompt_tokens,
        "completion_tokens": ledger.completion_tokens,
        "seconds": ledger.seconds,
        "retries": ledger.retries,
        "cost": ledger.cost,
    }


def _added(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Sums added up; a cost that is not known makes the whole unknown."""
    if one is None or other is None:
        return one or other or {}
    return {name: None if None in (one[name], other[name]) else one[name] + other[name] for name in one}
