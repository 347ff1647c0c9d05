"""JSON lines in both directions, at the speed of the slower side: export out of a snapshot, import into it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from anyio import CancelScope, from_thread
from starlette.responses import StreamingResponse

from memsvc.bridge import Batches
from memsvc.contract.lines import Lines
from memsvc.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from memsvc.service.pools import Pools

MEDIA_TYPE = "application/x-ndjson"

LINE_BYTES = 8 << 20
"""The longest line of an import: an episode with its trajectory may take a few megabytes."""


async def out(pools: Pools, key_id: str | None, export: Callable[[], Iterator[str]]) -> StreamingResponse:
    """What `export` gives as a stream. The next lines are read when the last ones were taken.

    They hold a connection to the database until the end: so long it counts in the key's share, and among `EXPORTS`.
    """

    async def chunks(lines: Batches[str]) -> AsyncIterator[bytes]:
        while batch := await pools.run("slow", lines.take):
            yield "".join(f"{line}\n" for line in batch).encode()

    async with AsyncExitStack() as held:
        await held.enter_async_context(pools.turn(key_id, "slow"))
        await held.enter_async_context(pools.exports)
        lines = Batches(await pools.run("slow", export))
        held.push_async_callback(pools.run, "slow", lines.close)
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
    stream, lines = request.stream(), Lines()
    while (chunk := from_thread.run(_one, stream)) is not None:
        for line in lines.feed(chunk):
            yield _decoded(line, lines.number)
        if lines.pending > LINE_BYTES:
            size = LINE_BYTES >> 20
            raise InvalidMessage(f"line {lines.number + 1} is longer than {size} MiB; is it an export of memsvc?")
    for line in lines.end():
        yield _decoded(line, lines.number)


async def _one(stream: AsyncIterator[bytes]) -> bytes | None:
    """The next chunk; None at the end."""
    return await anext(stream, None)


def _decoded(line: bytes, number: int) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise InvalidMessage(f"line {number} is not UTF-8 at byte {error.start}; encode it as UTF-8") from error
