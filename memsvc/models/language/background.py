"""One event loop in a thread of its own, for all models of the process; and batches of work on it.

LiteLLM keeps its HTTP connections per event loop, so that one loop keeps them open between batches.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import inspect
import queue
import sys
import threading
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from memsvc.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Sequence
    from concurrent.futures import Executor
    from contextlib import AbstractAsyncContextManager

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

POLL = 0.1  # seconds after which a caller hears that nothing has ended yet
GIVING_UP = 5.0  # seconds that cancelled work gets to close its connections


class BackgroundLoop:
    """An event loop that other threads hand work to. Started by its first use, closed at the interpreter's end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def as_they_end(
        self,
        jobs: Sequence[Callable[[], Coroutine[Any, Any, Result]]],
        *,
        width: int | None,
        slots: AbstractAsyncContextManager[Any],
    ) -> Generator[tuple[int, Result] | None]:
        """Each job's place and result in the order in which they end, and None when none ended for a while.

        Closing the iterator early cancels what is under way, and returns when that is done.

        Args:
            jobs: what to run; each is called once, on the loop.
            width: jobs of this batch at once, all when None. A batch never queues more for the slots, so
                that a long batch and a short one that share them take turns.
            slots: what each job holds while it runs.
        """
        ended: queue.SimpleQueue[tuple[int, Result] | asyncio.Task[None]] = queue.SimpleQueue()
        cancel = self._start(_fan_out(jobs, width or len(jobs), slots, ended.put), ended.put)
        over = False
        try:
            while not over:
                try:
                    item = ended.get(timeout=POLL)
                except queue.Empty:
                    yield None
                    continue
                if isinstance(item, tuple):
                    yield item
                    continue
                over = True
                if item.cancelled():
                    raise Cancelled("the calls were given up: the process is ending")
                item.result()
        finally:
            if not over:
                cancel()
                _drain(ended)

    def close(self) -> None:
        """Cancels what runs, closes the connections and ends the thread."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        atexit.unregister(self.close)
        with contextlib.suppress(TimeoutError):  # work that will not end must not keep the process
            asyncio.run_coroutine_threadsafe(_wind_up(), loop).result(GIVING_UP)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(GIVING_UP)
        if not thread.is_alive():
            loop.close()

    def _start(
        self, work: Coroutine[Any, Any, None], when_done: Callable[[asyncio.Task[None]], None]
    ) -> Callable[[], None]:
        """Starts `work` on the loop; returns what cancels it."""
        loop = self._ready()
        tasks: list[asyncio.Task[None]] = []

        def start() -> None:
            tasks.append(loop.create_task(work))
            tasks[0].add_done_callback(when_done)

        loop.call_soon_threadsafe(start)
        return lambda: _tell(loop, lambda: tasks[0].cancel())

    def _ready(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = _Loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="memsvc-models", daemon=True)
                self._thread.start()
                atexit.register(self.close)
            return self._loop


class _Loop(asyncio.SelectorEventLoop):
    """Closes coroutines that a thread made for a task that was cancelled meanwhile.

    LiteLLM prepares each request in a thread, which takes some ms and gives a coroutine. A task that
    is cancelled in that time drops it, and Python warns that it was never awaited.
    """

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Arguments], Result], *args: *Arguments
    ) -> asyncio.Future[Result]:
        """As the loop that this one inherits from."""
        task = asyncio.current_task(self)
        made: list[Coroutine[Any, Any, Any]] = []

        def tracked(*args: *Arguments) -> Result:
            result = func(*args)
            if asyncio.iscoroutine(result):
                made.append(result)
                if task is None or task.done():
                    _close_unstarted(made)
            return result

        if task is not None:
            task.add_done_callback(lambda _: _close_unstarted(made))
        return super().run_in_executor(executor, tracked, *args)


def _close_unstarted(made: list[Coroutine[Any, Any, Any]]) -> None:
    for coroutine in made:
        if inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
            coroutine.close()


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[[], object]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile, and the work with it
        loop.call_soon_threadsafe(what)


def _drain(ended: queue.SimpleQueue[Any]) -> None:
    """Waits until the cancelled batch is over."""
    with contextlib.suppress(queue.Empty):  # it had its time
        while isinstance(ended.get(timeout=GIVING_UP), tuple):
            pass


async def _fan_out(
    jobs: Sequence[Callable[[], Coroutine[Any, Any, Result]]],
    width: int,
    slots: AbstractAsyncContextManager[Any],
    put: Callable[[tuple[int, Result]], None],
) -> None:
    waiting = iter(enumerate(jobs))

    async def work() -> None:
        for at, job in waiting:
            async with slots:
                put((at, await job()))

    workers = [asyncio.create_task(work()) for _ in range(min(width, len(jobs)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def _wind_up() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if litellm := sys.modules.get("litellm"):
        await litellm.close_litellm_async_clients()
    await asyncio.get_running_loop().shutdown_default_executor()


BACKGROUND = BackgroundLoop()
