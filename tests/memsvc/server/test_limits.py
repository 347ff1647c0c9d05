"""Rates and sizes: token buckets on a clock of their own, bodies over a real connection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import httpx
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from memsvc.errors import RateLimited, TooLarge
from memsvc.server.serving import listen
from memsvc.service.limits import BodyLimit, RateLimiter

LIMIT = 100_000


class Clock:
    """Seconds, as they are set."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def taken(limiter: RateLimiter, key: str = "a") -> bool:
    try:
        limiter.take(key)
    except RateLimited:
        return False
    return True


# -- rates ---------------------------------------------------------------------------------------


def test_a_burst_at_once_and_then_the_rate() -> None:
    clock = Clock()
    limiter = RateLimiter(rate=10, burst=5, clock=clock)
    assert [taken(limiter) for _ in range(7)] == [True] * 5 + [False] * 2
    clock.now += 0.1
    assert [taken(limiter) for _ in range(2)] == [True, False]
    clock.now += 3_600
    assert [taken(limiter) for _ in range(6)] == [True] * 5 + [False]


def test_who_waits_as_told_is_let_in() -> None:
    clock = Clock()
    limiter = RateLimiter(rate=0.2, burst=1, clock=clock)
    limiter.take("a")
    with pytest.raises(
        RateLimited, match=r"key a sent more than 0\.2 requests a second, 1 at once; go on in 5 s"
    ) as told:
        limiter.take("a")
    assert told.value.retry_after == 5
    assert taken(limiter, "b")
    clock.now += 4.9
    assert not taken(limiter)
    clock.now += 0.1
    assert taken(limiter)


@given(
    st.floats(0.1, 500),
    st.integers(1, 50),
    st.lists(st.floats(0, 2), min_size=1, max_size=200),
)
def test_no_more_than_a_bucket_holds(rate: float, burst: int, waits: list[float]) -> None:
    clock = Clock()
    limiter = RateLimiter(rate, burst, clock)
    tokens = float(burst)
    for wait in waits:
        clock.now += wait
        tokens = min(burst, tokens + wait * rate)
        if abs(tokens - 1) < 1e-3:  # on the edge, where the sums of floats decide
            return
        assert taken(limiter) == (tokens >= 1)
        tokens -= tokens >= 1


# -- sizes ---------------------------------------------------------------------------------------


class Sink:
    """An application that reads a body and says how long it was."""

    def __init__(self) -> None:
        self.read = 0
        self.app = BodyLimit(
            Starlette(
                routes=[Route(path, self.take, methods=["POST"]) for path in ("/held", "/streamed")],
                exception_handlers={TooLarge: self.refuse},  # type: ignore[dict-item]
            ),
            LIMIT,
            unlimited=["/streamed"],
        )

    async def take(self, request: Request) -> PlainTextResponse:
        async for chunk in request.stream():
            self.read += len(chunk)
        return PlainTextResponse(str(self.read))

    async def refuse(self, _: Request, error: TooLarge) -> PlainTextResponse:
        return PlainTextResponse(str(error), 413)


@contextmanager
def served(app: Any) -> Iterator[httpx.Client]:
    begun = Event()
    listening = listen("127.0.0.1", 0)

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            begun.set()

    server = Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none"))
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        assert begun.wait(20)
        with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture
def sink() -> Sink:
    return Sink()


def chunks(size: int) -> Iterator[bytes]:
    """So many bytes of which no header says the number."""
    for start in range(0, size, 1_000):
        yield b"x" * min(1_000, size - start)


@pytest.mark.parametrize("size", [0, 1, LIMIT])
@pytest.mark.parametrize("announced", [True, False])
def test_a_body_of_the_limit_is_taken(sink: Sink, size: int, announced: bool) -> None:
    with served(sink.app) as client:
        answer = client.post("/held", content=b"x" * size if announced else chunks(size))
    assert (answer.status_code, answer.text) == (200, str(size))


def test_a_length_that_is_announced_too_long_is_not_read(sink: Sink) -> None:
    with served(sink.app) as client:
        answer = client.post("/held", content=b"x" * (LIMIT + 1))
        assert client.post("/held", content=b"y").text == "1"
    assert answer.status_code == 413
    assert answer.text.startswith("100,001 bytes were announced as a body, and at most 100,000 are taken")


def test_a_stream_is_counted_as_it_comes(sink: Sink) -> None:
    with served(sink.app) as client:
        answer = client.post("/held", content=chunks(3 * LIMIT))
    assert answer.status_code == 413
    assert answer.text.startswith("more than 100,000 bytes came as a body")
    assert sink.read <= LIMIT


def test_a_path_that_holds_nothing_takes_any_length(sink: Sink) -> None:
    with served(sink.app) as client:
        assert client.post("/streamed", content=chunks(3 * LIMIT)).text == str(3 * LIMIT)


def test_a_length_that_lies_is_no_way_in() -> None:
    read = 0

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        nonlocal read
        while (message := await receive()).get("more_body"):
            read += len(message["body"])

    async def receive() -> Any:
        return {"type": "http.request", "body": b"x" * 60_000, "more_body": True}

    async def send(_: Any) -> None:
        raise AssertionError("nothing is to be sent")

    scope = {"type": "http", "path": "/held", "headers": [(b"content-length", b"5")]}
    with pytest.raises(TooLarge, match="more than 100,000 bytes came"):
        asyncio.run(BodyLimit(app, LIMIT)(scope, receive, send))
    assert read == 60_000
