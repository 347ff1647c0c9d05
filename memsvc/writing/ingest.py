"""From what callers hand to `add` to drafts that can be stored.

In a list, a message that cannot be used becomes a `rejected` receipt and the others go on; a
message handed over alone raises.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypedDict

from memsvc import checks
from memsvc.errors import InvalidMessage, InvalidTimestamp
from memsvc_store.errors import shown
from memsvc_store.values.clock import parse_timestamp
from memsvc_store.values.nodes import hyperedge
from memsvc_store.values.shapes import Draft, Receipt

DEFAULT_SESSION = "default"


_FIELDS = ("role", "content", "name", "timestamp", "session_id", "key", "occurrence", "metadata")


class MessageInput(TypedDict, total=False):
    """A message as callers write it; only `content` is required."""

    role: str
    content: str
    name: str
    timestamp: str | datetime | float
    session_id: str
    key: str
    occurrence: int
    metadata: Mapping[str, Any]


Messages = str | MessageInput | Mapping[str, Any] | Sequence[str | MessageInput | Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What one call of `add` says about all its messages."""

    session_id: str | None
    key: str | None
    now: datetime
    max_text_chars: int


def drafts(messages: Messages, envelope: Envelope) -> list[Draft | Receipt]:
    """One draft a message, or its receipt where it was rejected; in the order given.

    Messages without a timestamp are said now, one microsecond apart, so that they keep their order. Neither they nor
    those with a key of their own are taken for others that say the same.

    Raises:
        InvalidMessage, InvalidTimestamp: a message handed over alone cannot be used, or what came
            is neither a message nor a list of messages.
    """
    if isinstance(messages, str | Mapping):
        return [_draft(messages, 0, envelope, alone=True)]
    if not isinstance(messages, Sequence) or isinstance(messages, bytes | bytearray):
        raise InvalidMessage(f"messages came as {type(messages).__name__}; give a string, a message, or a list of them")
    return [_draft_or_rejection(message, index, envelope) for index, message in enumerate(messages)]


def _draft_or_rejection(message: object, index: int, envelope: Envelope) -> Draft | Receipt:
    try:
        return _draft(message, index, envelope)
    except (InvalidMessage, InvalidTimestamp) as error:
        return Receipt("rejected", None, str(error))


def _draft(message: object, index: int, envelope: Envelope, *, alone: bool = False) -> Draft:
    if isinstance(message, str):
        message = {"content": message}
    if not isinstance(message, Mapping):
        raise InvalidMessage(f"a message came as {type(message).__name__}; give a string or {{'role', 'content', ...}}")
    _check_fields(message)
    role = _name(message, "role") or "user"
    timestamp = message.get("timestamp")
    said_at = envelope.now + timedelta(microseconds=index) if timestamp is None else parse_timestamp(timestamp)
    own = _name(message, "key")
    key = own or (None if envelope.key is None else checks.checked_name("key", f"{envelope.key}/{index}"))
    occurrence = message.get("occurrence")
    named = own is not None or (alone and key is not None)  # the key of a list makes it safe to repeat, and no more
    draft = Draft(
        text=checks.checked_text(message.get("content"), envelope.max_text_chars),
        speaker=_name(message, "name") or role,
        role=role,
        session_id=_name(message, "session_id") or envelope.session_id or DEFAULT_SESSION,
        said_at=said_at,
        key=key,
        occurrence=None if occurrence is None else checks.checked_occurrence(occurrence),
        timed=timestamp is not None,
        anew=occurrence is None and (named or timestamp is None),
        metadata=checks.checked_metadata(message.get("metadata")),
    )
    return with_hyperedge(draft)


def with_hyperedge(draft: Draft) -> Draft:
    """The draft with the nodes that its memory joins."""
    day = (draft.valid_from or draft.said_at).date()
    return replace(draft, entities=hyperedge(draft.memory_text, draft.speaker, draft.session_id, day))


def _check_fields(message: Mapping[Any, Any]) -> None:
    for field in message:
        if field not in _FIELDS:
            near = difflib.get_close_matches(str(field), _FIELDS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(_FIELDS)}."
            raise InvalidMessage(f"unknown field {shown(field)}; {hint} What else you know goes under 'metadata'")


def _name(message: Mapping[Any, Any], field: str) -> str | None:
    value = message.get(field)
    if value is None:
        return None
    return checks.checked_name(field, value)
