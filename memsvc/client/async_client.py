"""AsyncClient: the verbs of `Memory`, done by a service, for asyncio."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Self

from memsvc.client import answers, encoding
from memsvc.client.answers import Events, Lines
from memsvc.client.endpoint import LONG_TIMEOUT, RETRIES, TIMEOUT, Endpoint, needed
from memsvc.client.routes import arguments, request
from memsvc.client.slicing import rejections, slices
from memsvc.contract.derived import AwaitedVerbs
from memsvc.contract.receipts import Receipts, accepted
from memsvc.contract.table import VERBS
from memsvc.errors import MessagesRejected
from memsvc_store.values.text import count_tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from memsvc.asking.answer import Answer

Given = dict[str, Any]


async def _sent(client: AsyncClient, name: str, given: Given) -> Any:
    """Send the verb's request and decode the answer."""
    row = VERBS[name]
    content = await client._transport.send(request(name, given))
    return None if row.gives is None else row.unwrapped(answers.decoded(row.gives, content))


async def _added(client: AsyncClient, name: str, given: Given) -> Any:
    """A long list goes in slices. After an error, those before are stored; the same call with a key adds the rest."""
    parts, receipts = slices(given), Receipts()
    for part in parts:
        try:
            receipts += await _sent(client, name, part)
        except MessagesRejected as error:
            if len(parts) == 1:
                raise
            receipts += rejections(part, error.reasons)
    accepted(receipts, strict=False)
    return receipts


async def _asked(client: AsyncClient, name: str, given: Given) -> Answer:
    """The last of the events: a service that streams shows that it lives, however long an answer takes."""
    tell = given.pop("on_event", None)
    answer = None
    async with aclosing(client._transport.stream(request(name, given), Events())) as events:
        async for event in events:
            if tell is not None:
                tell(event)
            answer = event.answer
    assert answer is not None, "`Events` sees to it that the last one has the answer"
    return answer


async def _imported(client: AsyncClient, name: str, given: Given) -> Any:
    lines, row = given.pop("lines"), VERBS[name]
    content = await client._transport.upload(request(name, given), encoding.achunks(lines))
    return row.unwrapped(answers.decoded(row.gives, content))


_OTHERWISE: Mapping[str, Callable[[AsyncClient, str, Given], Awaitable[Any]]] = {
    "add": _added,
    "ask": _asked,
    "import_": _imported,
}
"""Verbs that are more than one request and its answer."""

_DECODERS: Mapping[str, Callable[[], Any]] = {"ask_stream": Events, "export": Lines}


class AsyncClient(AwaitedVerbs):
    """A memory that a service keeps, for asyncio. Belongs to the event loop that it is first used in.

    Its verbs are those of `Client`, awaited; `ask_stream` and `export` are asynchronous iterators, whose errors come
    with the first step. Cancelling a verb hangs up, and leaving `ask_stream` early cancels the work.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout: float = TIMEOUT,
        long_timeout: float = LONG_TIMEOUT,
        retries: int = RETRIES,
    ) -> None:
        """As `Client`."""
        with needed():
            from memsvc.client.transport import AsyncTransport
        self._endpoint = Endpoint.of(url, api_key, timeout, long_timeout, retries)
        self._transport = AsyncTransport(self._endpoint)

    @property
    def url(self) -> str:
        """The service's address."""
        return self._endpoint.url

    def __repr__(self) -> str:
        return f"AsyncClient({self.url!r})"

    async def close(self) -> None:
        """Let go of the connections."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def count_tokens(self, text: str) -> int:
        """How many tokens a text counts for in a budget; worked out here."""
        return count_tokens(text)

    async def _do(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        how = _OTHERWISE.get(name, _sent)
        return await how(self, name, arguments(name, args, options))

    async def _steps(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> AsyncIterator[Any]:
        sent = request(name, arguments(name, args, options))
        async with aclosing(self._transport.stream(sent, _DECODERS[name]())) as parts:
            async for part in parts:
                yield part
