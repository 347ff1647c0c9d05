"""The events of one `ask` as an iterator, while it works in a thread of its own."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memsvc.asking.events import Event
    from memsvc.asking.prepare import Work


def streamed(work: Work) -> Iterator[Event]:
    """The events of one `ask`, as they come, while it works in a thread of its own.

    Closing the iterator early cancels the work, calls under way included.

    Raises:
        MemsvcError: what `ask` raises, after the events that came before it.
    """
    events: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
    stopped = threading.Event()

    def run() -> None:
        try:
            work(events.put, stopped.is_set)
            events.put(None)
        except BaseException as error:  # handed over to the caller's thread whole  # noqa: BLE001
            events.put(error)

    thread = threading.Thread(target=run, name="memsvc-ask", daemon=True)
    thread.start()
    try:
        while (event := events.get()) is not None:
            if isinstance(event, BaseException):
                raise event
            yield event
    finally:
        stopped.set()
        thread.join()
