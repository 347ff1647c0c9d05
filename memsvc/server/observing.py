"""What is done around every request: its id, its span, its line in the log, its numbers, and faults of ours."""

from __future__ import annotations

import ipaddress
import logging
import re
import uuid
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect

from memsvc.service import logs, problems
from memsvc.service.telemetry import described

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from memsvc.service.service import Service

logger = logging.getLogger(__name__)

HEADER = "X-Request-ID"
GONE = 499
"""The status, in logs and metrics alone, of a request whose caller hung up before it was answered; as nginx has it."""

_PROBES = ("livez", "readyz", "metrics")
_SANE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
"""A caller's own id is taken over only if it can neither break a line of the log nor fill it."""


class Observing:
    """ASGI middleware, the outermost of ours."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(HEADER, "")
        scope["memsvc.request_id"] = own = given if _SANE.fullmatch(given) else uuid.uuid4().hex
        token = logs.request_id.set(own)
        status, metrics = 0, self._service.metrics
        began = metrics.began()

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = own
            await send(message)

        try:
            with self._service.tracing.request(headers) as span:
                try:
                    await self._app(scope, receive, sent)
                except ClientDisconnect:
                    status = status or GONE
                except Exception:
                    logger.exception("a request failed")
                    if status:  # the answer has begun: leaving it incomplete is how its reader learns
                        return
                    await problems.response(problems.unexpected(own))(scope, receive, sent)
                finally:
                    described(span, _verb(scope), status)
        finally:
            verb = _verb(scope)
            seconds = metrics.ended(verb, status, began)
            logs.event(
                logger, _level(verb, status), f"{scope['method']} {verb}", verb=verb, status=status, seconds=seconds,
                code=scope.get("memsvc.code"), key_id=scope.get("memsvc.key_id"), peer=_peer(scope),
            )  # fmt: skip
            logs.request_id.reset(token)


def _level(verb: str, status: int) -> int:
    """How loud a request is in the log. Probes and scrapes come every few seconds, and say elsewhere what is wrong."""
    if verb in _PROBES:
        return logging.DEBUG
    return logging.ERROR if status >= 500 else logging.INFO


def _peer(scope: Scope) -> str | None:
    """The caller's address, as far as it is known; without the port, which changes with each connection."""
    client = scope.get("client")
    try:
        return None if client is None else str(ipaddress.ip_address(client[0]))
    except ValueError:  # another server than ours may take over what a header says
        return None


def _verb(scope: Scope) -> str:
    """The verb that a request reached; `none` for paths that are not there, which anybody can make up."""
    return str(scope.get("memsvc.verb", "none"))
