"""What `ask` tells while it works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from memsvc.asking.answer import Answer
    from memsvc_retrievers.verdict import Verdict

Stage = Literal["retrieved", "drafted", "judged", "deliberating", "answered"]


@dataclass(frozen=True, slots=True)
class Event:
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
