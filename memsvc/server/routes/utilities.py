"""What memories are worth: utility, utility_history, top_utilities, reset_utility, rebuild_utilities."""

from typing import Annotated

from fastapi import Query

from memsvc.contract.wire import Count, Moves, Worth, Worths
from memsvc.server.routes.parameters import MemoryId, Namespace
from memsvc.server.routing import Call, Topic
from memsvc.service.bodies import Body
from memsvc_store.values.learned import Move

verbs = Topic("Learn")

_ONE = {"path": {"memory_id": "$memory"}, "query": {"namespace": "acme/ann"}}


@verbs.add("utility", pool="read", example=_ONE)
def utility(call: Call, memory_id: MemoryId, namespace: Namespace) -> Worth:
    """What a memory is worth by the rewards of its uses; null before its first feedback."""
    return Worth(memory_id, call.service.memory.utility(memory_id, namespace=namespace))


@verbs.add("utility_history", pool="read",
    example=_ONE,
)  # fmt: skip
def utility_history(call: Call, memory_id: MemoryId, namespace: Namespace) -> Moves:
    """Every step of a memory's utility, the oldest first, with its reward, source and trace."""
    return Moves(tuple(call.service.memory.utility_history(memory_id, namespace=namespace)))


@verbs.add("top_utilities", pool="read",
    example={"query": {"namespace": "acme/ann", "limit": 10}},
)  # fmt: skip
def top_utilities(
    call: Call,
    namespace: Namespace,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 20,
    worst: Annotated[bool, Query(description="those that are worth least instead")] = False,
) -> Worths:
    """The memories that are worth most, or least."""
    found = call.service.memory.top_utilities(namespace=namespace, limit=limit, worst=worst)
    return Worths(tuple(Worth(memory_id, worth) for memory_id, worth in found))


@verbs.add("reset_utility", pool="write",
    example={"path": {"memory_id": "$memory"}, "body": {"namespace": "acme/ann"}},
)  # fmt: skip
def reset_utility(call: Call, memory_id: MemoryId, body: Body) -> Move:
    """Take a memory's utility back to 0, as before its first feedback; its history stays."""
    return call.service.memory.reset_utility(memory_id, **body.given())


@verbs.add("rebuild_utilities", pool="slow",
    example={"body": {"namespace": "acme/ann"}},
)  # fmt: skip
def rebuild_utilities(call: Call, body: Body) -> Count:
    """Work all utilities out anew from the log of feedback; how many feedbacks it has."""
    return Count(call.service.memory.rebuild_utilities(**body.given()))
