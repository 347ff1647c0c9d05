"""`ask` over HTTP: one answer, or its steps as server-sent events; stopped when nobody waits for it any more."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

from memsvc.bridge import Underway
from memsvc.errors import Cancelled, MemsvcError
from memsvc.service import problems
from memsvc_store.values.document import dump

if TYPE_CHECKING:
    import threading
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from starlette.requests import Request

    from memsvc.asking.answer import Answer, Event
    from memsvc.bridge import Work
    from memsvc.service.service import Service

    Ask = Work[Event, Answer]

MEDIA_TYPE = "text/event-stream"
PING = b": ping\n\n"

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # a proxy that gathers events defeats them


def underway(service: Service, key_id: str | None, ask: Ask, stop: threading.Event) -> Underway[Event, Answer]:
    """One `ask`: at work in a thread of the slow pool once it is its key's turn."""
    return Underway(ask, partial(service.pools.take, key_id, "slow"), stop)


async def answered(service: Service, request: Request, key_id: str | None, ask: Ask) -> Answer:
    """The answer; the work stops if the caller hangs up.

    Raises:
        MemsvcError: what `ask` raises.
        ClientDisconnect: the caller hung up.
    """
    with service.asks.one() as stop:
        watch = asyncio.create_task(_stop_when_gone(request, stop))
        try:
            return await underway(service, key_id, ask, stop).result
        except Cancelled as error:
            if watch.done():
                raise ClientDisconnect from error
            raise
        finally:
            stop.set()
            watch.cancel()


async def streamed(
    service: Service, key_id: str | None, ask: Ask, request_id: str, failed: Callable[[MemsvcError], None]
) -> StreamingResponse:
    """The steps as events, each named after its stage with an `Event` as its data, and a comment when all is quiet.

    What goes wrong before the first step is raised, so that it has a status of its own; later it is the event `error`
    with a problem, and the last one. `failed` hears of it.

    Raises:
        MemsvcError: what `ask` raises at once.
    """
    steps = _steps(service, key_id, ask)
    first = await anext(steps)

    async def events() -> AsyncIterator[bytes]:
        try:
            yield _event(first)
            async for step in steps:
                yield _event(step)
        except MemsvcError as error:
            failed(error)
            yield _sse("error", problems.of(error, request_id))
        finally:
            await steps.aclose()

    return StreamingResponse(events(), media_type=MEDIA_TYPE, headers=_HEADERS)


async def _steps(service: Service, key_id: str | None, ask: Ask) -> AsyncGenerator[Event | None, None]:
    """The steps; None where nothing happened for a heartbeat. Closing it stops the work."""
    with service.asks.one() as stop:
        asked = underway(service, key_id, ask, stop)
        try:
            while True:
                try:
                    step = await asked.step(service.heartbeat)
                except TimeoutError:
                    yield None
                    continue
                if step is None:
                    return
                yield step
        finally:
            stop.set()


async def _stop_when_gone(request: Request, stop: threading.Event) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    stop.set()


def _event(step: Event | None) -> bytes:
    return PING if step is None else _sse(step.stage, step)


def _sse(name: str, value: object) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + dump(value) + b"\n\n"  # JSON holds no line end
