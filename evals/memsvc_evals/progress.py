"""Tells a caller how far a long run has come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Progress = Callable[[str, int, int], None]
"""Called as `(stage, done, total)`."""


@dataclass(frozen=True, slots=True)
class Count:
    """Counts up by stage; `totals` says how far each stage goes."""

    progress: Progress | None
    totals: Mapping[str, int]
    done: Counter[str] = field(default_factory=Counter)

    def add(self, stage: str, by: int = 1) -> None:
        """So many more of this stage are done."""
        self.done[stage] += by
        if self.progress is not None:
            self.progress(stage, self.done[stage], self.totals[stage])
