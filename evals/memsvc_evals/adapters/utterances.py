"""What the shims share: a user's namespace, an utterance on its way in, a memory as a line of a prompt."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from memsvc_evals.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memsvc import Memory
    from memsvc_store.values import memories

_DATED = "dated"  # in the metadata: the time is the harness's, and not that of the write


def namespace_of(harness: str, user_id: str) -> str:
    """The namespace of a harness's user; different ids never share one, whatever characters they have."""
    return f"{harness}/user-{quote(user_id, safe='')}"


def moment(value: str | None) -> datetime | None:
    """An ISO 8601 time as the harnesses write them; None stays None.

    Raises:
        MeasurementError: it is no such time.
    """
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise MeasurementError(f"a time came as {value!r}; wanted ISO 8601, such as 2023-05-08T13:56:00Z") from error


def utterance(
    content: str,
    *,
    role: str,
    speaker: str | None,
    said_at: datetime | None,
    position: int,
    session_id: str | None = None,
) -> dict[str, Any]:
    """A message for `add`.

    The harnesses give one time to a whole session, so `position` is added in microseconds: two equal utterances of a
    session stay two messages, and writing the same session again stores nothing twice.
    """
    message: dict[str, Any] = {"role": role, "content": content, "metadata": {_DATED: said_at is not None}}
    if speaker:
        message["name"] = speaker
    if session_id:
        message["session_id"] = session_id
    if said_at is not None:
        message["timestamp"] = said_at + timedelta(microseconds=position)
    return message


def store(
    memory: Memory,
    messages: Sequence[Mapping[str, Any]],
    *,
    namespace: str,
    session_id: str | None = None,
    key: str | None = None,
) -> None:
    """Add all of them.

    Raises:
        MeasurementError: one was rejected, or was deleted before and stays so; a figure without it would mislead.
    """
    receipts = memory.add(messages, namespace=namespace, session_id=session_id, key=key)
    for message, receipt in zip(messages, receipts, strict=True):
        if receipt.reason is not None:
            raise MeasurementError(f"{namespace}: {message['content'][:80]!r} is not stored: {receipt.reason}")


def line(memory: memories.Memory) -> str:
    """`[2023-05-08 13:56] Ann: what she said`; without a time where the harness gave none."""
    time = f"[{memory.valid_from:%Y-%m-%d %H:%M}] " if memory.metadata.get(_DATED, True) else ""
    return f"{time}{memory.speaker}: {memory.text}"
