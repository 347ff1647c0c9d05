"""A real HTTP server that speaks OpenAI's protocol and holds a local model to the schema that it is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from memsvc.errors import MemsvcError, ModelRefused
from memsvc.models.local.batcher import Batcher
from memsvc.models.local.loading import load
from memsvc.models.local.shapes import Reply, Request

NAME = "tiny"


class Handler(BaseHTTPRequestHandler):
    """`GET /v1/models` and `POST /v1/chat/completions`; what it cannot do is a 400 or 404 that says why."""

    server: ModelServer

    def do_GET(self) -> None:
        if self.path != "/v1/models":
            return self._fail(404, f"no such route: {self.path}")
        return self._send(200, {"object": "list", "data": [{"id": NAME, "object": "model"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            return self._fail(404, f"no such route: {self.path}")
        if body["model"] != NAME:
            return self._fail(404, f"no such model: {body['model']}")
        if body.get("stream"):
            return self._fail(400, "this server does not stream")
        try:
            reply = self.server.batcher.submit(request_of(body)).result()
        except MemsvcError as error:
            return self._fail(400 if isinstance(error, ModelRefused) else 500, str(error))
        return self._send(200, completion(reply))

    def _fail(self, status: int, message: str) -> None:
        self._send(status, {"error": {"message": message, "type": "invalid_request_error", "code": status}})

    def _send(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Tests print nothing."""


class ModelServer(ThreadingHTTPServer):
    """On a free port of this machine; `base_url` ends in `/v1`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.batcher = Batcher(lambda: load(str(folder), device="cpu"), name=NAME)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


@contextmanager
def serving(folder: Path) -> Iterator[ModelServer]:
    """The model in `folder`, served until the block ends."""
    with ModelServer(folder) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.batcher.close()
            server.shutdown()
            thread.join()


def request_of(body: dict[str, Any]) -> Request:
    """OpenAI's request as ours."""
    return Request(
        messages=body["messages"],
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens") or 256,
        temperature=body.get("temperature") or 0.0,
        top_p=body.get("top_p"),
        seed=body.get("seed") or 0,
        schema=schema_of(body.get("response_format") or {"type": "text"}),
    )


def schema_of(wanted: dict[str, Any]) -> str | None:
    if wanted["type"] == "json_schema":
        return json.dumps(wanted["json_schema"]["schema"])
    return '{"type": "object"}' if wanted["type"] == "json_object" else None


def completion(reply: Reply) -> dict[str, Any]:
    """Our reply as OpenAI's response."""
    return {
        "id": "chatcmpl-tiny",
        "object": "chat.completion",
        "created": 0,
        "model": NAME,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": reply.text},
                "finish_reason": reply.finish_reason,
            }
        ],
        "usage": {
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": reply.completion_tokens,
            "total_tokens": reply.prompt_tokens + reply.completion_tokens,
        },
    }
