"""A model server that does what a test says: OpenAI's chat completions over real HTTP, healthy or not.

    with ModelServer() as server:
        server.script("France", says("Paris"), status(500), says("Paris"))
        model = LiteLLMModel("openai/scripted", api_base=server.url, pause=0.01)

A request is answered by the script whose key occurs in its last user message of the opening; each
request takes the script's next step, and the last step again and again. Others get `default`.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep
from typing import Any, Self

Step = Callable[["Exchange"], None]


@dataclass(frozen=True)
class Exchange:
    """One request, and the means to answer it."""

    body: dict[str, Any]
    headers: dict[str, str]
    send: Callable[[int, bytes, dict[str, str]], None]
    drop: Callable[[], None]
    left: Callable[[float], bool]

    @property
    def constraint(self) -> str | None:
        return self.body.get("response_format", {}).get("type")

    @property
    def opening(self) -> str:
        return next(message["content"] for message in self.body["messages"] if message["role"] == "user")


def says(text: str | None, *, finish: str = "stop", usage: bool = True, latency: float = 0.0) -> Step:
    """A reply; 11 prompt tokens and 7 completion tokens."""

    def step(exchange: Exchange) -> None:
        if latency and exchange.left(latency):
            return
        message = {"role": "assistant", "content": text}
        answer = {
            "id": "x", "object": "chat.completion", "created": 1, "model": exchange.body["model"],
            "choices": [{"index": 0, "finish_reason": finish, "message": message}],
        }  # fmt: skip
        if usage:
            answer["usage"] = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
        exchange.send(200, json.dumps(answer).encode(), {})

    return step


def echo(exchange: Exchange) -> None:
    """The prompt back again."""
    says(f"you said: {exchange.opening}")(exchange)


def status(code: int, message: str = "scripted trouble", **headers: str) -> Step:
    """An error in OpenAI's form; `retry_after="1"` becomes the header Retry-After."""
    named = {key.replace("_", "-").title(): value for key, value in headers.items()}
    body = json.dumps({"error": {"message": message, "type": "scripted", "code": code}}).encode()
    return lambda exchange: exchange.send(code, body, named)


def raw(body: bytes) -> Step:
    """A body that is no completion at all."""
    return lambda exchange: exchange.send(200, body, {})


def drops(exchange: Exchange) -> None:
    """The connection, half-way through the answer."""
    exchange.drop()


def unless(constraints: set[str], then: Step, otherwise: Step) -> Step:
    """`otherwise` for requests with one of these constraints: servers that take none, or not every one."""
    return lambda exchange: (otherwise if exchange.constraint in constraints else then)(exchange)


@dataclass
class Seen:
    """What the server saw so far."""

    requests: list[Exchange] = field(default_factory=list)
    under_way: int = 0
    most_at_once: int = 0
    hung_up: int = 0  # clients that left before their answer came


class ModelServer:
    """A real HTTP server on a free port of 127.0.0.1."""

    def __init__(self, default: Step = echo) -> None:
        self.default = default
        self.seen = Seen()
        self._scripts: dict[str, list[Step]] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._http = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=lambda: self._http.serve_forever(0.02), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def script(self, key: str, *steps: Step) -> None:
        self._scripts[key] = list(steps)

    def die(self) -> None:
        """Stops listening and cuts every connection, in the middle of whatever it was."""
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._closing.is_set():
            self.die()
        self._thread.join()

    def _answer(self, exchange: Exchange) -> None:
        with self._lock:
            self.seen.requests.append(exchange)
            self.seen.under_way += 1
            self.seen.most_at_once = max(self.seen.most_at_once, self.seen.under_way)
            step = self._next_step(exchange.opening)
        step(exchange)

    def _next_step(self, opening: str) -> Step:
        for key, steps in self._scripts.items():
            if key in opening:
                return steps.pop(0) if len(steps) > 1 else steps[0]
        return self.default

    def _left(self, connection: socket.socket, seconds: float) -> bool:
        """Whether the client hangs up within that time."""
        until = monotonic() + seconds
        connection.setblocking(False)
        try:
            while monotonic() < until and not self._closing.is_set():
                try:
                    if connection.recv(1, socket.MSG_PEEK) == b"":
                        with self._lock:
                            self.seen.hung_up += 1
                        return True
                except BlockingIOError:
                    sleep(0.005)
            return self._closing.is_set()
        finally:
            connection.setblocking(True)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body are two writes, and waiting for an ACK costs 40 ms

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if "messages" not in body:  # LiteLLM asks an Ollama for a model's details by itself
                    self.send(404, b"{}", {})
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                exchange = Exchange(
                    body,
                    headers,
                    self.send,
                    self.drop,
                    lambda seconds: server._left(self.connection, seconds),
                )
                try:
                    server._answer(exchange)
                finally:
                    with server._lock:
                        server.seen.under_way -= 1

            def send(self, code: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(code)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def drop(self) -> None:
                self.wfile.write(
                    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"id"'
                )
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Tests read `seen`."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *args: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        for request in list(self._open):
            try:
                request.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was quicker
        super().server_close()

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are part of the tests."""
