"""Work in the background, namespace by namespace: one thread, started when there is something to do."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from memsvc.errors import Cancelled, MemsvcError

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


class Background:
    """Sees to namespaces that it was woken for, one after the other.

    Args:
        name: of the thread, and in the log.
        see_to: does what there is to do for a namespace; returns after how many seconds to come back,
            None for not before the next `wake`. It looks at `stopped` now and then. What it raises
            is logged: the work is kept in the database, and the next `wake` tries again.
    """

    def __init__(self, name: str, see_to: Callable[[str], float | None]) -> None:
        self._name, self._see_to = name, see_to
        self._due: dict[str, float] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """Whether to stop at the next good moment."""
        return self._stopped

    def wake(self, namespace: str, after: float = 0.0) -> None:
        """See to a namespace so many seconds from now, or earlier; returns at once."""
        due = time.monotonic() + after
        with self._changed:
            if self._stopped:
                return
            self._due[namespace] = min(due, self._due.get(namespace, due))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"memsvc-{self._name}", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Stop, and wait for what is under way."""
        with self._changed:
            self._stopped = True
            thread = self._thread
            self._changed.notify()
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while (namespace := self._next()) is not None:
            try:
                again = self._see_to(namespace)
            except Cancelled:
                again = None
            except MemsvcError as error:
                logger.warning("%s of %s stopped: %s", self._name, namespace, error)
                again = None
            if again is not None:
                self.wake(namespace, again)

    def _next(self) -> str | None:
        """The namespace that is due first, once it is due; None when stopped."""
        with self._changed:
            while not self._stopped:
                if not self._due:
                    self._changed.wait()
                    continue
                namespace = min(self._due, key=self._due.__getitem__)
                seconds = self._due[namespace] - time.monotonic()
                if seconds <= 0:
                    del self._due[namespace]
                    return namespace
                self._changed.wait(seconds)
        return None
