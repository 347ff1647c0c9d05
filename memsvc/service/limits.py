"""How much one caller gets: requests a second for each key, and bytes a request."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING

from memsvc.errors import RateLimited, TooLarge
from memsvc.settings import BODY_BYTES, BURST, RATE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ROUNDING = 1e-6
"""Seconds. Sums of 1/rate are off by less; without it the last token of a bucket would come and go."""


class RateLimiter:
    """A token bucket for each key: `burst` tokens at most, `rate` new ones a second, one a request.

    A bucket is one number, the moment `full` at which it will be full again; a request moves it by 1/rate, and is too
    much if that puts it more than burst/rate ahead of now. There are as many buckets as keys that were ever used here.
    """

    def __init__(self, rate: float = RATE, burst: int = BURST, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.burst = rate, burst
        self._clock = clock
        self._full: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, key_id: str) -> None:
        """Count one request; one that is too much counts for nothing.

        Raises:
            RateLimited: the bucket is empty.
        """
        with self._lock:
            now = self._clock()
            full = max(self._full.get(key_id, now), now) + 1 / self.rate
            ahead = full - now - self.burst / self.rate
            if ahead <= _ROUNDING:
                self._full[key_id] = full
                return
        seconds = max(1, math.ceil(ahead - _ROUNDING))
        raise RateLimited(
            f"key {key_id} sent more than {self.rate:g} requests a second, {self.burst} at once; "
            f"go on in {seconds} s, or send several messages in one request",
            seconds,
        )


class BodyLimit:
    """ASGI middleware that stops reading a body where it becomes too long, whatever its headers say.

    `TooLarge` is raised to whoever reads the body: so it comes after the question who asks, as a problem like others,
    and nothing is kept in memory that is not going to be used. A length that is too long already where it is announced
    ends the reading before it begins.

    Args:
        limit: bytes.
        unlimited: paths whose bodies are worked through as they come, and are never held.
    """

    def __init__(self, app: ASGIApp, limit: int = BODY_BYTES, unlimited: Collection[str] = ()) -> None:
        self._app, self._limit, self._unlimited = app, limit, frozenset(unlimited)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its body counted."""
        if scope["type"] != "http" or scope["path"] in self._unlimited:
            await self._app(scope, receive, send)
            return
        read = 0
        announced = _announced(scope)

        async def counted() -> Message:
            nonlocal read
            if announced > self._limit:
                raise self._too_large(f"{announced:,} bytes were announced")
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._limit:
                raise self._too_large(f"more than {self._limit:,} bytes came")
            return message

        await self._app(scope, counted, send)

    def _too_large(self, came: str) -> TooLarge:
        return TooLarge(f"{came} as a body, and at most {self._limit:,} are taken; send it in parts, or as an import")


def _announced(scope: Scope) -> int:
    """What Content-Length says, 0 without one; servers refuse what is no number."""
    return next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)
