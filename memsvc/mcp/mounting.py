"""The tools in the service, at `/mcp`: the same door, the same keys, the same limits."""

from __future__ import annotations

import json
import re
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.routing import Route

from memsvc.mcp.hosting import Caller
from memsvc.service import problems

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from fastapi import FastAPI
    from mcp.server import ServerRequestContext
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from mcp_types import CallToolRequestParams
    from starlette.types import Message, Receive, Scope, Send

    from memsvc.asking.answer import Answer
    from memsvc.errors import MemsvcError
    from memsvc.service.access import Access
    from memsvc.service.service import Service
    from memsvc_store.values.learned import FeedbackReceipt

PATH = "/mcp"
_SESSION = "mcp-session-id"
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
SESSIONS = 1_000
"""Conversations that are open at once at most; each is closed after 30 minutes in which nothing came."""
SESSIONS_OF_KEY = 50
"""Conversations of one key that are open at once, which the SDK does not count; programs begin one for each window, and
seldom end them."""


def mount(app: FastAPI, service: Service, *, body_limit: int) -> None:
    """Offer the tools, if the extra `mcp` is installed."""
    if find_spec("mcp") is None:
        return
    manager = _manager(service, body_limit)
    route = Route(PATH, Endpoint(service, manager), methods=["POST", "DELETE"], include_in_schema=False)
    app.router.routes.append(route)
    before = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[Any]:
        async with before(app) as state, manager.run():
            yield state

    app.router.lifespan_context = lifespan


class Endpoint:
    """ASGI: who asks is known before the SDK sees the request.

    There is no GET: this server has nothing to say unasked, and a stream that is held open would hold up its shutdown.
    """

    def __init__(self, service: Service, manager: StreamableHTTPSessionManager) -> None:
        self._service, self._manager = service, manager
        self._sessions = Sessions()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            Unauthorized, RateLimited: as the door says.
            TooLarge, ClientDisconnect: as its body is read; the SDK would call either a fault of its own.
        """
        from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
        from mcp.server.auth.provider import AccessToken

        scope["memsvc.verb"] = "mcp"
        request = Request(scope, receive)
        access = cast("Access", await self._service.door(request))
        scope["memsvc.access"] = access
        # The SDK opens a conversation only to who began it; to others it is not there.
        scope["user"] = AuthenticatedUser(AccessToken(token="", client_id=access.key_id or "", scopes=[]))
        body = await request.body()
        if (came := _half(body)) is not None:
            scope["memsvc.arguments"], body = came
        received = _again(body, receive)
        if access.key_id is None:
            await self._manager.handle_request(scope, received, send)
            return
        await self._counted(access.key_id, scope, received, send)

    async def _counted(self, key_id: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of a key, and close the conversations that it has beyond its share."""
        known = Headers(scope=scope).get(_SESSION)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                named = Headers(raw=message["headers"]).get(_SESSION)
                if scope["method"] == "DELETE" and known:
                    self._sessions.closed(key_id, known)
                elif known is None and named:
                    self._sessions.opened(key_id, named)
            await send(message)

        with self._sessions.busy(key_id, known or ""):
            await self._manager.handle_request(scope, receive, watched)
        for session in self._sessions.surplus(key_id):
            await self._manager.handle_request(_ending(scope, session), receive, _unheard)


class Sessions:
    """The conversations of each key, and which of them to close for a new one: the one that was idle longest."""

    def __init__(self, most: int = SESSIONS_OF_KEY) -> None:
        self._most = most
        self._of: dict[str, dict[str, int]] = {}  # key, session: requests under way; used longest ago first

    def opened(self, key_id: str, session: str) -> None:
        """A conversation began."""
        self._of.setdefault(key_id, {})[session] = 0

    def closed(self, key_id: str, session: str) -> None:
        """One ended."""
        self._of.get(key_id, {}).pop(session, None)

    @contextmanager
    def busy(self, key_id: str, session: str) -> Iterator[None]:
        """A request in one of them, or in one that is not there, is under way."""
        own = self._of.get(key_id, {})
        if session in own:
            own[session] = own.pop(session) + 1
        try:
            yield
        finally:
            if session in own:
                own[session] = own.pop(session) - 1

    def surplus(self, key_id: str) -> list[str]:
        """Those to close now, and no longer counted: idle ones, as many as there are too many."""
        own = self._of.get(key_id, {})
        idle = [session for session, requests in own.items() if not requests]
        found = idle[: max(0, len(own) - self._most)]
        for session in found:
            del own[session]
        return found


def _half(body: bytes) -> tuple[dict[str, Any], bytes] | None:
    """Of a body that holds half a character, which the SDK takes for no JSON: the arguments of a tool as they came, for
    a verb to reject what holds it and not the rest, and a body that the SDK reads. None for any other body.
    """
    if not _SURROGATE.search(body):
        return None
    try:
        message = json.loads(body)
        text = json.dumps(message, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None  # the SDK says what is wrong
    params = message.get("params") if isinstance(message, dict) else None
    given = params.get("arguments") if isinstance(params, dict) else None
    mended = text.encode(errors="replace")
    return None if mended.decode() == text else (given if isinstance(given, dict) else {}, mended)


def _ending(scope: Scope, session: str) -> Scope:
    """What its client would send to end a conversation."""
    kept = [(name, value) for name, value in scope["headers"] if name in (b"host", b"authorization")]
    return {**scope, "method": "DELETE", "headers": [*kept, (_SESSION.encode(), session.encode())]}


async def _unheard(_: Message) -> None:
    """The answer to nobody: whether it was open still does not matter."""


def _again(body: bytes, receive: Receive) -> Receive:
    """What gives a body that was read once more, and then what comes after it."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return left.pop() if left else await receive()

    return received


class ServiceHost:
    """The service as the tools see it. Implements `hosting.Host`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.memory, self.pools, self.asks = service.memory, service.pools, service.asks

    def caller(self, context: ServerRequestContext[Any], tool: str | None = None) -> Caller:
        """Who sent the request. A tool is its label in metrics and logs."""
        request = cast("Request", context.request)
        access: Access = request.scope["memsvc.access"]
        if tool is not None:
            request.scope["memsvc.verb"] = tool
        own = request.headers.get(_SESSION) or access.key_id or "open"  # newer clients have no sessions
        return Caller(access, f"mcp-{own}")

    def arguments(self, params: CallToolRequestParams, context: ServerRequestContext[Any]) -> dict[str, Any]:
        """Those of the request; with the half characters that the SDK does not read."""
        request = cast("Request", context.request)
        came: dict[str, Any] = request.scope.get("memsvc.arguments") or params.arguments or {}
        return came

    def explain(self, error: MemsvcError, context: ServerRequestContext[Any]) -> str:
        """What the problem of a route would say: paths and addresses are for the log."""
        request = cast("Request", context.request)
        problem = problems.of(error, request.scope["memsvc.request_id"])
        request.scope["memsvc.code"] = problem.code
        if problem.status >= 500:
            problems.logger.error("%s: %s", problem.code, error)
        return problem.detail

    def answered(self, answer: Answer) -> None:
        """Count an answer."""
        self._service.metrics.answered(answer)

    def rewarded(self, receipt: FeedbackReceipt) -> None:
        """Count a feedback."""
        self._service.metrics.rewarded(receipt)


def _manager(service: Service, body_limit: int) -> StreamableHTTPSessionManager:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from memsvc.mcp.serving import build_server

    return StreamableHTTPSessionManager(
        build_server(ServiceHost(service)), max_sessions=SESSIONS, max_request_body_size=body_limit
    )  # fmt: skip
