"""The tools over stdin and stdout, for a program on this machine that starts us: nothing else goes to stdout."""

from __future__ import annotations

import logging
import signal
import uuid
from typing import TYPE_CHECKING, Any

from memsvc import Memory
from memsvc.checks import checked_patterns
from memsvc.errors import MissingDependency
from memsvc.mcp.hosting import Caller
from memsvc.service import logs
from memsvc.service.keys import checked_permissions
from memsvc_store.keys import PERMISSIONS

try:
    import anyio
    from mcp.server.stdio import stdio_server

    from memsvc.mcp.lines import Readable
    from memsvc.mcp.serving import build_server
    from memsvc.service.access import Access
    from memsvc.service.pools import Pools
    from memsvc.service.service import Asks
except ImportError as error:
    raise MissingDependency(
        f"the tools need packages that are not installed ({error}); pip install 'memsvc[mcp]'"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp.server import Server, ServerRequestContext
    from mcp_types import CallToolRequestParams

    from memsvc.asking.answer import Answer
    from memsvc.errors import MemsvcError
    from memsvc.settings import Settings
    from memsvc_store.keys import Permission
    from memsvc_store.values.learned import FeedbackReceipt

logger = logging.getLogger(__name__)


class LocalAccess(Access):
    """What the program that started us may do. It has no key, and hears how to start us otherwise."""

    __slots__ = ()

    def _not_theirs(self, namespace: str) -> str:
        return (
            f"namespace {namespace!r} is not among those of this server: {', '.join(self.namespaces)}; name one of "
            "these, or start it with `memsvc mcp --namespace` for others"
        )

    def _not_allowed(self, permission: Permission) -> str:
        allow = ",".join(one for one in PERMISSIONS if one in self.allow or one == permission)
        return (
            f"this takes the permission {permission!r}, and the server was started with {', '.join(self.allow)}; "
            f"start it with `memsvc mcp --allow {allow}`"
        )


class LocalHost:
    """A memory for one program, which started us: one caller, one conversation. Implements `hosting.Host`."""

    def __init__(self, memory: Memory, access: Access) -> None:
        self.memory, self.pools, self.asks = memory, Pools(), Asks()
        self._caller = Caller(access, f"mcp-{uuid.uuid4().hex}")

    def caller(self, _: ServerRequestContext[Any], tool: str | None = None) -> Caller:
        """Always the same."""
        return self._caller

    def arguments(self, params: CallToolRequestParams, _: ServerRequestContext[Any]) -> dict[str, Any]:
        """Those of the call."""
        return params.arguments or {}

    def explain(self, error: MemsvcError, _: ServerRequestContext[Any]) -> str:
        """All of it: who reads it started us, and can see to it."""
        return str(error)

    def answered(self, answer: Answer) -> None:
        """Note in the log how an answer came about."""
        logger.info("answered by %s in %.2f s", answer.process, answer.seconds)

    def rewarded(self, receipt: FeedbackReceipt) -> None:
        """Note in the log that a feedback came."""
        logger.info("feedback %s", receipt.status)


def serve(settings: Settings, *, namespaces: Iterable[str], allow: Iterable[str]) -> None:
    """Serve until stdin ends, or a signal ends the process.

    Args:
        namespaces: patterns as a key has them. One that is a name is fixed: no tool asks for a namespace.
        allow: of read, write and erase, as with keys. Tools that take something else are not offered.

    Raises:
        InvalidInput, InvalidNamespace: a pattern or a permission that is none.
        DatabaseError, MissingDependency: as `Memory.open`.
    """
    access = LocalAccess(checked_patterns(namespaces), checked_permissions(allow))
    logs.configure(settings.log_level, contents=settings.log_contents)
    # A thread that waits for stdin hears of no KeyboardInterrupt. What was acknowledged is on disk.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with Memory.open(settings=settings) as memory:
        anyio.run(_run, build_server(LocalHost(memory, access)))


async def _run(server: Server[dict[str, Any]]) -> None:
    async with stdio_server() as (read, write), anyio.create_task_group() as group:
        readable = Readable(read, write)
        group.start_soon(readable.pass_on)
        await server.run(readable.messages, write, server.create_initialization_options())
        group.cancel_scope.cancel()
