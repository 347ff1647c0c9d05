"""AsyncClient: the verbs of `Memory`, done by a service, for asyncio."""

from __future__ import annotations

from contextlib import aclosing
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from memsvc.client import answers, encoding
from memsvc.client.endpoint import LONG_TIMEOUT, RETRIES, TIMEOUT, Endpoint
from memsvc.client.extra import needed
from memsvc.client.lines import Events, Lines
from memsvc.client.routes import ROUTES, arguments, request
from memsvc.client.slicing import slices
from memsvc.memory import Memory
from memsvc_store.text import count_tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator

    from memsvc.answer import Answer
    from memsvc_store.shapes import Receipt

P = ParamSpec("P")
T = TypeVar("T")
Given = dict[str, Any]
Receipts = list["Receipt"]  # `list` is a verb, so that the class can't name the type


async def _sent(client: AsyncClient, name: str, given: Given) -> Any:
    """Send the verb's request and decode the answer."""
    route = ROUTES[name]
    content = await client._transport.send(request(name, given))
    return None if route.gives is None else route.value(answers.decoded(route.gives, content))


async def _added(client: AsyncClient, name: str, given: Given) -> Any:
    """A long list goes in slices. After an error, those before are stored; the same call with a key adds the rest."""
    return [receipt for part in slices(given) for receipt in await _sent(client, name, part)]


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


def _verb(
    verb: Callable[Concatenate[Any, P], T], how: Callable[[AsyncClient, str, Given], Awaitable[Any]] = _sent
) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    """A method of `Memory`, with its parameters, awaited, done over the wire."""

    @wraps(verb)
    async def over_the_wire(self: AsyncClient, /, *args: P.args, **options: P.kwargs) -> T:
        done: T = await how(self, verb.__name__, arguments(verb, args, options))
        return done

    return over_the_wire


def _stream(
    verb: Callable[Concatenate[Any, P], Iterator[T]], decoder: Callable[[], Any]
) -> Callable[Concatenate[AsyncClient, P], AsyncIterator[T]]:
    """A method of `Memory` that gives an iterator, as one that is asynchronous."""

    @wraps(verb)
    async def over_the_wire(self: AsyncClient, /, *args: P.args, **options: P.kwargs) -> AsyncIterator[T]:
        sent = request(verb.__name__, arguments(verb, args, options))
        async with aclosing(self._transport.stream(sent, decoder())) as parts:
            async for part in parts:
                yield part

    return over_the_wire


class AsyncClient:
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

    async def import_(self, lines: Iterable[str] | AsyncIterable[str], *, namespace: str) -> Receipts:
        """Store an export, in this namespace or another; what is there already is a `duplicate`.

        Args:
            lines: such as an open file, or what the `export` of another client gives.

        Raises:
            InvalidMessage, InvalidTimestamp: naming the line that cannot be read.
        """
        sent, route = request("import_", {"namespace": namespace}), ROUTES["import_"]
        content = await self._transport.upload(sent, encoding.achunks(lines))
        receipts: Receipts = route.value(answers.decoded(route.gives, content))
        return receipts

    add = _verb(Memory.add, _added)
    add_episode = _verb(Memory.add_episode)
    update = _verb(Memory.update)
    delete = _verb(Memory.delete)
    forget = _verb(Memory.forget)
    verify_erasure = _verb(Memory.verify_erasure)
    search = _verb(Memory.search)
    search_episodes = _verb(Memory.search_episodes)
    ask = _verb(Memory.ask, _asked)
    ask_stream = _stream(Memory.ask_stream, Events)
    trace = _verb(Memory.trace)
    get = _verb(Memory.get)
    list = _verb(Memory.list)
    history = _verb(Memory.history)
    export = _stream(Memory.export, Lines)
    extract = _verb(Memory.extract)
    reflect = _verb(Memory.reflect)
    jobs = _verb(Memory.jobs)
    retry = _verb(Memory.retry)
    feedback = _verb(Memory.feedback)
    utility = _verb(Memory.utility)
    utility_history = _verb(Memory.utility_history)
    top_utilities = _verb(Memory.top_utilities)
    reset_utility = _verb(Memory.reset_utility)
    rebuild_utilities = _verb(Memory.rebuild_utilities)
    calibrate_gate = _verb(Memory.calibrate_gate)
    calibrate_threshold = _verb(Memory.calibrate_threshold)
    retain = _verb(Memory.retain)
    namespaces = _verb(Memory.namespaces)
    stats = _verb(Memory.stats)
    verify = _verb(Memory.verify)
    reindex = _verb(Memory.reindex)
