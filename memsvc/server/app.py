"""The application: one memory, its verbs below `/v1`, and what an operator needs beside them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.routing import Match, Route

import memsvc
from memsvc.errors import MemsvcError
from memsvc.mcp import mounting
from memsvc.server.edge import SILENT_SECONDS, BodyPace, OwnHosts
from memsvc.server.health import Health
from memsvc.server.observing import Observing
from memsvc.server.openapi import document, page
from memsvc.server.routes import ALL
from memsvc.server.routing import VerbRoute
from memsvc.service import problems
from memsvc.service.access import open_door
from memsvc.service.limits import BodyLimit
from memsvc.service.metering import MeteredModel
from memsvc.service.metrics import CONTENT_TYPE, Metrics
from memsvc.service.service import HEARTBEAT_SECONDS, Service
from memsvc.service.telemetry import Tracing
from memsvc.service.warmup import Warmup
from memsvc.settings import BODY_BYTES
from memsvc_store.values.document import dump

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request

    from memsvc import Memory
    from memsvc.service.door import Door

_ABOUT = """\
Agent memory: write conversations, ask later, see where each answer came from.

Every call names its namespace. A key is sent as `Authorization: Bearer msk_...`; outside its
namespaces it is not told what is there. Errors are problems (RFC 9457) with a `code`."""


def build_app(
    memory: Memory,
    *,
    door: Door,
    metrics: Metrics | None = None,
    tracing: Tracing | None = None,
    heartbeat: float = HEARTBEAT_SECONDS,
    body_limit: int = BODY_BYTES,
    body_silence: float = SILENT_SECONDS,
) -> FastAPI:
    """The application over a memory, which stays the caller's to close.

    Args:
        door: tells who sent a request, before anything else of it is looked at.
        metrics: those that are counted in.
        tracing: where spans go; by default nowhere.
        heartbeat: seconds after which a silent stream says that it lives.
        body_limit: bytes of a request's body at most; an import is taken a line at a time, and may be longer.
        body_silence: seconds in which nothing of a body may come, until its request ends in a 408.
    """
    metrics = metrics or Metrics()
    tracing = tracing or Tracing()
    if memory.quota.limit is None:
        memory.models.surround(memory.quota.around)  # keys have limits of their own
    memory.models.surround(partial(MeteredModel, metrics=metrics, tracing=tracing))
    service = Service(memory, door, metrics, tracing, Warmup(memory.embedder), heartbeat)
    metrics.watch(memory, service.pools)
    app = FastAPI(
        title="memsvc", version=memsvc.__version__, description=_ABOUT, docs_url=None, redoc_url=None,
        openapi_url=None, lifespan=partial(_lifespan, service), redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # ours hold no text, see `service/telemetry.py`
    )  # fmt: skip
    app.state.service = service
    app.router.routes += [VerbRoute(service, verb) for verb in ALL]
    app.router.routes += _beside(app, service)
    mounting.mount(app, service, body_limit=body_limit)
    _handle_errors(app)
    app.add_middleware(BodyLimit, limit=body_limit, unlimited=["/v1/import"])
    app.add_middleware(BodyPace, seconds=body_silence)
    if door is open_door:
        app.add_middleware(OwnHosts)
    app.add_middleware(Observing, service=service)  # the last one added is the outermost
    return app


@asynccontextmanager
async def _lifespan(service: Service, _: FastAPI) -> AsyncIterator[None]:
    service.warmup.start()
    yield
    service.closing = True
    await to_thread.run_sync(service.warmup.join)
    await to_thread.run_sync(service.tracing.close)


def _beside(app: FastAPI, service: Service) -> list[Route]:
    """Health and documents, which take no key and hold nothing of a namespace; and metrics."""
    health, scrapes = Health(service), CapacityLimiter(1)

    async def metrics(request: Request) -> Response:
        (await service.door(request)).require("metrics", None)  # what everybody does, counted
        text = await to_thread.run_sync(service.metrics.text, limiter=scrapes)
        return Response(text, headers={"Content-Type": CONTENT_TYPE})

    async def openapi(_: Request) -> Response:
        return Response(dump(document(app)), media_type="application/json")

    async def docs(_: Request) -> Response:
        return HTMLResponse(page(document(app)))

    found: list[tuple[str, Callable[[Request], Awaitable[Response]]]] = [
        ("/livez", health.live), ("/readyz", health.ready), ("/metrics", metrics),
        ("/openapi.json", openapi), ("/docs", docs),
    ]  # fmt: skip
    return [Route(path, _labelled(path[1:], handle), include_in_schema=False) for path, handle in found]


def _labelled(name: str, handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def labelled(request: Request) -> Response:
        request.scope["memsvc.verb"] = name
        return await handle(request)

    return labelled


def _handle_errors(app: FastAPI) -> None:
    """Every error of a route is a problem."""

    async def ours(request: Request, error: Exception) -> Response:
        failure = cast("MemsvcError", error)
        return _respond(request, problems.of(failure, _id(request)), problems.headers_of(failure), failure)

    async def invalid(request: Request, error: Exception) -> Response:
        found = cast("RequestValidationError", error).errors()
        return _respond(request, problems.of_fields(found, _id(request)))

    async def http(request: Request, error: Exception) -> Response:
        failure = cast("HTTPException", error)
        headers = dict(failure.headers or {})
        if failure.status_code == 405:
            headers["Allow"] = ", ".join(sorted(_methods(app, request)))
        title = _TITLES.get(failure.status_code, "Bad Request")
        detail = failure.detail if failure.status_code in (408, 415) else None
        return _respond(request, problems.of_status(failure.status_code, title, _id(request), detail), headers)

    app.add_exception_handler(MemsvcError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


_TITLES = {404: "No Route", 405: "Method Not Allowed", 408: "Request Timeout", 415: "Unsupported Media Type"}


def _respond(
    request: Request, problem: problems.Problem, headers: dict[str, str] | None = None, error: MemsvcError | None = None
) -> Response:
    request.scope["memsvc.code"] = problem.code
    if error is not None and problem.status >= 500:
        problems.logger.error("%s: %s", problem.code, error)
    return problems.response(problem, headers)


def _id(request: Request) -> str:
    return str(request.scope["memsvc.request_id"])


def _methods(app: FastAPI, request: Request) -> set[str]:
    """The methods that a path has, over all of its routes: Starlette names those of the first alone."""
    scope: dict[str, Any] = dict(request.scope)
    matching = [one for one in app.router.routes if isinstance(one, Route) and one.matches(scope)[0] != Match.NONE]
    return {method for route in matching for method in route.methods or ()}
