"""Faces made of the contract: a class that says once how any verb is done, and gets all of them.

An editor sees the verbs where they are declared: `Verbs`, and `AwaitedVerbs` for asyncio. What is made here is what
they do.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from memsvc.contract.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator

    from memsvc.contract.receipts import Receipts

P = ParamSpec("P")
T = TypeVar("T")
Face = TypeVar("Face", bound="type[Verbs]")

NAMES = tuple(name for name in vars(Verbs) if not name.startswith("_"))
"""The verbs, in the order in which they are declared."""


def done(face: Face) -> Face:
    """A class decorator: each verb that the class does not define itself calls its `_do(name, args, options)`."""
    for name in NAMES:
        if name not in vars(face):
            setattr(face, name, _doing(getattr(Verbs, name)))
    return face


def _doing(verb: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(verb)
    def do(self: Any, /, *args: Any, **options: Any) -> Any:
        return self._do(verb.__name__, args, options)

    return do


def _awaited(
    verb: Callable[Concatenate[Any, P], T],
) -> Callable[Concatenate[AwaitedVerbs, P], Coroutine[Any, Any, T]]:
    """A verb with its parameters, awaited."""

    @wraps(verb)
    async def do(self: AwaitedVerbs, /, *args: P.args, **options: P.kwargs) -> T:
        value: T = await self._do(verb.__name__, args, options)
        return value

    return do


def _stepped(
    verb: Callable[Concatenate[Any, P], Iterator[T]],
) -> Callable[Concatenate[AwaitedVerbs, P], AsyncIterator[T]]:
    """A verb that gives an iterator, as one that is asynchronous; its errors come with the first step."""

    @wraps(verb)
    def steps(self: AwaitedVerbs, /, *args: P.args, **options: P.kwargs) -> AsyncIterator[T]:
        return self._steps(verb.__name__, args, options)

    return steps


class AwaitedVerbs:
    """The verbs for asyncio. A face says how one is done, and how one that gives an iterator is gone through."""

    async def _do(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _steps(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> AsyncIterator[Any]:
        raise NotImplementedError

    async def import_(self, lines: Iterable[str] | AsyncIterable[str], *, namespace: str) -> Receipts:
        """Store an export, in this namespace or another; what is there already is a `duplicate`.

        Args:
            lines: such as an open file, or what an asynchronous `export` gives.

        Raises:
            InvalidMessage, InvalidTimestamp: naming the line that cannot be read.
        """
        receipts: Receipts = await self._do("import_", (lines,), {"namespace": namespace})
        return receipts

    add = _awaited(Verbs.add)
    add_episode = _awaited(Verbs.add_episode)
    update = _awaited(Verbs.update)
    delete = _awaited(Verbs.delete)
    search = _awaited(Verbs.search)
    search_episodes = _awaited(Verbs.search_episodes)
    ask = _awaited(Verbs.ask)
    ask_stream = _stepped(Verbs.ask_stream)
    traces = _awaited(Verbs.traces)
    trace = _awaited(Verbs.trace)
    get = _awaited(Verbs.get)
    list = _awaited(Verbs.list)
    sessions = _awaited(Verbs.sessions)
    session = _awaited(Verbs.session)
    ids = _awaited(Verbs.ids)
    history = _awaited(Verbs.history)
    graph = _awaited(Verbs.graph)
    export = _stepped(Verbs.export)
    extract = _awaited(Verbs.extract)
    reflect = _awaited(Verbs.reflect)
    jobs = _awaited(Verbs.jobs)
    retry = _awaited(Verbs.retry)
    feedback = _awaited(Verbs.feedback)
    utility = _awaited(Verbs.utility)
    utility_history = _awaited(Verbs.utility_history)
    top_utilities = _awaited(Verbs.top_utilities)
    reset_utility = _awaited(Verbs.reset_utility)
    calibrate_gate = _awaited(Verbs.calibrate_gate)
    retain = _awaited(Verbs.retain)
    calibrate_threshold = _awaited(Verbs.calibrate_threshold)
    rebuild_utilities = _awaited(Verbs.rebuild_utilities)
    forget = _awaited(Verbs.forget)
    verify_erasure = _awaited(Verbs.verify_erasure)
    namespaces = _awaited(Verbs.namespaces)
    stats = _awaited(Verbs.stats)
    verify = _awaited(Verbs.verify)
    reindex = _awaited(Verbs.reindex)
    count_tokens = _awaited(Verbs.count_tokens)
