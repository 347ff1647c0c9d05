"""What a run found: one outcome a question, the means by system and group, and the two files that keep them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memsvc_evals.datasets.values import listed
from memsvc_evals.errors import MeasurementError
from memsvc_evals.retrieval import metrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from memsvc_evals.datasets.values import Dataset, Question

SERVICE = "memsvc"
TOKEN_DEPTH = 10
SUMMARY_FILE = "summary.json"
QUESTIONS_FILE = "questions.jsonl"

Metrics = dict[str, dict[str, dict[str, float]]]
"""system -> group -> measure -> value."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question with what every system returned for it, best first.

    `seconds` is the wall time of the service's search, `tokens` the size of its first ten hits.
    """

    question: Question
    conversation: str
    rankings: Mapping[str, tuple[str, ...]]
    seconds: float
    tokens: int

    def to_dict(self, categories: Mapping[int, str]) -> dict[str, Any]:
        """The line of this question. Its wording stays out: a data set's licence may forbid to copy it."""
        question = self.question
        return {
            "question_id": question.id,
            "conversation": self.conversation,
            "category": question.category,
            "category_name": categories[question.category],
            "gold": list(question.evidence),
            "latency_ms": round(self.seconds * 1000, 3),
            "tokens": self.tokens,
            "systems": {
                system: {"gold_ranks": metrics.gold_ranks(ranking, question.evidence), "returned": list(ranking)}
                for system, ranking in self.rankings.items()
            },
        }


@dataclass(frozen=True, slots=True)
class Result:
    """A run: its outcomes in the order of the data set, what it ran on and with, and the means.

    `receipts` counts the messages by what `add` said of them.
    """

    dataset: Dataset
    outcomes: tuple[Outcome, ...]
    provenance: Mapping[str, Any]
    settings: Mapping[str, Any]
    receipts: Mapping[str, int]

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems that answered, the service first."""
        return tuple(self.outcomes[0].rankings) if self.outcomes else ()

    @property
    def metrics(self) -> Metrics:
        """Means over the scored questions of each group; sizes and times over all that were asked."""
        return {
            system: {group: self._measures(system, members) for group, members in self.dataset.groups.items()}
            for system in self.systems
        }

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """For each group how many questions were asked, and how many have evidence and were scored."""
        return {
            group: {"asked": len(self._asked(members)), "scored": len(_scored(self._asked(members)))}
            for group, members in self.dataset.groups.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """The summary, as JSON holds it."""
        data = self.dataset
        return {
            "dataset": data.to_dict(),
            "provenance": dict(self.provenance),
            "settings": dict(self.settings),
            "receipts": dict(self.receipts),
            "categories": {str(number): name for number, name in data.categories.items()},
            "counts": self.counts,
            "exclusions": listed(data.exclusions),
            "repairs": listed(data.repairs),
            "metrics": self.metrics,
        }

    def save(self, folder: Path) -> None:
        """Write `questions.jsonl` and `summary.json` into a folder, which is made if need be.

        Raises:
            MeasurementError: they cannot be written there.
        """
        lines = (outcome.to_dict(self.dataset.categories) for outcome in self.outcomes)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            (folder / QUESTIONS_FILE).write_text(text, encoding="utf-8")
            summary = json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"
            (folder / SUMMARY_FILE).write_text(summary, encoding="utf-8")
        except OSError as error:
            raise MeasurementError(f"{folder}: cannot be written ({error.strerror}); give another folder") from error

    def _asked(self, members: Iterable[int]) -> list[Outcome]:
        wanted = frozenset(members)
        return [outcome for outcome in self.outcomes if outcome.question.category in wanted]

    def _measures(self, system: str, members: Iterable[int]) -> dict[str, float]:
        asked = self._asked(members)
        rows = [metrics.scores(outcome.rankings[system], outcome.question.evidence) for outcome in _scored(asked)]
        cost = _cost(asked) if system == SERVICE and asked else {}
        return {**metrics.mean_scores(rows), **cost}


def _scored(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.question.evidence]


def _cost(outcomes: Sequence[Outcome]) -> dict[str, float]:
    times = [outcome.seconds * 1000 for outcome in outcomes]
    return {
        f"tokens@{TOKEN_DEPTH}": metrics.mean([outcome.tokens for outcome in outcomes]),
        "latency_p50_ms": metrics.percentile(times, 50),
        "latency_p95_ms": metrics.percentile(times, 95),
    }
