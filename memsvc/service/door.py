"""Who comes in, and what they may do: what a service asks of whoever keeps its door (`access.py` has ours)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from memsvc_store.keys import Permission

    Door = Callable[[Request], Awaitable["Access"]]


class Access(Protocol):
    """What somebody may do: a key, or the open door of `--no-auth`."""

    def require(self, permission: Permission, namespace: str | None) -> None:
        """Nothing, if this is allowed there; None stands for all namespaces.

        Raises:
            Unauthorized, Forbidden, NotFound: it is not.
        """

    def permit(self, permission: Permission) -> None:
        """Nothing, if they may do this in the namespaces that are theirs.

        Raises:
            Forbidden: they may not.
        """

    def within(self, permission: Permission, given: dict[str, Any]) -> dict[str, Any]:
        """What a call is given, if it is allowed in each namespace; patterns of several are narrowed to what is theirs.

        Raises:
            Unauthorized, Forbidden, NotFound: it is not.
        """

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The patterns of what is theirs."""

    @property
    def allow(self) -> tuple[Permission, ...]:
        """The permissions."""

    @property
    def key_id(self) -> str | None:
        """Whose share of the service this takes; None where the door is open."""

    @property
    def tokens_per_day(self) -> int | None:
        """Tokens that language models may take for it in a day; None: no bound of its own."""

    def sees(self, namespace: str) -> bool:
        """Whether the namespace is one of theirs."""
