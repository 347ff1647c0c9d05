"""The bridge between the threads in which memsvc works and whoever waits for it: an event loop, or a plain iterator.

    Underway    work in a thread, seen from an event loop: its steps one by one, then its result
    steps       work in a thread of its own, seen from another thread: an iterator of its steps
    Batches     an iterator that threads take turns at, by the batch
    fetched     an asynchronous iterator, seen from a thread

Work is a function of `tell`, which takes each step, and of `stopped`, which says whether nobody waits any more. From
then on `tell` raises `Cancelled`, so that work ends at its next step, or earlier where it asks.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from memsvc.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Iterator

Step = TypeVar("Step")
Result = TypeVar("Result")
Item = TypeVar("Item")

if TYPE_CHECKING:
    Work: TypeAlias = Callable[[Callable[[Step], None], Callable[[], bool]], Result]

BATCH = 200
"""Lines of an export or import that change threads at a time: a thread is held while they are read, and not while they
are sent."""


class Underway(Generic[Step, Result]):
    """Work in a thread, seen from the event loop that it was begun in. It goes on until it is over, or `stop` is set.

    Args:
        work: what to do.
        thread: has a function called in a thread when its turn comes, and gives what it gave.
        stop: set by whoever does not wait any more.
    """

    def __init__(
        self,
        work: Work[Step, Result],
        thread: Callable[[Callable[[], Result]], Awaitable[Result]],
        stop: threading.Event,
    ) -> None:
        self._loop, self._told = asyncio.get_running_loop(), asyncio.Queue[Step | None]()
        self.result = asyncio.ensure_future(thread(partial(_done, work, self._tell, stop)))
        self.result.add_done_callback(self._over)

    async def step(self, seconds: float | None = None) -> Step | None:
        """The next step; None when it is over.

        Raises:
            TimeoutError: none came for so long.
            Exception: what the work raised.
        """
        async with asyncio.timeout(seconds):
            step = await self._told.get()
        if step is None:
            await self.result
        return step

    def _tell(self, step: Step) -> None:
        self._loop.call_soon_threadsafe(self._told.put_nowait, step)

    def _over(self, result: asyncio.Future[Result]) -> None:
        if not result.cancelled():
            result.exception()  # looked at, so that asyncio does not report it once more where nobody waits for it
        self._told.put_nowait(None)


def steps(work: Work[Step, Result], name: str) -> Iterator[Step]:
    """The steps of work, as they come, from a thread of that name. Closing the iterator early stops the work, and
    waits for its end.

    Raises:
        Exception: what the work raised, after the steps that came before it.
    """
    told: queue.SimpleQueue[Step | BaseException | None] = queue.SimpleQueue()
    stop = threading.Event()

    def run() -> None:
        try:
            _done(work, told.put, stop)
            told.put(None)
        except BaseException as error:  # handed over to the caller's thread whole  # noqa: BLE001
            told.put(error)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        while (step := told.get()) is not None:
            if isinstance(step, BaseException):
                raise step
            yield step
    finally:
        stop.set()
        thread.join()


def _done(work: Work[Step, Result], put: Callable[[Step], None], stop: threading.Event) -> Result:
    """What the work gave; it may have been stopped before its turn came."""

    def check() -> None:
        if stop.is_set():
            raise Cancelled("the caller is gone, or the service is shutting down; ask again")

    def tell(step: Step) -> None:
        check()
        put(step)

    check()
    return work(tell, stop.is_set)


class Batches(Generic[Item]):
    """An iterator that is taken from in one thread and may be closed in another, while it is being taken from."""

    def __init__(self, items: Iterator[Item]) -> None:
        self._items, self._lock = items, threading.Lock()

    def take(self) -> list[Item]:
        """The next `BATCH` of them; none at the end."""
        with self._lock:
            return list(islice(self._items, BATCH))

    def close(self) -> None:
        """Let go of what the iterator holds, if it is a generator."""
        with self._lock:
            if close := getattr(self._items, "close", None):
                close()


def fetched(items: AsyncIterable[Item], loop: asyncio.AbstractEventLoop) -> Iterator[Item]:
    """What comes in an event loop, for a thread: fetched by the batch, since each fetch is a change of threads."""
    source = aiter(items)

    async def some() -> list[Item]:
        batch = []
        async for item in source:
            batch.append(item)
            if len(batch) == BATCH:
                break
        return batch

    while batch := asyncio.run_coroutine_threadsafe(some(), loop).result():
        yield from batch
