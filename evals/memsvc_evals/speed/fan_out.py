"""Whether a deliberation keeps a model server busy: its time on the clock against the least that the server allows.

A real HTTP server answers OpenAI's protocol after a fixed latency L, with as many requests at once as the client may
send, c. A deliberation of n chunks then takes at least L * (ceil(n / c) + 2): the chunks, the filter, the answer.
"""

from __future__ import annotations

import json
import math
import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from memsvc_evals.speed import chatter
from memsvc_evals.speed.measurement import Measurement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memsvc_evals.speed.workbench import Workbench

NAMESPACE = "bench/fan-out"
CONCURRENCY = 4
SHARE = 1.2
"""What it may take, as a multiple of the least."""


def measure_fan_out(bench: Workbench) -> tuple[Measurement, ...]:
    """Deliberations over a log of many chunks, through LiteLLM and HTTP."""
    from memsvc import Settings

    sizes = bench.sizes
    with _server(sizes.latency) as url:
        settings = Settings.load(
            model="openai/slow", model_url=url, model_key="none", model_concurrency=CONCURRENCY, gate="always"
        )
        with bench.open("fan-out", settings) as memory:
            bench.fill(memory, NAMESPACE, chatter.messages(sizes.log), "fan_out")
            times = []
            for run in range(1 + sizes.deliberations):  # the first one imports LiteLLM
                answer = memory.ask(chatter.WARM_UP, namespace=NAMESPACE, deliberation="scan")
                assert answer.coverage is not None
                chunks = sum(call.purpose == "extract" for call in answer.ledger.calls)
                if run:
                    times.append(answer.seconds)
                bench.count.add("fan_out")
    least = sizes.latency * (math.ceil(chunks / CONCURRENCY) + 2)
    what = (
        f"slowest of {len(times)} deliberations over {chunks} chunks, {CONCURRENCY} calls at once of {sizes.latency} s"
        "; against the least that allows"
    )
    return (Measurement("fan_out", max(times), least, "s", SHARE, "ratio at most", what),)


@contextmanager
def _server(latency: float) -> Iterator[str]:
    """A server that says something fitting after that time; its base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(latency)
            reply = {"role": "assistant", "content": json.dumps(_reply(body))}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            choice = {"index": 0, "finish_reason": "stop", "message": reply}
            done = {"id": "1", "object": "chat.completion", "created": 0, "model": "slow", "choices": [choice]}
            data = json.dumps(done | {"usage": usage}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/v1"
        finally:
            http.shutdown()
            thread.join()


def _reply(body: dict[str, Any]) -> dict[str, Any]:
    """One fact a chunk, all lines needed, some answer: so that the filter is called, and the answer."""
    shown = body["messages"][-1]["content"].partition("Search these lines:\n")[2]
    if first := re.match(r"\[(\d+)\]", shown):
        return {"facts": [{"fact": "A boat was sold.", "score": 9, "messages": [int(first[1])], "quote": ""}]}
    return {"needed": [1], "thoughts": "", "answer": "A boat.", "sources": [1]}
