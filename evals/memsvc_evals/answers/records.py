"""What a policy gave for a question, and that scored: a line of `answers.jsonl`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from memsvc_evals.errors import MeasurementError
from memsvc_retrievers.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memsvc_retrievers.deliberation.coverage import Coverage
    from memsvc_retrievers.gate.verdict import Verdict

Key = tuple[int, str, str]
"""Run, question, policy."""

ABSTAINED, FAILED = "abstained", "failed"
NOT_MENTIONED = "Not mentioned in the conversation"
"""The prediction of a policy that does not answer, in the words by which LoCoMo knows an abstention."""


_READ = ("messages", "read", "chunks", "facts", "kept", "false_quotes", "unsourced", "problems")
_SPENT = ("prompt_tokens", "completion_tokens", "cost", "seconds", "retries")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge said of an answer; `correct` is None where its reply could not be had, and `reason` says why."""

    correct: bool | None
    reason: str
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = 0.0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Record:
    """What one policy gave for one question in one run, in the order in which a line has it.

    Ids are the data set's own (`D1:3`). `retrieved` is what the look-up returned, best first; `cited` what the answer
    names as its source. `ledger` is what it cost by purpose, as if the policy had run alone, and so are `seconds`.
    `prediction` is empty where nothing was answered. Times stand under keys named "seconds" and nowhere else.
    """

    run: int
    policy: str
    conversation: str
    question_id: str
    category: int
    question: str
    gold: str | None
    prediction: str
    process: str
    evidence: tuple[str, ...]
    retrieved: tuple[str, ...]
    cited: tuple[str, ...]
    draft: str | None
    verdict: Mapping[str, Any] | None
    coverage: Mapping[str, Any] | None
    ledger: Mapping[str, Mapping[str, Any]]
    seconds: float
    scores: Mapping[str, float | None]
    judge: Mapping[str, Mapping[str, Any]]
    audited: Mapping[str, Any] | None
    error: str | None

    @property
    def key(self) -> Key:
        """What no other record of a run directory shares."""
        return self.run, self.question_id, self.policy

    @property
    def tokens(self) -> int:
        """Read and written for this answer, the judge's left out."""
        return sum(spent["prompt_tokens"] + spent["completion_tokens"] for spent in self.ledger.values())

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, value: object) -> Record:
        """A line that was read back.

        Raises:
            MeasurementError: it has other fields.
        """
        names = [field.name for field in fields(cls)]
        if not isinstance(value, dict) or sorted(value) != sorted(names):
            found = sorted(value) if isinstance(value, dict) else value
            raise MeasurementError(f"found {str(found)[:200]}, wanted an object with {', '.join(names)}")
        lists = {name: tuple(value[name]) for name in ("evidence", "retrieved", "cited")}
        return cls(**{**value, **lists})


@dataclass(frozen=True, slots=True)
class Given:
    """An answer, or why there is none; fields as in `Record`.

    `retrieved` and `cited` are ids of turns; None where nothing was looked up, or shown.
    """

    text: str
    process: str
    ledger: Ledger = field(default_factory=Ledger)
    seconds: float = 0.0
    retrieved: tuple[str, ...] | None = None
    cited: tuple[str, ...] | None = None
    draft: str | None = None
    verdict: Verdict | None = None
    coverage: Coverage | None = None
    error: str | None = None

    @property
    def answered(self) -> bool:
        """Whether there is an answer that can be right."""
        return self.process not in (ABSTAINED, FAILED)

    def to_json(self) -> dict[str, Any]:
        """What a record has of it, by the record's names."""
        verdict = self.verdict
        read = None if self.coverage is None else self.coverage.to_dict()
        return {
            "prediction": self.text,
            "process": self.process,
            "retrieved": self.retrieved or (),
            "cited": self.cited or (),
            "draft": self.draft,
            "verdict": verdict and {"escalate": verdict.escalate, "reasons": [asdict(one) for one in verdict.reasons]},
            "coverage": read and {name: read[name] for name in _READ},
            "ledger": {
                purpose: {"calls": len(part.calls), **{name: getattr(part, name) for name in _SPENT}}
                for purpose, part in self.ledger.by_purpose().items()
            },
            "seconds": self.seconds,
            "error": self.error,
        }
