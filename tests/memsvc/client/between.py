"""What stands between a client and its service when things go wrong: real HTTP servers that misbehave as told."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Answer = Callable[["Asked"], None]


class Asked(BaseHTTPRequestHandler):
    """One request, answered by what the test says."""

    server: Between

    def handle_one(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(self)
        self.close_connection = True
        self.server.answer(self)

    do_GET = do_POST = do_PATCH = do_DELETE = handle_one  # noqa: N815

    def reply(self, status: int, content: bytes = b"", kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **named}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


class Between(ThreadingHTTPServer):
    """Answers requests with `answer`, and keeps them in `asked`."""

    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.answer = answer
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def between(answer: Answer) -> Iterator[Between]:
    """A server that answers so."""
    with Between(answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def passed_on(url: str, asked: Asked, *, lose: bool = False) -> None:
    """Have the service at `url` do it; what it answers may be lost on the way back."""
    headers = {name: asked.headers[name] for name in ("Content-Type", "Accept", "Authorization") if asked.headers[name]}
    with httpx.Client(trust_env=False) as http:
        found = http.request(asked.command, f"{url}{asked.path}", content=asked.body, headers=headers)
    if not lose:
        asked.reply(found.status_code, found.content, found.headers.get("content-type", ""))
