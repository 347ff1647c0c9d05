"""Writers one after the other, in the order in which they came.

SQLite has one writer, and leaves it to the others to sleep and look again; whoever comes meanwhile goes first. Of 16
threads that wrote without a pause, one write in a hundred took 1 to 8 s that way, at a median of 7 to 20 ms
(`benchmarks/writers.py`).
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from memsvc_store.errors import DatabaseBusy

if TYPE_CHECKING:
    from collections.abc import Iterator


class Turns:
    """A lock for the threads of one process that goes to whoever has waited longest.

    Args:
        name: the database's, for the error.
        seconds: how long one waits before it gives up.
    """

    def __init__(self, name: str, seconds: float) -> None:
        self._name, self._seconds = name, seconds
        self._lock = threading.Lock()
        self._line: deque[threading.Event] = deque()
        """Whose turn it is, and behind it those who wait. An event is set once its owner is the first."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn, and have it until the block ends.

        Raises:
            DatabaseBusy: it did not come in time.
        """
        mine = threading.Event()
        try:
            with self._lock:
                self._line.append(mine)
                self._call_first()
            if not mine.wait(self._seconds):
                raise DatabaseBusy(
                    f"{self._name}: other threads of this process were writing for {self._seconds:g} s; retry, or "
                    "write from fewer"
                )
            yield
        finally:
            with self._lock:
                self._line.remove(mine)
                self._call_first()

    def _call_first(self) -> None:
        if self._line:
            self._line[0].set()
