"""Connections that nobody needs a key for: what may come before a request is whole, and how long that may take.

Uvicorn bounds neither with httptools, whose parser keeps a head as long as it grows (h11 ends one at 64 KiB), nor does
it ever close a connection whose other end sends no more, or takes no more.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from memsvc.server.pacing import SILENT_SECONDS

HEAD_BYTES = 64 << 10
"""Bytes that may come without becoming a request or a part of its body: a head, trailers, the frames of chunks. What
h11 takes as well; browsers and proxies send up to 16 KiB."""

_TOO_LONG = b"the head of the request is longer than 64 KiB; send shorter headers"
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (len(_TOO_LONG), _TOO_LONG)
)


class Timed(asyncio.Protocol):
    """For either protocol of uvicorn: closes a connection that sends no whole head, or takes nothing, for `silence`."""

    silence = SILENT_SECONDS

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    cycle: Any  # of a request, and its response; None before the first
    _head: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
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


class Bounded(asyncio.Protocol):
    """For uvicorn's protocol on httptools: answers 431 where `HEAD_BYTES` came that neither ended a head nor were a
    part of a body. What arrives is looked at in pieces of so many, so that twice as many are never taken.
    """

    transport: asyncio.Transport
    cycle: Any  # of a request, and its response; None before the first
    _barren = 0

    def data_received(self, data: bytes) -> None:
        """Read what came, as far as it is of use."""
        for start in range(0, len(data), HEAD_BYTES):
            piece = data[start : start + HEAD_BYTES]
            self._barren += len(piece)
            super().data_received(piece)
            if self.transport.is_closing():
                return
            if self._barren >= HEAD_BYTES:
                self._refuse()
                return

    def on_headers_complete(self) -> None:
        """A request."""
        self._barren = 0
        super().on_headers_complete()  # type: ignore[misc]

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        self._barren = 0
        super().on_body(body)  # type: ignore[misc]

    def _refuse(self) -> None:
        if self.cycle is None or self.cycle.response_complete:  # else it would stand in the middle of another answer
            self.transport.write(_REFUSAL)
        self.transport.close()


_BASES: tuple[Any, ...] = (Timed, Bounded) if hasattr(AutoHTTPProtocol, "on_headers_complete") else (Timed,)

Connection: type[asyncio.Protocol] = type("Connection", (*_BASES, AutoHTTPProtocol), {})
"""The protocol of the service: uvicorn's on httptools where that is installed, else on h11, with these bounds."""


def _ended(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """No timer any more."""
    if timer is not None:
        timer.cancel()
    return None
