"""What the tools need of the process that offers them, and what they know of who calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from memsvc.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.server import ServerRequestContext
    from mcp_types import CallToolRequestParams

    from memsvc import Memory
    from memsvc.asking.answer import Answer, Event
    from memsvc.errors import MemsvcError
    from memsvc.service.access import Access
    from memsvc.service.pools import Pools
    from memsvc.service.service import Asks
    from memsvc_store.values.learned import FeedbackReceipt


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: what they may do, and the conversation that they are in, where they name none themselves."""

    access: Access
    session: str

    @property
    def home(self) -> str | None:
        """The one namespace that is theirs; None where they have several to choose from."""
        names = self.access.namespaces
        return names[0] if len(names) == 1 and "*" not in names[0] else None

    @property
    def namespace(self) -> str:
        """Where a call goes that names no namespace.

        Raises:
            InvalidInput: they have several.
        """
        if self.home is None:
            raise InvalidInput(f"no namespace came; give one of {', '.join(self.access.namespaces)}")
        return self.home


class Host(Protocol):
    """The process that offers the tools: the service, or a program on its caller's own machine."""

    memory: Memory
    pools: Pools
    asks: Asks

    def caller(self, context: ServerRequestContext[Any], tool: str | None = None) -> Caller:
        """Who sent a request, and what for: a tool, or None for the list of them."""
        ...

    def arguments(self, params: CallToolRequestParams, context: ServerRequestContext[Any]) -> dict[str, Any]:
        """What a tool is called with, as it came."""
        ...

    def explain(self, error: MemsvcError, context: ServerRequestContext[Any]) -> str:
        """What the caller is told of an error: what came, what was wanted, and what to do next."""
        ...

    def answered(self, answer: Answer) -> None:
        """Note an answer."""
        ...

    def rewarded(self, receipt: FeedbackReceipt) -> None:
        """Note a feedback."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a tool. `stopped` once nobody waits for it any more; `tell` takes the steps of an `ask`."""

    host: Host
    caller: Caller
    stopped: Callable[[], bool]
    tell: Callable[[Event], None]

    @property
    def memory(self) -> Memory:
        """The host's."""
        return self.host.memory
