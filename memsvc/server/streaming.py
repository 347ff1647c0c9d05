"""`ask` over HTTP: one answer, or its steps as server-sent events; stopped when nobody waits for it any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

from memsvc.contract import wire
from memsvc.errors import Cancelled, MemsvcError
from memsvc.service import problems

if TYPE_CHECKING:
    import threading
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from starlette.requests import Request

    from memsvc.asking.answer import Answer
    from memsvc.asking.events import Event
    from memsvc.service.service import Service

    Tell = Callable[[Event], None]
    Ask = Callable[[Tell, threading.Event], Answer]
    """Answers in the thread it is called in, tells each step, and stops soon after the event is set."""

MEDIA_TYPE = "text/event-stream"
PING = b": ping\n\n"

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # a proxy that gathers events defeats them


class Underway:
    """One `ask`: at work in a thread of the slow pool once it is its key's turn."""

    def __init__(self, service: Service, key_id: str | None, ask: Ask, stop: threading.Event) -> None:
        self._ask, self._stop = ask, stop
        self._loop = asyncio.get_running_loop()
        self._told: asyncio.Queue[Event | None] = asyncio.Queue()
        self.answer = asyncio.create_task(service.pools.take(key_id, "slow", self._work))
        self.answer.add_done_callback(self._over)

    async def step(self, seconds: float) -> Event | None:
        """The next step; None when it is over.

        Raises:
            TimeoutError: nothing happened for so long.
            MemsvcError: what `ask` raises.
        """
        async with asyncio.timeout(seconds):
            event = await self._told.get()
        if event is None:
            await self.answer
        return event

    def _work(self) -> Answer:
        self._check()
        return self._ask(self._tell, self._stop)

    def _tell(self, event: Event) -> None:
        self._check()
        self._loop.call_soon_threadsafe(self._told.put_nowait, event)

    def _check(self) -> None:
        if self._stop.is_set():
            raise Cancelled("the caller is gone, or the service is shutting down; ask again")

    def _over(self, task: asyncio.Task[Answer]) -> None:
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not report it once more where nobody waits for it
        self._told.put_nowait(None)


async def answered(service: Service, request: Request, key_id: str | None, ask: Ask) -> Answer:
    """The answer; the work stops if the caller hangs up.

    Raises:
        MemsvcError: what `ask` raises.
        ClientDisconnect: the caller hung up.
    """
    with service.asks.one() as stop:
        watch = asyncio.create_task(_stop_when_gone(request, stop))
        try:
            return await Underway(service, key_id, ask, stop).answer
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
        underway = Underway(service, key_id, ask, stop)
        try:
            while True:
                try:
                    step = await underway.step(service.heartbeat)
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
    return b"event: " + name.encode() + b"\ndata: " + wire.dump(value) + b"\n\n"  # JSON holds no line end
