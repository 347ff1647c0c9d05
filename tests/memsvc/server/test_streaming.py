"""`ask` as it happens: its events, its heartbeats, and its end when nobody listens. And lines, in and out."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest

from memsvc.asking.answer import Event
from memsvc.bridge import BATCH
from memsvc.errors import InvalidReply
from memsvc.server import lines
from memsvc.service.pools import SIZES, Pools
from memsvc.testing import RuleModel
from memsvc_store.values.document import adapter
from tests.memsvc.server.served import ANN, fresh, served, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from io import StringIO

    from memsvc_retrievers.language import Prompt
    from tests.memsvc.server.served import Running

pytestmark = pytest.mark.slow

SSE = {"Accept": "text/event-stream"}
QUESTION = {"namespace": "acme/ann", "question": "Where did Ann move?"}


class Slow:
    """A model whose first call waits until it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.model = RuleModel({"draft": self._draft})

    def _draft(self, _: Prompt) -> dict[str, Any]:
        self.begun.set()
        assert self.go.wait(30)
        return {"thoughts": "", "answer": "Ann moved to Oslo.", "sources": [1]}


@pytest.fixture
def slow() -> Iterator[Slow]:
    one = Slow()
    yield one
    one.go.set()


def events(text: str) -> list[tuple[str, Any]]:
    """(name, data) of each event."""
    found = []
    for block in text.strip().split("\n\n"):
        if not block.startswith(":"):
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_the_steps_come_as_events_and_the_last_one_is_the_answer(ann: Running) -> None:
    found = ann("POST", "/v1/ask", json=QUESTION, headers=SSE)
    assert found.headers["content-type"].startswith("text/event-stream")
    told = events(found.text)
    assert [name for name, _ in told] == ["retrieved", "drafted", "judged", "answered"]
    steps: list[Event] = [adapter(Event).validate_python(data) for _, data in told]
    assert [step.stage for step in steps] == [name for name, _ in told]
    assert steps[-1].answer is not None
    assert steps[-1].answer.text == "I moved to Oslo last week."
    assert steps[2].verdict is not None


def test_wrong_input_has_a_status_of_its_own(ann: Running) -> None:
    found = ann("POST", "/v1/ask", json={**QUESTION, "question": " "}, headers=SSE)
    assert (found.status_code, found.json()["code"]) == (422, "invalid_message")


def test_what_fails_later_is_an_event() -> None:
    def unreadable(_: Prompt) -> str:
        raise InvalidReply("MARKER")

    with fresh(RuleModel({"draft": unreadable})) as memory, served(memory) as one:
        memory.add(ANN, namespace="acme/ann")
        found = one("POST", "/v1/ask", json=QUESTION, headers=SSE)
        (first, _), (last, problem) = events(found.text)
        assert (found.status_code, first, last) == (200, "retrieved", "error")
        assert (problem["status"], problem["code"]) == (502, "invalid_reply")
        assert problem["request_id"] == found.headers["x-request-id"]
        assert "MARKER" not in found.text


def test_a_silent_stream_says_that_it_lives(slow: Slow) -> None:
    with fresh(slow.model) as memory, served(memory, heartbeat=0.05) as one:
        memory.add(ANN, namespace="acme/ann")
        with one.client.stream("POST", "/v1/ask", json=QUESTION, headers=SSE) as stream:
            chunks = stream.iter_text()
            seen = next(chunks)
            while seen.count(": ping\n\n") < 2:
                seen += next(chunks)
            slow.go.set()
            assert "event: answered" in seen + "".join(chunks)


@pytest.mark.parametrize("headers", [{}, SSE], ids=["answer", "stream"])
def test_who_hangs_up_cancels_the_work(slow: Slow, log: StringIO, headers: dict[str, str]) -> None:
    with fresh(slow.model) as memory, served(memory) as one:
        memory.add(ANN, namespace="acme/ann")
        asks = one.service.asks

        caller = HTTPConnection(one.client.base_url.host, one.client.base_url.port or 80)
        caller.request("POST", "/v1/ask", json.dumps(QUESTION), {"Content-Type": "application/json", **headers})
        assert slow.begun.wait(30)
        caller.close()
        until(lambda: asks.stopping == len(asks))
        slow.go.set()
        until(lambda: one.service.pools.busy()["slow"] == 0)
        assert [prompt.purpose for prompt in slow.model.prompts] == ["draft"]  # and no gate
        assert len(asks) == 0
        until(lambda: '"verb": "ask"' in log.getvalue())
    [line] = [line for line in map(json.loads, log.getvalue().splitlines()) if line.get("verb") == "ask"]
    assert (line["level"], line["status"]) == ("info", 200 if headers else 499)  # a stream had begun


def test_slow_answers_starve_no_search(slow: Slow) -> None:
    with fresh(slow.model) as memory, served(memory) as one, ThreadPoolExecutor(SIZES["slow"] + 4) as threads:
        memory.add(ANN, namespace="acme/ann")
        asked = [threads.submit(one.post, "/ask", **QUESTION) for _ in range(SIZES["slow"] + 4)]
        until(lambda: one.service.pools.busy()["slow"] == SIZES["slow"])
        assert one.post("/search", namespace="acme/ann", query="Oslo").json()["hits"]
        assert one.post("/messages", namespace="acme/ann", messages="It rains.").status_code == 200
        slow.go.set()
        assert {one.result().status_code for one in asked} == {200}


def test_an_export_is_read_no_faster_than_it_is_taken() -> None:
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield "{}"

    async def take(chunks: int) -> None:
        stream = aiter((await lines.out(Pools(), None, endless)).body_iterator)
        for _ in range(chunks):
            await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(take(3))
    assert read == 3 * BATCH


def test_a_namespace_moves_over_the_wire(running: Running) -> None:
    memory = running.service.memory
    memory.add([f"line {number} is about lemons" for number in range(2 * BATCH + 1)], namespace="a")
    moved = running.get("/export", namespace="a")
    assert moved.headers["content-type"] == lines.MEDIA_TYPE
    assert moved.text.splitlines() == list(memory.export(namespace="a"))
    stored = running(
        "POST", "/v1/import", params={"namespace": "b"}, content=iter([moved.content[:100], moved.content[100:]])
    )
    assert {one["status"] for one in stored.json()["receipts"]} == {"stored"}
    assert memory.stats(namespace="b")["messages"] == 2 * BATCH + 1


def test_a_long_line_in_many_chunks_is_read_once() -> None:
    class Counted(bytes):
        """A part of a line; only whole lines are put together."""

        def __add__(self, other: object) -> bytes:
            raise AssertionError("parts are copied again with every chunk")

    class Upload:
        async def stream(self) -> AsyncIterator[bytes]:
            for part in (b"a" * 10, b"b\n\nc", b"", b"d" * 10, b"\n", b"e"):
                yield Counted(part)

    async def read() -> list[str]:
        return await Pools().run("slow", lambda: list(lines.incoming(Upload())))  # type: ignore[arg-type]

    assert asyncio.run(read()) == ["a" * 10 + "b", "", "c" + "d" * 10, "e"]


def test_an_export_of_nothing_is_not_found(running: Running) -> None:
    assert running.get("/export", namespace="nobody").status_code == 404


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"\xff", "line 2 is not UTF-8"),
        (b"x" * (lines.LINE_BYTES + 1), "line 2 is longer than 8 MiB"),
        (b"{", "line 2 is not JSON"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(running: Running, line: bytes, said: str) -> None:
    content = b'{"memsvc_export": 3, "namespace": "a"}\n' + line
    found = running("POST", "/v1/import", params={"namespace": "b"}, content=content)
    assert (found.status_code, found.json()["code"]) == (422, "invalid_message")
    assert said in found.json()["detail"]
