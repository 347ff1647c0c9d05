"""Embedding in the background what the model in use has not embedded yet.

Rows come to lack a vector when the embedder is changed. Until they have one, they are found by
their words and their hyperedges. The work is cut into small writes, each durable and seen by every
process; a process that ends in the middle loses at most the batch under way.
"""

from __future__ import annotations

import logging
import queue
import threading
from typing import TYPE_CHECKING

from memsvc.errors import MemsvcError

if TYPE_CHECKING:
    from collections.abc import Callable

    from memsvc.models.embedding.checked import CheckedEmbedder
    from memsvc_store.store import Store

BATCH = 64

logger = logging.getLogger(__name__)


class Reembedder:
    """One worker thread, started when there is something to do."""

    def __init__(self, store: Store, embedder: CheckedEmbedder) -> None:
        self._store, self._embedder = store, embedder
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._waiting: set[str] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def wake(self, namespace: str) -> None:
        """See to a namespace soon; returns at once."""
        with self._lock:
            if namespace in self._waiting or self._stopped.is_set():
                return
            self._waiting.add(namespace)
            self._queue.put(namespace)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="memsvc-reembed", daemon=True)
                self._thread.start()

    def run(self, namespace: str, progress: Callable[[int], None] | None = None) -> None:
        """See to a namespace now, batch by batch, until every memory has a vector."""
        while not self._stopped.is_set():
            batch = self._store.stale(namespace, BATCH)
            if not batch:
                return
            vectors = self._embedder.embed([text for _, text in batch])
            pairs = zip(batch, vectors, strict=True)
            self._store.embed(namespace, {memory_id: (text, vector) for (memory_id, text), vector in pairs})
            if progress is not None:
                progress(len(batch))

    def close(self) -> None:
        """Stop after the batch under way."""
        self._stopped.set()
        with self._lock:
            thread = self._thread
            self._queue.put(None)
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while (namespace := self._queue.get()) is not None:
            try:
                self.run(namespace)
            except MemsvcError as error:  # the rows stay stale, `stats` counts them, the next look-up tries again
                logger.warning("re-embedding %s stopped: %s", namespace, error)
            finally:
                with self._lock:
                    self._waiting.discard(namespace)
