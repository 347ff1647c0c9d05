"""How many conversations one key keeps open: the SDK counts only those of everybody together."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SESSIONS_OF_KEY = 50
"""Conversations of one key that are open at once; programs begin one for each window, and seldom end them."""


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
