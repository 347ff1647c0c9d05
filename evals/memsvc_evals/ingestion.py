"""Brings a conversation of a data set into a namespace, through the public verb."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from memsvc.errors import MessagesRejected
from memsvc_evals.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memsvc import Memory
    from memsvc_evals.datasets.values import Conversation, Turn
    from memsvc_evals.progress import Count
    from memsvc_store.values.memories import Memory as Stored


def ingest(
    memory: Memory, conversation: Conversation, namespace: str, count: Count
) -> tuple[dict[str, str], Counter[str]]:
    """Add a conversation session by session, each turn under its own key; counts messages as "add".

    Returns:
        The turn's id by the memory's, and how many messages were `stored` and `duplicate`.

    Raises:
        MeasurementError: a message was rejected.
    """
    names: dict[str, str] = {}
    statuses: Counter[str] = Counter()
    for session, turns in conversation.sessions().items():
        try:
            given = memory.add([_message(turn) for turn in turns], namespace=namespace, session_id=session)
        except MessagesRejected as error:  # all of them
            place, reason = next(iter(error.reasons.items()))
            raise MeasurementError(f"{namespace}: {turns[place].id} was rejected: {reason}") from error
        for turn, receipt in zip(turns, given, strict=True):
            if receipt.id is None:
                raise MeasurementError(f"{namespace}: {turn.id} was rejected: {receipt.reason}")
            names[receipt.id] = turn.id
        statuses.update(receipt.status for receipt in given)
        count.add("add", len(turns))
    return names, statuses


def held(memory: Memory, conversation: Conversation, namespace: str, names: Mapping[str, str]) -> list[Stored]:
    """The messages that a namespace holds, by time; `names` maps their ids to those of turns.

    Raises:
        MeasurementError: they are not the conversation's, and a score over others would mean nothing.
    """
    # One more than there should be, so that a stranger shows. A database of an earlier run may hold
    # another version of the data set under the same keys.
    found = memory.list(namespace=namespace, limit=len(names) + 1, kind="message")
    texts = {names.get(one.id, one.id): one.text for one in found}
    if texts != {turn.id: turn.text for turn in conversation.turns}:
        raise MeasurementError(
            f"{namespace}: the database holds other messages than the data set; run on a fresh database"
        )
    return found


def _message(turn: Turn) -> dict[str, Any]:
    return {
        "role": turn.role,
        **({} if turn.speaker == turn.role else {"name": turn.speaker}),
        "content": turn.text,
        "timestamp": turn.said_at,
        "key": turn.id,
        "metadata": {"dia_id": turn.id},
    }
