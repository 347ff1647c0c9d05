"""The four faces of one memory, all with the synchronous verbs of `Memory`."""

from __future__ import annotations

import asyncio
import inspect
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from memsvc import AsyncClient, AsyncMemory, Client
from tests.memsvc.server.served import fresh, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FACES = ("memory", "async_memory", "client", "async_client")


class Blocking:
    """An asynchronous face, called from without: its event loop runs in a thread of its own."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._face = self._run(_made(make))

    def close(self) -> None:
        self._run(self._face.close())
        self._run(self._loop.shutdown_asyncgens())
        self._run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._face, name)

        def called(*args: Any, **options: Any) -> Any:
            found = verb(*args, **options)
            return self._run(found) if inspect.isawaitable(found) else self._each(found)

        return called

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def _each(self, found: Any) -> Iterator[Any]:
        try:
            while (one := self._run(anext(found, None))) is not None:
                yield one
        finally:
            self._run(found.aclose())


async def _made(make: Callable[[], Any]) -> Any:
    return make()


@contextmanager
def face(kind: str, **options: Any) -> Iterator[Any]:
    """One of the faces of a new memory."""
    with ExitStack() as stack:
        memory = stack.enter_context(fresh(**options))
        if kind == "memory":
            yield memory
        elif kind == "async_memory":
            one = Blocking(lambda: AsyncMemory(memory))
            stack.callback(one.close)
            yield one
        else:
            url = str(stack.enter_context(served(memory)).client.base_url)
            if kind == "client":
                yield stack.enter_context(Client(url))
            else:
                two = Blocking(lambda: AsyncClient(url))
                stack.callback(two.close)
                yield two
