"""The running totals of one source's steps on one memory, for a replay: SQL finds them by an index."""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter

from memsvc_store.writing.utilities import Totals

_BEGINNING = (0, 0.0)
"""Before the first step: number and total."""


class Running:
    """Steps in the order of the log. Finds the last one outside of a window by two bisections, whatever clocks did.

    A step hides those before it whenever it is outside of a window itself. So of the steps that are older than a window
    only those matter that no later one is older than, and of those that are ahead of it those that none is further
    ahead of: two stacks, in the order of the log and of time alike.
    """

    def __init__(self) -> None:
        self._steps = 0
        self._total = 0.0
        self._older: list[tuple[int, int, float]] = []
        self._ahead: list[tuple[int, int, float]] = []

    def add(self, at: int, total: float) -> None:
        """One step more: when (microseconds), and the total after it."""
        self._steps, self._total = self._steps + 1, total
        for stack, time in ((self._older, at), (self._ahead, -at)):
            while stack and stack[-1][0] >= time:
                stack.pop()
            stack.append((time, self._steps, total))

    def totals(self, since: int, until: int) -> Totals:
        """The total now, and the one after the last step at `since` or before it, or at `until` or after it."""
        last = max(_last(self._older, since), _last(self._ahead, -until))
        return Totals(self._total, last[1])


def _last(stack: list[tuple[int, int, float]], time: int) -> tuple[int, float]:
    place = bisect_right(stack, time, key=itemgetter(0))
    return stack[place - 1][1:] if place else _BEGINNING
