"""A service on a real port, in a thread of the test's own process."""

from __future__ import annotations

import time
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import httpx
import uvicorn

from memsvc import Memory, Settings
from memsvc.server.app import build_app
from memsvc.server.edge import Connection
from memsvc.server.serving import KEEP_ALIVE_SECONDS, Server, listen
from memsvc.service.access import open_door
from memsvc.testing import HashEmbedder, RuleModel

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI

    from memsvc.service.service import Service

ANN = [
    {"name": "Ann", "content": "I moved to Oslo last week.", "timestamp": "2026-03-02T09:00:00Z", "session_id": "s1"},
    {"name": "Ben", "content": "How do you like the rain there?", "timestamp": "2026-03-02T09:01:00Z"},
]


class Running:
    """What a test talks to."""

    def __init__(self, app: FastAPI, client: httpx.Client) -> None:
        self.app, self.client = app, client
        self.service: Service = app.state.service

    def __call__(self, method: str, url: str, **options: Any) -> httpx.Response:
        return self.client.request(method, url, **options)

    def post(self, path: str, /, **body: Any) -> httpx.Response:
        return self.client.post(f"/v1{path}", json=body)

    def get(self, path: str, /, **query: Any) -> httpx.Response:
        return self.client.get(f"/v1{path}", params=query)


def fresh(model: RuleModel | None = None, **options: Any) -> Memory:
    """A memory of its own, with models that behave."""
    settings = Settings.load(reflection="off", **options.pop("settings", {}))
    return Memory.open(
        options.pop("database", ":memory:"), embedder=options.pop("embedder", HashEmbedder()),
        language_model=model or RuleModel(), settings=settings, **options,
    )  # fmt: skip


@contextmanager
def served(
    memory: Memory, *, grace: float = 5.0, http: type[asyncio.Protocol] = Connection, **options: Any
) -> Iterator[Running]:
    """The service over a memory, until the block ends."""
    app = build_app(memory, door=options.pop("door", open_door), **options)
    begun = Event()
    with listen("127.0.0.1", 0) as listening:
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="on", ws="none", timeout_keep_alive=KEEP_ALIVE_SECONDS,
            http=http, proxy_headers=False,
        )  # fmt: skip
        server = Server(config, app.state.service, grace, begun.set)
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            assert begun.wait(20)
            base = f"http://127.0.0.1:{listening.getsockname()[1]}"
            with httpx.Client(base_url=base, timeout=30, trust_env=False) as client:
                yield Running(app, client)
        finally:
            server.should_exit = True
            thread.join()


def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for something that will be true, and fail if it is not in time."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)
