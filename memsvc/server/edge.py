"""The edge: what guards the service before a key is looked at. Who sends no more or takes no more, and foreign names.

Uvicorn never closes a connection whose other end sends no more of a request, or takes no more of an answer. Its parser
is h11, which ends a head of more than 64 KiB; httptools keeps one as long as it grows.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from uvicorn.protocols.http.h11_impl import H11Protocol

from memsvc.service import problems

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SILENT_SECONDS = 30.0
"""How long nothing of a request may come, or of an answer be taken: a phone that changes networks needs some ten."""

HEAD_BYTES = 64 << 10
"""The longest head, trailers and frames of chunks included; browsers and proxies send up to 16 KiB."""

_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?")
"""A name, or an address, and a port. An address of a page has more parts: `evil@127.0.0.1` names a user as well."""


class Connection(H11Protocol):
    """Uvicorn's protocol, that closes a connection which sends no whole head, or takes nothing, for `silence` s."""

    silence = SILENT_SECONDS
    _head: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Wait for the first head."""
        super().connection_made(transport)
        self._head = self.loop.call_later(self.silence, transport.close)

    def data_received(self, data: bytes) -> None:
        """Wait for the rest of a head, if this does not end it. Between requests uvicorn's own time-out counts."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._head = _ended(self._head)
        elif self._head is None and self.cycle is not None and self.cycle.response_complete:
            self._head = self.loop.call_later(self.silence, self.transport.close)

    def pause_writing(self) -> None:
        """Wait for what was sent to be taken."""
        super().pause_writing()
        self._wait_until_taken()

    def resume_writing(self) -> None:
        """It was taken."""
        super().resume_writing()
        self._taking = _ended(self._taking)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        super().connection_lost(exc)
        self._head, self._taking = _ended(self._head), _ended(self._taking)

    def _wait_until_taken(self) -> None:
        left = self.transport.get_write_buffer_size()

        def look() -> None:
            if self.transport.get_write_buffer_size() < left:
                self._wait_until_taken()
            else:
                self.transport.abort()  # to close it would be to wait for the same reader

        self._taking = self.loop.call_later(self.silence, look)


def _ended(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """No timer any more."""
    if timer is not None:
        timer.cancel()
    return None


class BodyPace:
    """ASGI middleware that gives up on a body of which nothing comes any more, whoever reads it.

    Else a request that is half sent would hold for ever what waits for the other half: a place of its key, and of an
    import a thread.
    """

    def __init__(self, app: ASGIApp, seconds: float = SILENT_SECONDS) -> None:
        self._app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; `HTTPException` of 408 is raised to whoever reads its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        whole = False

        async def timed() -> Message:
            nonlocal whole
            if whole:  # what comes now is that the caller hangs up, and that may take its time
                return await receive()
            try:
                async with asyncio.timeout(self._seconds):
                    message = await receive()
            except TimeoutError as error:
                detail = f"nothing of the body came for {self._seconds:g} s; send the request again, without a pause"
                raise HTTPException(408, detail, {"Connection": "close"}) from error
            whole = not message.get("more_body", False)
            return message

        await self._app(scope, timed, send)


class OwnHosts:
    """ASGI middleware that refuses what a page in a browser could send without a key: requests under a name that the
    page has made to mean this machine (DNS rebinding), and requests that a browser says come from elsewhere.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a problem."""
        problem = _refusal(Headers(scope=scope), scope["memsvc.request_id"]) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
            return
        scope["memsvc.code"] = problem.code
        await problems.response(problem)(scope, receive, send)


def loopback(host: str) -> bool:
    """Whether a host is this machine as only itself can mean it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # another name, whatever it resolves to today
        return False


def _refusal(headers: Headers, request_id: str) -> problems.Problem | None:
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]) or not loopback(_name(f"//{hosts[0]}")):
        detail = "without keys only requests to this machine by its own name are answered; use 127.0.0.1 or localhost"
        return problems.of_status(421, "Misdirected Request", request_id, detail)
    if "origin" in headers and not loopback(_name(headers["origin"])):
        detail = "without keys no page from elsewhere is answered; serve with keys"
        return problems.of_status(403, "Foreign Origin", request_id, detail)
    return None


def _name(url: str) -> str:
    """The host that an address names; empty where it names none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # brackets that hold no address
        return ""
