"""Traces: what a look-up gave, kept so that it can be rewarded later."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from memsvc_store.errors import NotFound
from memsvc_store.values.document import Value
from memsvc_store.values.learned import Considered, Trace
from memsvc_store.values.shapes import Hit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from memsvc_store.store import Store
    from memsvc_store.values.learned import TraceKind


class Hits(list[Hit], Value):
    """What `search` found, best first. `trace_id` is what `feedback` wants; None if no trace was asked for."""

    def __init__(self, hits: Iterable[Hit], trace_id: str | None = None) -> None:
        super().__init__(hits)
        self.trace_id = trace_id

    def to_dict(self) -> dict[str, Any]:
        """The hits and the trace, as over HTTP."""
        return {"hits": [hit.to_dict() for hit in self], "trace_id": self.trace_id}


class Tracer:
    """Writes traces, durably, before anybody learns their ids."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now

    def keep(
        self,
        namespace: str,
        kind: TraceKind,
        query: str,
        *,
        used: Iterable[str],
        cited: Iterable[str] = (),
        pool: Iterable[Considered] = (),
        weight: float | None = None,
        document: Mapping[str, Any] | None = None,
        session_id: str | None = None,
    ) -> str | None:
        """The id of a new trace; None where there is no such namespace, and so nothing to learn.

        `session_id` is the session on whose behalf it was looked up.
        """
        trace = Trace(
            secrets.token_hex(16), kind, query, self._now(),
            tuple(used), tuple(cited), tuple(pool), weight, document or {}, session_id,
        )  # fmt: skip
        try:
            self._store.learning.add_trace(namespace, trace)
        except NotFound:
            return None
        return trace.id


def considered(hits: Iterable[Hit]) -> list[Considered]:
    """Hits of a deterministic look-up, as a pool of which each was chosen for sure."""
    return [
        Considered(hit.id, hit.score - hit.parts.utility, 0.0 if hit.blend is None else hit.blend.q, 1.0)
        for hit in hits
    ]
