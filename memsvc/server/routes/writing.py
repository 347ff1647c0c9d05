"""add, add_episode, update, delete."""

from memsvc.contract.wire import Receipts
from memsvc.server.routes.parameters import MemoryId, Namespace
from memsvc.server.routing import Call, Topic
from memsvc.service.bodies import AddBody, EpisodeBody, UpdateBody
from memsvc_store.values.shapes import Memory, Receipt

verbs = Topic("Write")

_MESSAGE = {
    "role": "user", "name": "Ann", "content": "I moved to Oslo last week.", "timestamp": "2026-03-02T09:00:00+01:00",
}  # fmt: skip


@verbs.add("add", pool="write",
    example={"body": {"namespace": "acme/ann", "session_id": "s1", "messages": [_MESSAGE]}},
)  # fmt: skip
def add(call: Call, body: AddBody) -> Receipts:
    """Store messages, verbatim.

    Answers once they are on disk, with one receipt each: `stored`, `duplicate`, or `rejected` with the reason. With a
    `key` a call may be repeated: it stores once.
    """
    return Receipts(tuple(call.service.memory.add(**body.given())))


@verbs.add("add_episode", pool="write",
    example={"body": {
        "namespace": "acme/ann", "intent": "book a table for two in Oslo",
        "trajectory": ["search restaurants", "call Maaemo", "table for two at 19:00"], "reward": 1.0,
    }},
)  # fmt: skip
def add_episode(call: Call, body: EpisodeBody) -> Receipt:
    """Store a task attempt, verbatim. At least one of `reward` and `success` is needed."""
    return call.service.memory.add_episode(**body.given())


@verbs.add("update", pool="write",
    example={"path": {"memory_id": "$memory"}, "body": {"namespace": "acme/ann", "text": "I moved to Bergen."}},
)  # fmt: skip
def update(call: Call, memory_id: MemoryId, body: UpdateBody) -> Memory:
    """Correct a memory's text or event time. The raw message stays, and `history` keeps what was replaced."""
    return call.service.memory.update(memory_id, **body.given())


@verbs.add("delete", pool="write", status=204,
    example={"path": {"memory_id": "$memory"}, "query": {"namespace": "acme/ann"}},
)  # fmt: skip
def delete(call: Call, memory_id: MemoryId, namespace: Namespace) -> None:
    """Take a memory out of every look-up, listing and export. To scrub its bytes, see `forget`."""
    call.service.memory.delete(memory_id, namespace=namespace)
