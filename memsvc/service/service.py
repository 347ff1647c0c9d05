"""What the routes of one service share."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memsvc.errors import Cancelled
from memsvc.service.pools import Pools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memsvc import Memory
    from memsvc.service.door import Door
    from memsvc.service.metrics import Metrics
    from memsvc.service.telemetry import Tracing
    from memsvc.service.warmup import Warmup
    from memsvc_store.values.jobs import Job

HEARTBEAT_SECONDS = 15.0
"""After how long a silent stream says that it lives; proxies give up on one after 30 or 60 s."""


class Asks:
    """The `ask`s under way, and how to stop them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stops: set[threading.Event] = set()
        self._closed = False

    def __len__(self) -> int:
        """How many there are."""
        return len(self._stops)

    @property
    def stopping(self) -> int:
        """How many of them were told to stop."""
        with self._lock:
            return sum(stop.is_set() for stop in self._stops)

    @contextmanager
    def one(self) -> Iterator[threading.Event]:
        """The event that stops one of them, once it is set."""
        stop = threading.Event()
        with self._lock:
            self._stops.add(stop)
            if self._closed:
                stop.set()
        try:
            yield stop
        finally:
            with self._lock:
                self._stops.discard(stop)

    def stop_all(self) -> None:
        """Stop those under way and those to come."""
        with self._lock:
            self._closed = True
            for stop in self._stops:
                stop.set()


@dataclass(slots=True)
class Service:
    """One memory behind HTTP. `door` says who asks; `closing` is set once no more requests are wanted."""

    memory: Memory
    door: Door
    metrics: Metrics
    tracing: Tracing
    warmup: Warmup
    heartbeat: float = HEARTBEAT_SECONDS
    pools: Pools = field(default_factory=Pools)
    asks: Asks = field(default_factory=Asks)
    closing: bool = False

    def check_open(self, _: Job) -> None:
        """Go on with the next job.

        Raises:
            Cancelled: the service is shutting down; what was not done stays queued.
        """
        if self.closing:
            raise Cancelled("the service is shutting down; the jobs that are left stay queued")
