"""What an operator sees: health, numbers, logs and spans; and what nobody must see there."""

from __future__ import annotations

import json
import logging
import re
import threading
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from memsvc.errors import DatabaseBusy, EmbedderError, InvalidReply, ModelUnavailable, SettingsError
from memsvc.server.app import build_app
from memsvc.server.routes import ALL
from memsvc.service import logs
from memsvc.service.access import open_door
from memsvc.service.telemetry import Tracing, wanted
from memsvc.testing import HashEmbedder, RuleModel
from tests.memsvc.server.examples import Examples
from tests.memsvc.server.served import ANN, fresh, served, until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from memsvc_retrievers.protocols import Purpose
    from tests.memsvc.server.served import Running

pytestmark = pytest.mark.process

MARKER = "xyzzymarker"


class Loading(HashEmbedder):
    """An embedder that is loaded when the test says so, or not at all."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.loaded, self._error = threading.Event(), error

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[Any]:
        assert self.loaded.wait(30)
        if self._error is not None:
            raise self._error
        return super().embed(texts, purpose=purpose)


def test_it_lives_at_once_and_is_ready_when_the_embedder_is_loaded() -> None:
    embedder = Loading()
    with fresh(embedder=embedder) as memory, served(memory) as one:
        assert one("GET", "/livez").json() == {"status": "ok"}
        found = one("GET", "/readyz")
        assert (found.status_code, found.json()["reasons"]) == (503, ["the embedder is being loaded"])
        embedder.loaded.set()
        until(lambda: one("GET", "/readyz").status_code == 200)
        assert one("GET", "/readyz").json() == {"status": "ready", "reasons": []}


@pytest.mark.parametrize("error", [EmbedderError("no such model; check MEMSVC_EMBEDDER"), RuntimeError("CUDA is odd")])
def test_an_embedder_that_cannot_be_loaded_is_a_reason(log: StringIO, error: Exception) -> None:
    embedder = Loading(error)
    embedder.loaded.set()
    with fresh(embedder=embedder) as memory, served(memory) as one:
        until(lambda: "cannot be loaded" in one("GET", "/readyz").text)
        assert one("GET", "/livez").status_code == 200
    assert "the embedder cannot be loaded" in log.getvalue()


def test_a_database_that_is_gone_is_a_reason_and_no_cause_of_death(tmp_path: Path) -> None:
    with fresh(database=tmp_path / "a.db") as memory, served(memory) as one:
        until(lambda: one("GET", "/readyz").status_code == 200)
        (tmp_path / "a.db").rename(tmp_path / "b.db")
        found = one("GET", "/readyz")
        assert (found.status_code, found.json()["status"]) == (503, "not ready")
        assert "DatabaseUnreadable" in found.json()["reasons"][0]
        assert str(tmp_path) not in found.text
        assert one("GET", "/livez").status_code == 200
        assert one("GET", "/metrics").status_code == 200


def samples(one: Running) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """(name, labels) -> value, of all that `/metrics` shows."""
    families = text_string_to_metric_families(one("GET", "/metrics").text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_the_numbers_add_up() -> None:
    with fresh() as memory, served(memory) as one:
        one.post("/messages", namespace="acme/ann", messages=ANN)
        one.post("/search", namespace="acme/ann", query="Oslo")
        one.post("/search", namespace="acme/ann", query="")
        one("GET", "/v1/nothing")
        asked = one.post("/ask", namespace="acme/ann", question="Where did Ann move?").json()
        one.post("/feedback", namespace="acme/ann", trace_id=asked["trace_id"], reward=1.0)
        one.post("/extract", namespace="acme/ann")
        found = samples(one)
    assert found["memsvc_requests_total", (("status", "200"), ("verb", "search"))] == 1
    assert found["memsvc_requests_total", (("status", "422"), ("verb", "search"))] == 1
    assert found["memsvc_requests_total", (("status", "404"), ("verb", "none"))] == 1
    assert found["memsvc_request_seconds_count", (("verb", "search"),)] == 2
    assert found["memsvc_requests_in_flight", ()] == 1  # the scrape itself
    assert found["memsvc_answers_total", (("process", "fast"),)] == 1
    assert found["memsvc_gate_verdicts_total", (("escalated", "false"), ("policy", "quality"))] == 1
    assert found["memsvc_feedback_total", (("status", "applied"),)] == 1
    assert found["memsvc_model_calls_total", (("outcome", "ok"), ("purpose", "draft"))] == 1
    spent = {call["purpose"]: call for call in asked["ledger"]["calls"]}
    assert (
        found["memsvc_model_tokens_total", (("direction", "prompt"), ("purpose", "gate"))]
        == (spent["gate"]["prompt_tokens"])
    )
    assert found["memsvc_jobs", (("kind", "extract"), ("state", "queued"))] == 0
    assert found["memsvc_jobs", (("kind", "extract"), ("state", "done"))] >= 1
    assert found["memsvc_shards", ()] == 1
    assert found["memsvc_shard_bytes", ()] > 0
    assert found["memsvc_shard_loads_total", ()] >= 1
    assert found["memsvc_shard_hits_total", ()] >= 1
    assert found["memsvc_pool_busy", (("pool", "slow"),)] == 0
    assert not any("acme" in str(key) for key in found)


def test_evicted_shards_are_counted() -> None:
    with fresh(settings={"shard_bytes": 1 << 20}) as memory, served(memory) as one:
        for name in ("a", "b"):
            memory.add([f"{name} says {number} {'lemon ' * 40}" for number in range(400)], namespace=name)
            memory.search("lemon", namespace=name)
        assert samples(one)["memsvc_shard_evictions_total", ()] == 1


def test_each_application_counts_for_itself() -> None:
    with fresh() as memory:
        first, second = (build_app(memory, door=open_door).state.service.metrics for _ in range(2))
        first.ended("search", 200, first.began())
        assert b'verb="search"' in first.text()
        assert b'verb="search"' not in second.text()


def test_nobody_s_words_are_in_logs_metrics_or_problems(log: StringIO) -> None:
    """Every verb is sent the marker wherever it takes a text of the user's; some requests succeed, some fail."""
    with fresh(RuleModel({"reflect": lambda _: {"experience": MARKER}})) as memory, served(memory) as one:
        examples, said = Examples(memory), []
        for verb in ALL:
            sent = examples.request(verb)
            for marked in (sent, _marked(sent)):
                found = one(**marked)
                if found.status_code >= 400:
                    said.append(found.text)
            if "json" in sent:
                said.append(one(**{**sent, "json": {**sent["json"], "more": MARKER}}).text)
        ends = [json.loads(line) for line in log.getvalue().splitlines()]
        metrics = one("GET", "/metrics").text
    assert {one.get("verb") for one in ends} >= {verb.name for verb in ALL}
    assert any(one.get("status", 0) >= 400 for one in ends)
    assert MARKER not in log.getvalue()
    assert "acme" not in metrics
    assert MARKER not in metrics
    assert said
    assert MARKER not in "".join(said)


def _marked(sent: dict[str, Any]) -> dict[str, Any]:
    """With the marker in each text that is a user's words."""
    texts = ("query", "question", "intent", "text", "experience", "trajectory")
    body = {name: MARKER if name in texts else value for name, value in sent.get("json", {}).items()}
    if "messages" in body:
        body["messages"] = [MARKER, {"content": MARKER, "timestamp": "never"}, {"content": f"{MARKER}\0"}]
    marked = {**sent, "json": body} if "json" in sent else dict(sent)
    if "content" in sent:
        marked["content"] = f'{{"memsvc_export": 3}}\n{{"content": "{MARKER}"'
    return marked


def lines(stream: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def quiet() -> Any:
    """A logger of memsvc's, as it was before."""
    root, own = logging.getLogger(), logging.getLogger("memsvc")
    before = list(root.handlers), root.level, own.level
    yield logging.getLogger("memsvc.some.part")
    root.handlers[:], root.level = before[0], before[1]
    own.setLevel(before[2])


def test_a_line_of_the_log_is_a_document(quiet: logging.Logger) -> None:
    stream = StringIO()
    logs.configure("info", contents=False, stream=stream)
    token = logs.request_id.set("r1")
    logs.event(quiet, logging.INFO, "POST add", verb="add", status=200, seconds=0.5, code=None)
    logs.request_id.reset(token)
    quiet.debug("too quiet")
    [line] = lines(stream)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line.pop("at"))
    assert line == {
        "level": "info", "logger": "memsvc.some.part", "message": "POST add", "request_id": "r1",
        "verb": "add", "status": 200, "seconds": 0.5,
    }  # fmt: skip


def test_of_an_error_that_may_quote_somebody_the_log_has_the_kind(quiet: logging.Logger) -> None:
    for contents, said in ((False, "InvalidReply"), (True, MARKER)):
        stream = StringIO()
        logs.configure("info", contents=contents, stream=stream)
        quiet.warning("stopped: %s", InvalidReply(MARKER))
        quiet.warning("stopped: %s", DatabaseBusy("memory.db: locked"))
        try:
            raise ModelUnavailable(MARKER)
        except ModelUnavailable:
            quiet.exception("failed")
        first, second, third = lines(stream)
        assert first["message"] == f"stopped: {said}"
        assert second["message"].endswith("memory.db: locked")
        assert third["error"].startswith("ModelUnavailable")
        assert (MARKER in third["error"]) is contents


def test_a_person_gets_lines_to_read(quiet: logging.Logger) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    logs.configure("info", contents=False, stream=stream)
    logs.event(quiet, logging.INFO, "POST add", verb="add", status=200, seconds=0.123456)
    assert re.fullmatch(r"\d\d:\d\d:\d\d info    POST add  verb=add status=200 seconds=0.123\n", stream.getvalue())


@pytest.mark.parametrize(
    ("environment", "exporter"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, "otlp"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:4318/v1/traces"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "console"),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, None),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, None),
    ],
)
def test_spans_are_opened_where_an_exporter_is_configured(environment: dict[str, str], exporter: str | None) -> None:
    assert wanted(environment) == exporter


def test_an_exporter_that_is_not_known_is_an_error() -> None:
    with pytest.raises(SettingsError, match="OTEL_TRACES_EXPORTER came as 'zipkin'"):
        wanted({"OTEL_TRACES_EXPORTER": "zipkin"})


def test_a_request_is_a_span_and_each_batch_of_calls_one_below_it() -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with fresh() as memory, served(memory, tracing=Tracing(provider)) as one:
        memory.add(ANN, namespace="acme/ann")
        body = {"namespace": "acme/ann", "question": f"Where did Ann move? {MARKER}"}
        one("POST", "/v1/ask", json=body, headers={"traceparent": parent})
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {"ask", "model draft", "model gate"}
    assert spans["ask"].attributes == {"memsvc.verb": "ask", "http.response.status_code": 200}
    assert spans["ask"].context.trace_id == int(parent[3:35], 16)
    assert spans["model draft"].parent.span_id == spans["ask"].context.span_id
    assert MARKER not in "".join(span.to_json() for span in spans.values())
