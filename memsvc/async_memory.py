"""AsyncMemory: the verbs of `Memory` for asyncio, each in a thread of a bounded pool."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from contextvars import copy_context
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

from memsvc.asking.events import Event
from memsvc.contract.derived import AwaitedVerbs
from memsvc.errors import Cancelled
from memsvc.memory import Memory

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

    from memsvc.asking.answer import Answer
    from memsvc.asking.prepare import Work
    from memsvc.contract.options import AskOptions

T = TypeVar("T")

Lines = list[str]  # `list` is a verb, so that classes with it can't name the type

THREADS = 16
"""Verbs at work at once. Most of their time they wait: for the disk, for a model, for the code that lets others run."""

BATCH = 200
"""Lines of an export that are read, and of an import that are fetched, at a time."""


class AsyncMemory(AwaitedVerbs):
    """An agent's memory in one database, for asyncio. Belongs to one event loop.

    Its verbs are those of `Memory`, awaited; `ask_stream` and `export` are asynchronous iterators, whose errors come
    with the first step. `ask` stops where it is cancelled, and `ask_stream` where it is left early, calls under way
    included. Any other verb that has begun goes on to its end in its thread: a write is never left behind.

    Args:
        memory: stays the caller's to close, unless it was opened by `AsyncMemory.open`.
        threads: how many verbs are at work at once; others wait their turn.
    """

    def __init__(self, memory: Memory, *, threads: int = THREADS) -> None:
        self.memory = memory
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="memsvc-async")

    @classmethod
    @asynccontextmanager
    async def open(cls, *args: Any, threads: int = THREADS, **options: Any) -> AsyncIterator[AsyncMemory]:
        """Open, and create if need be, a memory: `async with AsyncMemory.open("agent.db") as memory:`.

        Args:
            *args: as `Memory.open`.
            threads: how many verbs are at work at once.
            **options: as `Memory.open`.

        Raises:
            SettingsError, DatabaseError, MissingDependency: each says what to do.
        """
        memory = cls(await asyncio.to_thread(Memory.open, *args, **options), threads=threads)
        try:
            yield memory
        finally:
            await asyncio.to_thread(memory.memory.close)
            await memory.close()

    async def close(self) -> None:
        """Wait for what was begun, and let go of the threads."""
        await asyncio.to_thread(self._pool.shutdown)

    async def _do(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if name == "ask":
            return await self._asked(args, options)
        if name == "import_" and isinstance(args[0], AsyncIterable):
            args = (_fetched(args[0], asyncio.get_running_loop()),)
        return await self._run(partial(getattr(self.memory, name), *args, **options))

    def _steps(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> AsyncGenerator[Any, None]:
        return self._events(args, options) if name == "ask_stream" else self._lines(args, options)

    async def _lines(self, args: tuple[Any, ...], options: dict[str, Any]) -> AsyncGenerator[str, None]:
        lines = _Shared(await self._run(partial(self.memory.export, *args, **options)))
        try:
            while batch := await self._run(lines.take):
                for line in batch:
                    yield line
        finally:
            await self._run(lines.close)

    async def _asked(self, args: tuple[Any, ...], options: dict[str, Any]) -> Answer:
        """`ask` as the end of `ask_stream`, so that cancelling it stops the work; `on_event` is called in the loop."""
        tell, answer = options.pop("on_event", None), None
        async with aclosing(self._events(args, options)) as events:
            async for event in events:
                if tell is not None:
                    tell(event)
                answer = event.answer
        assert answer is not None, "the last event has the answer"
        return answer

    async def _run(self, work: Callable[[], T]) -> T:
        """Do it in a thread of the pool, with this task's context."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, work)

    async def _events(self, args: tuple[Any, ...], options: dict[str, Any]) -> AsyncGenerator[Event, None]:
        """The events of one `ask`, from a thread of the pool. Closing the iterator stops the work and waits for it."""
        work = await self._run(partial(self._work, *args, **options))
        loop, told, stop = asyncio.get_running_loop(), asyncio.Queue[Event | None](), threading.Event()

        def tell(event: Event) -> None:
            if stop.is_set():
                raise Cancelled("nobody waits for the answer any more")
            loop.call_soon_threadsafe(told.put_nowait, event)

        done = loop.run_in_executor(self._pool, copy_context().run, work, tell, stop.is_set)
        done.add_done_callback(lambda _: told.put_nowait(None))
        try:
            while (event := await told.get()) is not None:
                yield event
            await done
        finally:
            stop.set()
            await asyncio.wait([done])
            done.exception()  # looked at: who left early does not want to hear of it

    def _work(self, question: str, *, namespace: str, for_session: str | None = None, **options: Any) -> Work:
        return self.memory._asked(question, namespace, for_session, cast("AskOptions", options))


class _Shared:
    """Lines that are taken in one thread and may be closed in another, while some are being taken."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self._lock = lines, threading.Lock()

    def take(self) -> Lines:
        """The next ones; none at the end."""
        with self._lock:
            return list(islice(self._lines, BATCH))

    def close(self) -> None:
        """Let go of the snapshot."""
        with self._lock:
            self._lines.close()  # type: ignore[attr-defined]  # `export` is a generator


def _fetched(lines: AsyncIterable[str], loop: asyncio.AbstractEventLoop) -> Iterator[str]:
    """Lines of the event loop, for a thread: fetched by the batch, since each fetch is a change of threads."""
    source = aiter(lines)

    async def some() -> Lines:
        batch = []
        async for line in source:
            batch.append(line)
            if len(batch) == BATCH:
                break
        return batch

    while batch := asyncio.run_coroutine_threadsafe(some(), loop).result():
        yield from batch
