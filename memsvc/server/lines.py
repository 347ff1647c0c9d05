"""JSON lines in both directions, at the speed of the slower side: export out of a snapshot, import into it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from itertools import islice
from typing import TYPE_CHECKING

from anyio import CancelScope, from_thread
from starlette.responses import StreamingResponse

from memsvc.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from memsvc.service.pools import Pools

MEDIA_TYPE = "application/x-ndjson"

BATCH = 200
"""Lines that are read and sent at a time: a thread is held while they are read, and not while they are sent."""

LINE_BYTES = 8 << 20
"""The longest line of an import: an episode with its trajectory may take a few megabytes."""


async def out(pools: Pools, key_id: str | None, export: Callable[[], Iterator[str]]) -> StreamingResponse:
    """What `export` gives as a stream. The next lines are read when the last ones were taken.

    They hold a connection to the database until the end: so long it counts in the key's share, and among `EXPORTS`.
    """

    async def chunks(lines: Iterator[str]) -> AsyncIterator[bytes]:
        while chunk := await pools.run("slow", _joined, lines):
            yield chunk

    async with AsyncExitStack() as held:
        await held.enter_async_context(pools.turn(key_id, "slow"))
        await held.enter_async_context(pools.exports)
        lines = await pools.run("slow", export)
        if close := getattr(lines, "close", None):
            held.push_async_callback(pools.run, "slow", close)
        return _Held(chunks(lines), held.pop_all())


class _Held(StreamingResponse):
    """A stream that gives back what it holds, however it ends."""

    def __init__(self, content: AsyncIterator[bytes], held: AsyncExitStack) -> None:
        super().__init__(content, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):  # who hangs up cancels this
                await self._held.aclose()


def incoming(request: Request) -> Iterator[str]:
    """The lines of a request's body, for a thread: each chunk is waited for when it is wanted.

    Raises:
        InvalidMessage: a line beyond `LINE_BYTES`, or not UTF-8.
        ClientDisconnect: the caller hung up. What was stored until then stays; again, it is stored no second time.
    """
    stream, number, rest = request.stream(), 0, _Rest()
    while (chunk := from_thread.run(_one, stream)) is not None:
        first, *others = chunk.split(b"\n")
        rest.add(first)
        for begun in others:
            number += 1
            yield _decoded(rest.taken(), number)
            rest.add(begun)
        if rest.size > LINE_BYTES:
            size = LINE_BYTES >> 20
            raise InvalidMessage(f"line {number + 1} is longer than {size} MiB; is it an export of memsvc?")
    if rest.size:
        yield _decoded(rest.taken(), number + 1)


class _Rest:
    """A line as far as it came, in parts: joined anew with each, 8 MiB in chunks of 64 KiB were half a gigabyte."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def add(self, part: bytes) -> None:
        """More of it."""
        if part:
            self._parts.append(part)
            self.size += len(part)

    def taken(self) -> bytes:
        """All of it; the next line begins."""
        line = b"".join(self._parts)
        self._parts, self.size = [], 0
        return line


async def _one(stream: AsyncIterator[bytes]) -> bytes | None:
    """The next chunk; None at the end."""
    return await anext(stream, None)


def _decoded(line: bytes, number: int) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise InvalidMessage(f"line {number} is not UTF-8 at byte {error.start}; encode it as UTF-8") from error


def _joined(lines: Iterator[str]) -> bytes:
    return "".join(f"{line}\n" for line in islice(lines, BATCH)).encode()
