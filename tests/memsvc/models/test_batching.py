"""Micro-batching: what meets in one call, who waits for whom, and that nobody is left behind."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from memsvc import Memory, Settings
from memsvc.errors import EmbedderError
from memsvc.models.embedding.batching import BatchingEmbedder
from memsvc.models.embedding.checked import CheckedEmbedder
from memsvc.testing import HashEmbedder
from tests.memsvc.models.embedder_laws import EmbedderLaws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from memsvc_retrievers.protocols import Purpose

LONG = 60.0


class Held(HashEmbedder):
    """Notes what it is called with, and works only while `open` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[str]] = []
        self.open = threading.Event()

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[np.float32]:
        self.batches.append(list(texts))
        assert self.open.wait(LONG)
        if "bad" in texts:
            raise EmbedderError("a bad text")
        if "stop" in texts:
            raise KeyboardInterrupt
        return super().embed(texts, purpose=purpose)


class Callers:
    """Callers in threads of their own, each of which queues before the next one comes."""

    def __init__(self, window: float = 0.0, size: int = 8) -> None:
        self.inner = Held()
        self.embedder = BatchingEmbedder(self.inner, window=window, size=size)
        self.pool = ThreadPoolExecutor(16)

    def ask(self, text: str, purpose: Purpose = "query") -> Future[NDArray[np.float32]]:
        return self.pool.submit(self.embedder.embed, [text], purpose=purpose)

    def lead(self, text: str) -> Future[NDArray[np.float32]]:
        """A caller whose batch runs, and is held."""
        before = len(self.inner.batches)
        asked = self.ask(text)
        until(lambda: len(self.inner.batches) > before)
        return asked

    def queue(self, *texts: str) -> list[Future[NDArray[np.float32]]]:
        """Callers that wait for it, in this order."""
        asked = []
        for text in texts:
            before = self.waiting
            asked.append(self.ask(text))
            until(lambda before=before: self.waiting > before)  # type: ignore[misc]
        return asked

    @property
    def waiting(self) -> int:
        return len(self.embedder._lanes["query"]._waiting)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def rows_of(text: str) -> NDArray[np.float32]:
    return HashEmbedder().embed([text])


@pytest.fixture
def callers() -> Iterator[Callers]:
    made = Callers()
    yield made
    made.inner.open.set()
    made.pool.shutdown()


class TestBatching(EmbedderLaws):
    @pytest.fixture
    def embedder(self) -> BatchingEmbedder:
        return BatchingEmbedder(HashEmbedder(), window=0.002, size=32)


def test_who_comes_while_a_batch_runs_shares_the_next_one(callers: Callers) -> None:
    asked = [callers.lead("one"), *callers.queue("two", "three", "four")]
    callers.inner.open.set()
    for text, future in zip(("one", "two", "three", "four"), asked, strict=True):
        np.testing.assert_array_equal(future.result(LONG), rows_of(text))
    assert callers.inner.batches == [["one"], ["two", "three", "four"]]


def test_a_lone_caller_works_in_its_own_thread_and_waits_for_nobody() -> None:
    made = Callers(window=LONG)
    made.inner.open.set()
    for text in ("one", "two"):
        np.testing.assert_array_equal(made.embedder.embed([text], purpose="query"), rows_of(text))
    assert made.inner.batches == [["one"], ["two"]]


def test_batches_are_bounded_and_nobody_is_overtaken() -> None:
    made = Callers(size=3)
    asked = [made.lead("0"), *made.queue("1", "2", "3", "4", "5", "6", "7")]
    made.inner.open.set()
    for future in asked:
        future.result(LONG)
    assert made.inner.batches == [["0"], ["1", "2", "3"], ["4", "5", "6"], ["7"]]
    made.pool.shutdown()


def test_a_batch_waits_for_those_under_way_and_no_longer() -> None:
    made = Callers(window=LONG)
    first, *others = [made.lead("one"), *made.queue("two", "three")]
    made.inner.open.set()
    first.result(LONG)
    assert not any(one.done() for one in others), "the one who was served first is about to ask again"
    again = made.ask("four")
    began = time.monotonic()
    for future in (*others, again):
        future.result(LONG)
    assert time.monotonic() - began < LONG / 2
    assert made.inner.batches == [["one"], ["two", "three", "four"]]
    made.pool.shutdown()


def test_the_window_closes_where_nobody_comes_again() -> None:
    made = Callers(window=0.001)
    asked = [made.lead("one"), *made.queue("two", "three")]
    made.inner.open.set()
    for future in asked:
        future.result(LONG)
    assert made.inner.batches == [["one"], ["two", "three"]]
    made.pool.shutdown()


def test_an_error_is_met_by_its_caller_alone(callers: Callers) -> None:
    asked = [callers.lead("one"), *callers.queue("two", "bad", "three")]
    callers.inner.open.set()
    with pytest.raises(EmbedderError, match="a bad text"):
        asked.pop(2).result(LONG)
    for text, future in zip(("one", "two", "three"), asked, strict=True):
        np.testing.assert_array_equal(future.result(LONG), rows_of(text))
    with pytest.raises(EmbedderError, match="a bad text"):
        callers.embedder.embed(["bad"], purpose="query")


def test_a_batch_of_too_few_rows_reaches_nobody() -> None:
    class Short(HashEmbedder):
        def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[np.float32]:
            return super().embed(texts[:1], purpose=purpose)

    made = Callers()
    made.embedder = BatchingEmbedder(_Behind(made.inner, CheckedEmbedder(Short())), window=0.0, size=8)
    asked = [made.lead("one"), *made.queue("two", "three")]
    made.inner.open.set()
    for text, future in zip(("one", "two", "three"), asked, strict=True):
        np.testing.assert_array_equal(future.result(LONG), rows_of(text))
    made.pool.shutdown()


class _Behind(HashEmbedder):
    """Another embedder behind one that holds."""

    def __init__(self, held: Held, inner: CheckedEmbedder) -> None:
        super().__init__()
        self._held, self._inner = held, inner

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[np.float32]:
        self._held.embed(texts, purpose=purpose)
        return self._inner.embed(texts, purpose=purpose)


def test_stored_texts_do_not_wait_for_questions_nor_anybody_for_a_large_call(callers: Callers) -> None:
    callers.lead("a question")
    callers.ask("a message", purpose="document")
    until(lambda: ["a message"] in callers.inner.batches)
    many = [f"text {n}" for n in range(8)]
    callers.pool.submit(callers.embedder.embed, many, purpose="query")
    until(lambda: many in callers.inner.batches)


def test_an_interrupted_caller_holds_up_nobody(callers: Callers) -> None:
    first = callers.lead("one")

    def interrupt() -> None:
        until(lambda: callers.waiting == 1)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        callers.embedder.embed(["of the main thread"], purpose="query")
    interrupting.join()
    [after] = callers.queue("after")
    callers.inner.open.set()
    np.testing.assert_array_equal(first.result(LONG), rows_of("one"))
    np.testing.assert_array_equal(after.result(LONG), rows_of("after"))
    assert callers.inner.batches == [["one"], ["after"]]


def test_those_whose_leader_was_interrupted_go_on_alone(callers: Callers) -> None:
    asked = [callers.lead("one"), *callers.queue("stop", "two")]
    callers.inner.open.set()
    with pytest.raises(KeyboardInterrupt):
        asked.pop(1).result(LONG)
    for text, future in zip(("one", "two"), asked, strict=True):
        np.testing.assert_array_equal(future.result(LONG), rows_of(text))
    np.testing.assert_array_equal(callers.embedder.embed(["next"], purpose="query"), rows_of("next"))


def test_many_threads_each_get_their_own_rows() -> None:
    inner = Held()
    inner.open.set()
    embedder = BatchingEmbedder(inner, window=0.002, size=16)

    def work(thread: int) -> None:
        for n in range(40):
            texts = [f"thread {thread} says {n} {part}" for part in range(1 + n % 3)]
            np.testing.assert_array_equal(embedder.embed(texts), HashEmbedder().embed(texts))

    with ThreadPoolExecutor(24) as pool:
        list(pool.map(work, range(24)))
    assert max(map(len, inner.batches)) <= 16
    assert len(inner.batches) < 24 * 40


def test_a_memory_batches_where_it_is_asked_to(tmp_path: Path) -> None:
    inner = Held()
    inner.open.set()
    settings = Settings.load(batch_window_ms=0, batch_size=4)
    with (
        Memory.open(tmp_path / "a.db", embedder=inner, settings=settings, batching=True) as memory,
        ThreadPoolExecutor(4) as pool,
    ):
        memory.add("I moved to Oslo.", namespace="ann")
        inner.open.clear()
        inner.batches.clear()
        searches = [pool.submit(memory.search, "Oslo", namespace="ann")]
        until(lambda: len(inner.batches) == 1)
        lane = memory._checked._lanes["query"]  # type: ignore[attr-defined]
        searches += [pool.submit(memory.search, f"Oslo {n}", namespace="ann") for n in range(3)]
        until(lambda: len(lane._waiting) == 3)
        inner.open.set()
        assert [one.result(LONG)[0].text for one in searches] == ["I moved to Oslo."] * 4
        assert [len(batch) for batch in inner.batches] == [1, 3]
