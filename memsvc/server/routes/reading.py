"""search, search_episodes, get, list, history, graph."""

from typing import Annotated

from fastapi import Query

from memsvc.contract.sentences import sentences
from memsvc.contract.wire import Changes, Found, Memories
from memsvc.episodes.found import Episodes
from memsvc.errors import Forbidden
from memsvc.server.routes.parameters import MemoryId, Moment, Names, Namespace, present
from memsvc.server.routing import Call, Topic
from memsvc.service.bodies import EpisodesBody, SearchBody
from memsvc_retrievers.graph import CONSIDERED, LIMIT, Graph
from memsvc_store.values.shapes import Memory

verbs = Topic("Read")

_GRAPH = sentences("graph")


@verbs.add("search", pool="read",
    example={"body": {"namespace": "acme/ann", "query": "Where does Ann live?", "top_k": 5, "trace": True}},
)  # fmt: skip
def search(call: Call, body: SearchBody) -> Found:
    """The memories that fit a question best, best first, each with the parts of its score."""
    if body.trace and "write" not in call.access.allow:
        raise Forbidden(
            "to keep a trace is to write, for a feedback later, which takes the permission 'write'; leave `trace` out, "
            "or use a key that allows it"
        )
    hits = call.service.memory.search(**body.given())
    return Found(tuple(hits), hits.trace_id)


@verbs.add("search_episodes", pool="read",
    example={"body": {"namespace": "acme/ann", "intent": "book a table", "top_k": 3}},
)  # fmt: skip
def search_episodes(call: Call, body: EpisodesBody) -> Episodes:
    """The episodes that fit a task best: those to follow and those to avoid."""
    return call.service.memory.search_episodes(**body.given())


@verbs.add("list", pool="read",
    example={"query": {"namespace": "acme/ann", "limit": 20, "speaker": ["Ann"]}},
)  # fmt: skip
def list_(
    call: Call,
    namespace: Namespace,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0)] = 0,
    since: Moment = None,
    until: Moment = None,
    as_of: Moment = None,
    session_id: Names = None,
    speaker: Names = None,
    kind: Names = None,
    cold: Annotated[
        bool | None, Query(description="only those that `retain` took out of the look-ups, or the others")
    ] = None,
) -> Memories:
    """Memories in the order of their event time, a page at a time."""
    filters = present(since=since, until=until, as_of=as_of, session_id=session_id, speaker=speaker, kind=kind)
    found = call.service.memory.list(namespace=namespace, limit=limit, offset=offset, cold=cold, **filters)
    return Memories(tuple(found))


@verbs.add("get", pool="read",
    example={"path": {"memory_id": "$memory"}, "query": {"namespace": "acme/ann"}},
)  # fmt: skip
def get(call: Call, memory_id: MemoryId, namespace: Namespace) -> Memory:
    """One memory."""
    return call.service.memory.get(memory_id, namespace=namespace)


@verbs.add("history", pool="read",
    example={"path": {"memory_id": "$memory"}, "query": {"namespace": "acme/ann"}},
)  # fmt: skip
def history(call: Call, memory_id: MemoryId, namespace: Namespace) -> Changes:
    """What happened to a memory, oldest first, with what each step replaced."""
    return Changes(tuple(call.service.memory.history(memory_id, namespace=namespace)))


@verbs.add(
    "graph", pool="slow",
    example={"query": {"namespace": "acme/ann", "thing": "Ann", "limit": 10}},
)  # fmt: skip
def graph(
    call: Call,
    namespace: Namespace,
    thing: Annotated[str | None, Query(description=_GRAPH["thing"])] = None,
    to: Annotated[str | None, Query(description=_GRAPH["to"])] = None,
    kinds: Annotated[list[str] | None, Query(description=_GRAPH["kinds"])] = None,
    limit: Annotated[int, Query(ge=1, le=CONSIDERED, description=_GRAPH["limit"])] = LIMIT,
) -> Graph:
    """How things hang together: what is central, what something is joined to, or how two things are, and by which
    memories."""
    return call.service.memory.graph(thing, namespace=namespace, limit=limit, **present(to=to, kinds=kinds))
