"""What `ask` gives back, and what it tells while it works."""

from dataclasses import dataclass, field
from typing import Literal

from memsvc_retrievers.deliberation.coverage import Coverage
from memsvc_retrievers.gate.verdict import Verdict
from memsvc_retrievers.ledger import Ledger
from memsvc_retrievers.passages import Evidence
from memsvc_store.values.document import Value

Process = Literal["fast", "scan", "hypergraph", "extractive", "abstained"]
Stage = Literal["retrieved", "drafted", "judged", "deliberating", "answered"]

NOTHING_FOUND = "No memory matches the question."
NOT_ANSWERED = "The memories do not answer the question."


@dataclass(frozen=True, slots=True)
class Answer(Value):
    """What `ask` found, what it rests on, and what it cost.

    `process` says who gave it: `fast` (from what was looked up), `scan` (the log was read again), `hypergraph` (a
    working memory was grown), `extractive` (no model reasoned: what was said, a line each), or `abstained` (no
    answer; `evidence` is empty). `verdict` is the gate's, `coverage` what a slow process read; None where there was
    none. `seconds` is time on the clock. `retrieved` are the ids that the look-up found, best first. `trace_id` is what
    `feedback` wants; None if the namespace is not there. `notes` are sentences about filters that name nobody
    and nothing that there is.
    """

    text: str
    process: Process
    evidence: tuple[Evidence, ...]
    seconds: float
    verdict: Verdict | None = None
    coverage: Coverage | None = None
    ledger: Ledger = field(default_factory=Ledger)
    retrieved: tuple[str, ...] = ()
    trace_id: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event(Value):
    """One step of `ask`, `seconds` after it began.

    `retrieved`: `done` memories were found. `drafted`: `text` is the fast answer. `judged`: `verdict` on it.
    `deliberating`: `done` of `total` chunks, or steps of working memory, are over.
    `answered`: the last event, with the `answer`.
    """

    stage: Stage
    seconds: float
    done: int = 0
    total: int = 0
    text: str = ""
    verdict: Verdict | None = None
    answer: Answer | None = None
