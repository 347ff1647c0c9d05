"""JSON lines in both directions, at the speed of the slower side: export out of a snapshot, import into it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from anyio import from_thread
from starlette.responses import StreamingResponse

from memsvc.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request

    from memsvc.server.pools import Pools

MEDIA_TYPE = "application/x-ndjson"

BATCH = 200
"""Lines that are read and sent at a time: a thread is held while they are read, and not while they are sent."""

LINE_BYTES = 8 << 20
"""The longest line of an import: an episode with its trajectory may take a few megabytes."""


def out(pools: Pools, lines: Iterator[str]) -> StreamingResponse:
    """Lines as a stream. The next ones are read when the last ones were taken."""

    async def chunks() -> AsyncIterator[bytes]:
        try:
            while chunk := await pools.run("slow", _joined, lines):
                yield chunk
        finally:
            if close := getattr(lines, "close", None):
                await pools.run("slow", close)

    return StreamingResponse(chunks(), media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


def incoming(request: Request) -> Iterator[str]:
    """The lines of a request's body, for a thread: each chunk is waited for when it is wanted.

    Raises:
        InvalidMessage: a line beyond `LINE_BYTES`, or not UTF-8.
        ClientDisconnect: the caller hung up. What was stored until then stays; again, it is stored no second time.
    """
    stream, rest, number = request.stream(), b"", 0
    while (chunk := from_thread.run(_one, stream)) is not None:
        *ended, rest = (rest + chunk).split(b"\n")
        for line in ended:
            number += 1
            yield _decoded(line, number)
        if len(rest) > LINE_BYTES:
            size = LINE_BYTES >> 20
            raise InvalidMessage(f"line {number + 1} is longer than {size} MiB; is it an export of memsvc?")
    if rest:
        yield _decoded(rest, number + 1)


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
