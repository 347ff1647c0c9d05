"""The bridge: steps come in order to either side, errors come after them, and who leaves early stops the work."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.bridge import BATCH, Batches, Underway, fetched, steps
from memsvc.contract.lines import Lines
from memsvc.errors import Cancelled, NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    Tell = Callable[[int], None]
    Stopped = Callable[[], bool]


def counting(tell: Tell, _: Stopped) -> str:
    """Work of three steps."""
    for number in range(3):
        tell(number)
    return "done"


def failing(tell: Tell, _: Stopped) -> str:
    """Work that ends with an error after a step."""
    tell(0)
    raise NotFound("nothing there")


class Endless:
    """Work that goes on until it is stopped; `ended` is set then."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    def __call__(self, tell: Tell, _: Stopped) -> str:
        try:
            while True:
                tell(0)
        finally:
            self.ended.set()


async def thread(work: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(work)


def test_steps_come_in_order_to_a_plain_iterator() -> None:
    assert list(steps(counting, "memsvc-test")) == [0, 1, 2]


def test_an_error_comes_after_the_steps_before_it() -> None:
    found = steps(failing, "memsvc-test")
    assert next(found) == 0
    with pytest.raises(NotFound):
        next(found)


def test_closing_an_iterator_ends_the_work() -> None:
    work = Endless()
    for _ in (found := steps(work, "memsvc-test")):
        break
    found.close()  # type: ignore[attr-defined]
    assert work.ended.is_set()


def test_a_loop_hears_the_steps_and_then_the_result() -> None:
    async def run() -> tuple[list[int], str]:
        underway, heard = Underway(counting, thread, threading.Event()), []
        while (step := await underway.step(10)) is not None:
            heard.append(step)
        return heard, await underway.result

    assert asyncio.run(run()) == ([0, 1, 2], "done")


def test_a_loop_hears_an_error_after_the_steps_before_it() -> None:
    async def run() -> None:
        underway = Underway(failing, thread, threading.Event())
        assert await underway.step(10) == 0
        with pytest.raises(NotFound):
            await underway.step(10)

    asyncio.run(run())


def test_a_loop_that_stops_ends_the_work_at_its_next_step() -> None:
    async def run(work: Endless) -> None:
        stop = threading.Event()
        underway = Underway(work, thread, stop)
        assert await underway.step(10) == 0
        stop.set()
        with pytest.raises(Cancelled):
            await underway.result
        assert work.ended.is_set()

    asyncio.run(run(Endless()))


def test_what_was_stopped_before_its_turn_is_not_begun() -> None:
    async def run(work: Endless) -> None:
        stop = threading.Event()
        stop.set()
        with pytest.raises(Cancelled):
            await Underway(work, thread, stop).step(10)
        assert not work.ended.is_set()

    asyncio.run(run(Endless()))


def test_a_silent_step_times_out_and_is_not_lost() -> None:
    go = threading.Event()

    def waiting(tell: Tell, _: Stopped) -> None:
        assert go.wait(10)
        tell(7)

    async def run() -> None:
        underway = Underway(waiting, thread, threading.Event())
        with pytest.raises(TimeoutError):
            await underway.step(0.01)
        go.set()
        assert (await underway.step(10), await underway.step(10)) == (7, None)

    asyncio.run(run())


def test_batches_are_taken_whole_and_closed() -> None:
    batches = Batches(iter(range(BATCH + 1)))
    assert [len(batches.take()) for _ in range(3)] == [BATCH, 1, 0]
    batches.close()
    held = Batches(number for number in range(BATCH))
    held.close()
    assert held.take() == []


def test_what_comes_in_a_loop_reaches_a_thread() -> None:
    async def some() -> AsyncIterator[int]:
        for number in range(BATCH + 1):
            yield number

    async def run() -> list[int]:
        loop = asyncio.get_running_loop()
        return await asyncio.to_thread(lambda: list(fetched(some(), loop)))

    assert asyncio.run(run()) == list(range(BATCH + 1))


@given(st.lists(st.text().map(lambda text: text.replace("\n", " ").encode()), min_size=1), st.data())
def test_lines_are_the_same_however_they_are_cut(wanted: list[bytes], data: st.DataObject) -> None:
    whole, found, lines = b"\n".join(wanted), [], Lines()
    places = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    for start, end in zip([0, *places], [*places, len(whole)], strict=True):
        found += lines.feed(whole[start:end])
    found += lines.end()
    assert found == (wanted if wanted[-1] else wanted[:-1])
    assert lines.number == len(found)
