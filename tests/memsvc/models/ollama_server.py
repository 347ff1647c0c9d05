"""As much of an Ollama as one reply needs."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class OllamaServer:
    """Says the same to every conversation: 21 prompt tokens, 9 completion tokens."""

    def __init__(self, reply: str) -> None:
        self.bodies: list[dict[str, Any]] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(reply, self.bodies))
        self._thread = threading.Thread(target=lambda: self._http.serve_forever(0.02), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    @staticmethod
    def _handler(reply: str, bodies: list[dict[str, Any]]) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path != "/api/chat":  # LiteLLM asks for the model's details by itself
                    self.send_error(404)
                    return
                bodies.append(body)
                answer = {
                    "model": body["model"], "created_at": "2026-03-02T09:00:00Z", "done": True, "done_reason": "stop",
                    "message": {"role": "assistant", "content": reply}, "prompt_eval_count": 21, "eval_count": 9,
                }  # fmt: skip
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_: object) -> None:
                """Tests read `bodies`."""

        return Handler
