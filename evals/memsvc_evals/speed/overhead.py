"""What our own code costs around the model calls: `ask`, `ask_scan` and `harness`, and whether `fan_out` is full.

In `ask` (the fast process) and `ask_scan` (full deliberation) the model replies by rules, without a server, and the
time inside it is taken off: what is left is the look-up with its embedding, prompts, parsing, gate, facts and evidence.
The baseline is embedding the question alone.

`harness` is what evaluating costs beyond asking: sharing, scoring, the journal with its flush to disk, order and
summary, in a run of one policy, one question at a time; storing and the questions' own seconds are taken off its time.

`fan_out` is whether a deliberation keeps a model server busy: its time on the clock against the least that the server
allows. A real HTTP server answers OpenAI's protocol after a fixed latency L, with as many requests at once as the
client may send, c. A deliberation of n chunks then takes at least L * (ceil(n / c) + 2): the chunks, the filter, the
answer.
"""

from __future__ import annotations

import json
import math
import re
import threading
import time
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

from memsvc_evals.datasets.values import Conversation, Dataset, Question, Turn, score_groups
from memsvc_evals.speed import chatter
from memsvc_evals.speed.workbench import Measurement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import BaseModel

    from memsvc_evals.speed.workbench import Workbench
    from memsvc_retrievers.language import Completion, LanguageModel, Prompt, Watch

NAMESPACE = "bench/ask"
EACH = 5
"""Questions of the harness to a query of the bench's sizes: 1,000 at full size."""
CONCURRENCY = 4
SHARE = 1.2
"""What `fan_out` may take, as a multiple of the least."""


class Clocked:
    """A model that adds up the seconds spent inside it. Implements `LanguageModel`."""

    def __init__(self, inner: LanguageModel) -> None:
        self._inner = inner
        self.seconds = 0.0

    @property
    def name(self) -> str:
        """The inner one's."""
        return self._inner.name

    def complete_many(
        self, prompts: Sequence[Prompt], *, schema: type[BaseModel] | None = None, watch: Watch | None = None
    ) -> list[Completion]:
        """As the inner one, on the clock."""
        began = time.perf_counter()
        try:
            return self._inner.complete_many(prompts, schema=schema, watch=watch)
        finally:
            self.seconds += time.perf_counter() - began


def measure_ask(bench: Workbench) -> tuple[Measurement, ...]:
    """`ask` in a namespace of a LoCoMo conversation's size, with the time in the model taken off."""
    from memsvc.testing import RuleModel

    sizes, model = bench.sizes, Clocked(RuleModel())
    with bench.open("ask") as memory:
        bench.fill(memory, NAMESPACE, chatter.messages(sizes.log), "ask")
        embed = partial(memory.embedder.embed, purpose="query")
        gates: dict[str, Literal["quality", "always"]] = {"ask": "quality", "ask_scan": "always"}
        own: dict[str, list[float]] = {name: [] for name in (*gates, "embed")}
        for question in [chatter.WARM_UP, *chatter.questions(sizes.queries)]:
            for name, gate in gates.items():
                inside = model.seconds
                answer = memory.ask(question, namespace=NAMESPACE, model=model, gate=gate, deliberation="scan")
                own[name].append(answer.seconds - (model.seconds - inside))
            began = time.perf_counter()
            embed([question])
            own["embed"].append(time.perf_counter() - began)
            bench.count.add("ask")
    baseline = 1000 * median(own["embed"][1:])
    what = f"our own p50 in `ask` among {sizes.log:,} messages, model calls taken off; against embedding the question"
    return tuple(
        Measurement(name, 1000 * median(own[name][1:]), baseline, "ms", 15.0, "value at most", f"{what} ({gate})")
        for name, gate in gates.items()
    )


def measure_harness(bench: Workbench) -> tuple[Measurement, ...]:
    """The harness's own milliseconds a question."""
    from memsvc import Settings, wiring
    from memsvc.testing import RuleModel
    from memsvc_evals.answers.plan import Parts, Plan
    from memsvc_evals.answers.run import run

    settings = Settings.load(extraction="off", reflection="off")
    embedder = bench.embedder or wiring.build_embedder(settings)
    dataset = _dataset(chatter.messages(bench.sizes.log), EACH * bench.sizes.queries)
    parts = Parts(RuleModel(), settings, embedder=embedder, parallel=1)
    began = time.perf_counter()
    found = run(dataset, bench.folder / "run", Plan(("fast",)), parts, progress=lambda *_: bench.count.add("harness"))
    seconds = time.perf_counter() - began
    stored = json.loads((found.folder / "ingestion.json").read_text("utf-8"))["conversations"]
    asking = sum(record.seconds for record in found.records)
    own = seconds - asking - sum(one["seconds"] for one in stored.values())
    count = len(found.records)
    what = f"an evaluation's own time a question, {count:,} questions, asking and storing taken off; against asking"
    return (Measurement("harness", 1000 * own / count, 1000 * asking / count, "ms", 20.0, "value at most", what),)


def steps(log: int, queries: int) -> int:
    """How often progress is told: once a session of messages, and once a question."""
    return -(-log // chatter.SESSION) + EACH * queries


def _dataset(messages: Sequence[dict[str, Any]], questions: int) -> Dataset:
    """Chatter as a conversation with questions of category 4, each of which has some turn as its evidence."""
    turns = tuple(
        Turn(f"D1:{place}", one["session_id"], one["name"], one["content"], one["timestamp"])
        for place, one in enumerate(messages, 1)
    )
    asked = tuple(
        Question(f"bench/q{place}", text, 4, (turns[place % len(turns)].id,), turns[place % len(turns)].text)
        for place, text in enumerate(chatter.questions(questions))
    )
    categories = {4: "single-hop"}
    conversation = Conversation("bench", turns, asked)
    return Dataset("bench", "chatter", {"chatter": ""}, (conversation,), categories, score_groups(categories))


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
