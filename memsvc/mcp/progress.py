"""Steps of `ask` on their way to whoever called the tool. A client that gives up after a silent minute waits on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from memsvc.mcp import telling

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from memsvc.asking.events import Event

    Report = Callable[[float, float | None, str | None], Coroutine[None, None, None]]


class Progress:
    """Tells steps from the thread of the work, in the loop that it is made in; heard only where that was asked for.

    How many steps there will be is not known before the gate has judged, so that they are counted without a total.
    """

    def __init__(self, report: Report) -> None:
        self._report, self._loop = report, asyncio.get_running_loop()
        self._steps = 0

    def __call__(self, event: Event) -> None:
        """Tell one step. Whether it was heard does not matter: who hung up cancels the work on another way."""
        if event.stage != "answered":  # the result says that
            self._steps += 1
            asyncio.run_coroutine_threadsafe(self._report(self._steps, None, telling.step(event)), self._loop)
