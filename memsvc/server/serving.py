"""Running the service: one process, from its first log line to an orderly end.

One process, because the shards live in it: a second one would hold each namespace once more and embed on its own. What
several cores can do (SQLite, FAISS, onnxruntime) releases the interpreter's lock. On PostgreSQL several services may
stand side by side, each a process of its own.

At SIGTERM or SIGINT no new connection is taken, and readiness turns. What was begun is finished: writes always, answers
if they are done within `shutdown_grace`, else they are cancelled. Then background work puts back its jobs.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memsvc import Memory
from memsvc.errors import MissingDependency, SettingsError
from memsvc.service import logs

try:
    import uvicorn

    from memsvc.server.app import build_app
    from memsvc.server.edge import HEAD_BYTES, Connection, loopback
    from memsvc.service.access import Doorkeeper, build_door
    from memsvc.service.limits import RateLimiter
    from memsvc.service.metrics import Metrics
    from memsvc.service.telemetry import Tracing
except ImportError as error:
    raise MissingDependency(
        f"the service needs packages that are not installed ({error}); pip install 'memsvc[server]'"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from memsvc.service.service import Service
    from memsvc.settings import Settings

logger = logging.getLogger(__name__)

WRITE_SECONDS = 35.0
"""How long a write may take beyond the grace: the database waits 30 s for another writer."""

KEEP_ALIVE_SECONDS = 75
"""How long an idle connection stays open: longer than the 60 s of most proxies and pools. Who closes first meets a
request that is under way, and its sender sees a broken connection."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Started:
    """What a person wants to know of a service that listens now."""

    url: str
    database: str
    embedder: str
    model: str | None
    keys: bool


def serve(settings: Settings, *, no_auth: bool = False, on_start: Callable[[Started], None] = lambda _: None) -> None:
    """Serve until told to stop.

    Raises:
        SettingsError: without keys beyond this machine, no key yet, or an address that is not to be had.
        DatabaseError, MissingDependency: as `Memory.open`.
    """
    check_open_door(settings.server_host, no_auth)
    logs.configure(settings.log_level, contents=settings.log_contents)
    tracing, metrics = Tracing.configured(), Metrics()
    listening = listen(settings.server_host, settings.server_port)
    with (
        listening,
        Memory.open(settings=settings, batching=True) as memory,
    ):
        limiter = RateLimiter(settings.rate_limit, settings.rate_burst)
        door = build_door(memory, no_auth=no_auth, limiter=limiter)
        app = build_app(memory, door=door, metrics=metrics, tracing=tracing, body_limit=settings.body_limit)
        url = _url(settings.server_host, listening.getsockname()[1])
        started = Started(url, memory.store.database.name, settings.embedder, settings.model, not no_auth)

        def begun() -> None:
            logger.info("listening on %s", url)
            on_start(started)

        server = Server(_config(app, settings), app.state.service, settings.shutdown_grace, begun)
        try:
            with _told_to_stop(server):
                server.run(sockets=[listening])
        finally:
            if isinstance(door, Doorkeeper):
                door.close()
        logger.info("stopped serving; background work puts back what it had not done")


class Server(uvicorn.Server):
    """Uvicorn, with an end that cancels answers and waits for writes."""

    def __init__(self, config: uvicorn.Config, service: Service, grace: float, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._service, self._grace, self._on_start = service, grace, on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        if self.started:
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing new, let what is under way finish, and cancel answers after the grace."""
        self._service.closing = True
        cancelling = asyncio.get_running_loop().call_later(self._grace, self._service.asks.stop_all)
        try:
            await super().shutdown(sockets)
        finally:
            cancelling.cancel()
            self._service.asks.stop_all()


def check_open_door(host: str, no_auth: bool) -> None:
    """Nothing, unless anybody on the network could come in without a key.

    Raises:
        SettingsError: they could.
    """
    if no_auth and not loopback(host):
        raise SettingsError(
            f"--no-auth came with host {host!r}, where others than this machine could read and erase everything; "
            "listen on 127.0.0.1, or make keys with `memsvc keys create` and leave --no-auth out"
        )


def listen(host: str, port: int) -> socket.socket:
    """A socket at this address, before anything slow is begun.

    Its protocol is named (getaddrinfo does): only then does asyncio send small packets at once. Else each response
    waits for the client's delayed acknowledgement, 40 ms.

    Raises:
        SettingsError: the address is not this machine's, or in use.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SettingsError(
            f"host {host!r} cannot be listened on: {error.strerror or error}; name one of this machine's"
        ) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"{host}:{port} cannot be listened on: {error.strerror}; choose another with --host or --port"
        ) from error
    return listening


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(app: object, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, ws="none", lifespan="on",  # type: ignore[arg-type]
        http=Connection, h11_max_incomplete_event_size=HEAD_BYTES, proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=round(settings.shutdown_grace + WRITE_SECONDS),
    )  # fmt: skip


@contextmanager
def _told_to_stop(server: Server) -> Iterator[None]:
    """Let a signal end the server and not the process: uvicorn raises it once more when it is done, and what follows
    (background work that puts back its jobs, shards that are snapshotted) would not be reached.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    before = {one: signal.signal(one, stop) for one in _SIGNALS}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
