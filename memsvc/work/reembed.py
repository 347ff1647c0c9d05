"""Embedding in the background what the model in use has not embedded yet.

Rows come to lack a vector when the embedder is changed. Until they have one, they are found by
their words and their hyperedges. The work is cut into small writes, each durable and seen by every
process; a process that ends in the middle loses at most the batch under way. Where the embedder fails,
the rows stay stale, `stats` counts them, and the next look-up tries again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc.work.background import Background

if TYPE_CHECKING:
    from collections.abc import Callable

    from memsvc_retrievers.protocols import Embedder
    from memsvc_store.store import Store

BATCH = 64


class Reembedder:
    """One worker thread, started when there is something to do."""

    def __init__(self, store: Store, embedder: Embedder) -> None:
        self._store, self._embedder = store, embedder
        self._background = Background("reembed", self.run)

    def wake(self, namespace: str) -> None:
        """See to a namespace soon; returns at once."""
        self._background.wake(namespace)

    def close(self) -> None:
        """Stop after the batch under way."""
        self._background.close()

    def run(self, namespace: str, progress: Callable[[int], None] | None = None) -> None:
        """See to a namespace now, batch by batch, until every memory has a vector."""
        while not self._background.stopped:
            batch = self._store.stale(namespace, BATCH)
            if not batch:
                return
            vectors = self._embedder.embed([text for _, text in batch])
            pairs = zip(batch, vectors, strict=True)
            self._store.embed(namespace, {memory_id: (text, vector) for (memory_id, text), vector in pairs})
            if progress is not None:
                progress(len(batch))
