"""Which names a service without keys answers to: those of this machine."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from memsvc.service import problems

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?")
"""A name, or an address, and a port. An address of a page has more parts: `evil@127.0.0.1` names a user as well."""


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
