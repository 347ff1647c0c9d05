"""What a slow process came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import computed_field

from memsvc_store.values.document import Value

if TYPE_CHECKING:
    from memsvc_retrievers.gate.drafting import Draft


@dataclass(frozen=True, slots=True)
class Coverage(Value):
    """What was read, and what was made of it.

    `read` of `messages` were read, in `chunks` (first and last message, counted from 1); `problems` says why a chunk
    could not be. A working memory reads what it looks up, and no chunks. `facts` (or points of working memory)
    came back, `kept` went into the answer. `false_quotes` do not occur in their source and were dropped; `unsourced`
    facts named no message of their chunk and were dropped whole.
    """

    messages: int
    read: int
    facts: int = 0
    kept: int = 0
    false_quotes: int = 0
    unsourced: int = 0
    problems: tuple[str, ...] = ()
    chunks: tuple[tuple[int, int], ...] = ()

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorator of a property
    @property
    def share(self) -> float:
        """The share of the messages that were read, 0 to 1."""
        return self.read / self.messages if self.messages else 1.0


@dataclass(frozen=True, slots=True)
class Deliberated:
    """`draft` is None if nothing was found that bears on the question."""

    draft: Draft | None
    coverage: Coverage
