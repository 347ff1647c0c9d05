"""What a policy gave for a question, before it is scored."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from memsvc_retrievers.ledger import Ledger

if TYPE_CHECKING:
    from memsvc_retrievers.coverage import Coverage
    from memsvc_retrievers.verdict import Verdict

ABSTAINED, FAILED = "abstained", "failed"
NOT_MENTIONED = "Not mentioned in the conversation"
"""The prediction of a policy that does not answer, in the words by which LoCoMo knows an abstention."""


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

    def verdict_json(self) -> dict[str, Any] | None:
        """The verdict as a record has it."""
        if self.verdict is None:
            return None
        return {"escalate": self.verdict.escalate, "reasons": [asdict(reason) for reason in self.verdict.reasons]}

    def coverage_json(self) -> dict[str, Any] | None:
        """What was read, as a record has it."""
        if self.coverage is None:
            return None
        read = self.coverage
        return {
            "messages": read.messages,
            "read": read.read,
            "chunks": [list(chunk) for chunk in read.chunks],
            "facts": read.facts,
            "kept": read.kept,
            "false_quotes": read.false_quotes,
            "unsourced": read.unsourced,
            "problems": list(read.problems),
        }

    def ledger_json(self) -> dict[str, dict[str, Any]]:
        """What was called, by purpose."""
        return {
            purpose: {
                "calls": len(part.calls),
                "prompt_tokens": part.prompt_tokens,
                "completion_tokens": part.completion_tokens,
                "cost": part.cost,
                "seconds": part.seconds,
                "retries": part.retries,
            }
            for purpose, part in self.ledger.by_purpose().items()
        }
