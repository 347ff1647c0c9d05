"""AsyncMemory: the verbs of `Memory` for asyncio, each in a thread of a bounded pool."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from memsvc.bridge import Batches, Underway, fetched
from memsvc.contract.derived import AwaitedVerbs
from memsvc.errors import DatabaseUnreadable
from memsvc.memory import Memory

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from memsvc.asking.answer import Answer, Event

T = TypeVar("T")

THREADS = 16
"""Verbs at work at once. Most of their time they wait: for the disk, for a model, for the code that lets others run."""


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
        self.memory, self._closed = memory, False
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
        self._closed = True
        await asyncio.to_thread(self._pool.shutdown)

    async def _do(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if name == "ask":
            return await self._asked(args, options)
        if name == "import_" and isinstance(args[0], AsyncIterable):
            args = (fetched(args[0], asyncio.get_running_loop()),)
        return await self._run(partial(getattr(self.memory, name), *args, **options))

    def _steps(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> AsyncGenerator[Any, None]:
        return self._events(args, options) if name == "ask_stream" else self._lines(args, options)

    async def _lines(self, args: tuple[Any, ...], options: dict[str, Any]) -> AsyncGenerator[str, None]:
        lines = Batches(await self._run(partial(self.memory.export, *args, **options)))
        try:
            while batch := await self._run(lines.take):
                for line in batch:
                    yield line
        finally:
            await asyncio.to_thread(lines.close)  # also where this was closed meanwhile

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
        """Do it in a thread of the pool, with this task's context.

        Raises:
            DatabaseUnreadable: this was closed.
        """
        if self._closed:
            raise DatabaseUnreadable(f"{self.memory.store.database.name} was closed; open it again")
        return await asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, work)

    async def _events(self, args: tuple[Any, ...], options: dict[str, Any]) -> AsyncGenerator[Event, None]:
        """The events of one `ask`, from a thread of the pool. Closing the iterator stops the work and waits for it."""

        def work(tell: Callable[[Event], None], stopped: Callable[[], bool]) -> Answer:
            return self.memory._asking(*args, **options).run(tell, stopped)

        stop = threading.Event()
        underway = Underway(work, self._run, stop)
        try:
            while (event := await underway.step()) is not None:
                yield event
        finally:
            stop.set()
            await asyncio.wait([underway.result])
