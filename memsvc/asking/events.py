"""What `ask` tells while it works."""

from dataclasses import dataclass
from typing import Literal

from memsvc.asking.answer import Answer
from memsvc_retrievers.verdict import Verdict
from memsvc_store.values.document import Value

Stage = Literal["retrieved", "drafted", "judged", "deliberating", "answered"]


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
