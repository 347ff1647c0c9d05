"""Whether the process lives (`/livez`), and whether it can serve (`/readyz`): the two are not the same.

A process that waits for its database is alive: restarting it would not help. It is not ready: requests belong
elsewhere.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from starlette.responses import Response

from memsvc.errors import DatabaseError
from memsvc_store.values.document import dump

if TYPE_CHECKING:
    from starlette.requests import Request

    from memsvc import Memory
    from memsvc.service.service import Service

logger = logging.getLogger(__name__)


class Health:
    """The two questions. Their threads are their own: a service at its limits still answers them."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._limit = CapacityLimiter(2)

    async def live(self, _: Request) -> Response:
        """Alive: the process answers."""
        return _answer(200, {"status": "ok"})

    async def ready(self, _: Request) -> Response:
        """Ready: the database answers at the schema of this version, and the embedder is loaded."""
        database = await to_thread.run_sync(_database_reason, self._service.memory, limiter=self._limit)
        closing = "the service is shutting down" if self._service.closing else None
        reasons = [reason for reason in (closing, database, self._service.warmup.reason) if reason]
        return _answer(503 if reasons else 200, {"status": "not ready" if reasons else "ready", "reasons": reasons})


def _database_reason(memory: Memory) -> str | None:
    """Why the database cannot be used; None where it can."""
    try:
        memory.store.database.check()
    except DatabaseError as error:
        logger.warning("not ready: %s", error)
        return f"the database cannot be used ({type(error).__name__}); the service's log says why"
    return None


def _answer(status: int, document: dict[str, object]) -> Response:
    return Response(dump(document), status, media_type="application/json", headers={"Cache-Control": "no-store"})
