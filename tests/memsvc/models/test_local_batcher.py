"""Requests that arrive together become batches, and every promise is kept or broken with a reason."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from memsvc.errors import ModelUnavailable
from memsvc.models.local import batcher
from memsvc.models.local.batcher import Batcher
from memsvc.models.local.loading import load
from memsvc.models.local.shapes import ModelUnusable, PromptTooLong, Request

pytestmark = pytest.mark.slow

TIMEOUT = 60  # seconds until a test that hangs fails instead


def request(question: str, **settings: Any) -> Request:
    return Request([{"role": "user", "content": question}], **{"max_tokens": 8, **settings})


class Watched:
    """A batcher of the tiny model, the shapes of its forward passes, and a gate before each of them."""

    def __init__(self, folder: Path, *, gap: float) -> None:
        self.passes: list[tuple[int, int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.started = threading.Event()
        self.engine: Any = None
        self.loads = 0
        self.batcher = Batcher(lambda: self._load(folder), name="tiny", gap=gap)

    def _load(self, folder: Path) -> Any:
        self.loads += 1
        self.engine = load(str(folder), device="cpu")
        self.engine.model.register_forward_pre_hook(self._look, with_kwargs=True)
        return self.engine

    def _look(self, _model: Any, _args: Any, kwargs: dict[str, Any]) -> None:
        self.passes.append(tuple(kwargs["input_ids"].shape))
        self.started.set()
        assert self.gate.wait(TIMEOUT)


@pytest.fixture
def watched(tiny_model: Path) -> Iterator[Watched]:
    # A gap that no scheduler's pause reaches; the batcher's own is 20 ms.
    made = Watched(tiny_model, gap=0.3)
    yield made
    made.gate.set()
    made.batcher.close()


def test_requests_sent_together_are_one_batch(watched: Watched) -> None:
    with ThreadPoolExecutor(12) as threads:
        futures = list(threads.map(lambda at: watched.batcher.submit(request(f"Question {at}?")), range(12)))
    replies = [future.result(TIMEOUT) for future in futures]

    assert [count for count, new in watched.passes if new > 1] == [12]
    assert len(watched.passes) == max(reply.completion_tokens for reply in replies)
    assert len({reply.text for reply in replies}) == 12
    assert watched.loads == 1


def test_what_arrives_while_a_batch_runs_is_the_next_batch(watched: Watched) -> None:
    watched.gate.clear()
    first = watched.batcher.submit(request("First?"))
    assert watched.started.wait(TIMEOUT)
    later = [watched.batcher.submit(request(f"Question {at}?")) for at in range(5)]
    watched.gate.set()
    for future in [first, *later]:
        future.result(TIMEOUT)

    assert [count for count, new in watched.passes if new > 1] == [1, 5]


def test_one_bad_request_fails_alone(watched: Watched) -> None:
    good, bad, other = (watched.batcher.submit(request(text)) for text in ("Who?", "é?" * 3000, "Where?"))
    with pytest.raises(PromptTooLong):
        bad.result(TIMEOUT)
    assert good.result(TIMEOUT).text != other.result(TIMEOUT).text


def test_a_cancelled_request_is_dropped_before_and_while_the_batch_runs(watched: Watched) -> None:
    watched.gate.clear()
    lengths = (6, 4000, 6)
    running = [watched.batcher.submit(request(f"Question {at}?", max_tokens=each)) for at, each in enumerate(lengths)]
    assert watched.started.wait(TIMEOUT)
    waiting = watched.batcher.submit(request("Too late?"))
    assert running[1].cancel()
    assert waiting.cancel()
    watched.gate.set()
    for future in (running[0], running[2]):
        future.result(TIMEOUT)
    watched.batcher.submit(request("Next?")).result(TIMEOUT)

    assert [new > 1 for _, new in watched.passes] == [True] + [False] * 5 + [True] + [False] * 7, "no pass for 4,000"
    assert [count for count, new in watched.passes if new > 1] == [3, 1]
    with pytest.raises(CancelledError):
        running[1].result(TIMEOUT)


def test_a_short_reply_is_not_held_up_by_a_long_one_of_its_batch(watched: Watched) -> None:
    watched.gate.clear()
    long = watched.batcher.submit(request("Long?", max_tokens=4000))
    short = watched.batcher.submit(request("Short?", max_tokens=3))
    assert watched.started.wait(TIMEOUT)
    watched.gate.set()

    assert short.result(TIMEOUT).completion_tokens == 3
    assert long.cancel()
    assert [count for count, new in watched.passes if new > 1] == [2]


def test_closing_stops_what_runs_and_fails_what_waits(watched: Watched) -> None:
    watched.gate.clear()
    running = watched.batcher.submit(request("Long?", max_tokens=4000))
    assert watched.started.wait(TIMEOUT)
    waiting = watched.batcher.submit(request("Waiting?"))
    closing = threading.Thread(target=watched.batcher.close)
    closing.start()
    watched.gate.set()
    closing.join(TIMEOUT)

    for future in (running, waiting, watched.batcher.submit(request("After?"))):
        with pytest.raises(ModelUnavailable, match="unloaded"):
            future.result(TIMEOUT)
    assert len(watched.passes) < 10


def test_a_failing_forward_pass_fails_its_batch_and_not_the_next(watched: Watched) -> None:
    watched.batcher.submit(request("Load?")).result(TIMEOUT)

    def broken(*_: Any) -> None:
        raise RuntimeError("CUDA error: device-side assert triggered")

    handle = watched.engine.model.register_forward_pre_hook(broken)
    with pytest.raises(ModelUnavailable, match="device-side assert"):
        watched.batcher.submit(request("Broken?")).result(TIMEOUT)
    handle.remove()
    assert watched.batcher.submit(request("Mended?")).result(TIMEOUT).completion_tokens == 8


def test_loading_is_tried_again_after_it_failed(tiny_model: Path) -> None:
    folders = [Path("/nowhere"), tiny_model]
    batcher = Batcher(lambda: load(str(folders.pop(0)), device="cpu"), name="tiny")
    with pytest.raises(ModelUnusable):
        batcher.submit(request("Who?")).result(TIMEOUT)
    assert batcher.submit(request("Who?")).result(TIMEOUT).completion_tokens == 8
    batcher.close()


def test_a_process_holds_one_model_for_a_name_and_device(tiny_model: Path) -> None:
    one = batcher.batcher_of(str(tiny_model), "cpu")
    assert batcher.batcher_of(str(tiny_model), "cpu") is one
    assert batcher.batcher_of(str(tiny_model), None) is not one

    first = one.submit(request("Who?")).result(TIMEOUT)
    batcher.unload()

    again = batcher.batcher_of(str(tiny_model), "cpu")
    assert again is not one
    assert again.submit(request("Who?")).result(TIMEOUT) == first
    batcher.unload()
