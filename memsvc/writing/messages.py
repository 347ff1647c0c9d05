"""From what callers hand to `add` to drafts that can be stored.

In a list, a message that cannot be used becomes a `rejected` receipt and the others go on; a
message handed over alone raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from memsvc import checks
from memsvc.errors import InvalidMessage, InvalidTimestamp
from memsvc.writing import inline, shapes
from memsvc.writing.plain import Dataclass, Model, fields, is_object, plain
from memsvc_store.values.drafts import Draft, Receipt
from memsvc_store.values.nodes import hyperedge

if TYPE_CHECKING:
    from memsvc.times import Times

DEFAULT_SESSION = "default"

AS_CAME = "message"
"""The key of a message's metadata under which stands what came and has no other place."""


class MessageInput(TypedDict, total=False):
    """A message of our own; only `content` is required. Those of other frameworks are taken as they are."""

    role: str
    content: str | Sequence[Any] | None
    name: str
    timestamp: str | datetime | float
    session_id: str
    key: str
    occurrence: int
    metadata: Mapping[str, Any]
    tags: Sequence[str]
    expires_at: str | datetime | float


OneMessage = str | MessageInput | Mapping[str, Any] | Model | Dataclass
Messages = OneMessage | Sequence[OneMessage]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What one call of `add` says about all its messages; what a message says itself goes first."""

    times: Times
    max_text_chars: int
    session_id: str | None = None
    key: str | None = None
    role: str | None = None
    name: str | None = None
    said_at: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tags: Sequence[str] = ()
    expires_at: datetime | None = None

    def expiry(self, own: object) -> datetime | None:
        """When a message expires that says this of itself, or nothing (None).

        Raises:
            InvalidTimestamp: it cannot be read, or has passed.
        """
        return self.expires_at if own is None else self.times.expiry(own)


def drafts(messages: Messages, envelope: Envelope) -> list[Draft | Receipt]:
    """One draft a message, or its receipt where it was rejected; in the order given.

    Messages without a timestamp are said now, or when the envelope says, one microsecond apart, so that they keep
    their order. Neither they nor those with a key of their own are taken for others that say the same.

    Raises:
        InvalidMessage, InvalidTimestamp: a message handed over alone cannot be used, or what came
            is neither a message nor a list of messages.
    """
    if is_alone(messages):
        return [_draft(messages, 0, envelope, alone=True)]
    if not isinstance(messages, Sequence) or isinstance(messages, bytes | bytearray):
        raise InvalidMessage(f"messages came as {type(messages).__name__}; give a string, a message, or a list of them")
    return [_draft_or_rejection(message, index, envelope) for index, message in enumerate(messages)]


def is_alone(messages: object) -> bool:
    """Whether what came is one message, and no list of them."""
    return isinstance(messages, str | Mapping) or (not isinstance(messages, Sequence) and is_object(messages))


def as_mapping(message: Mapping[str, Any] | Model | Dataclass) -> dict[str, Any]:
    """A message as a mapping of what JSON can hold, but for its time and its metadata, which are checked as they came.

    Raises:
        InvalidMessage: it cannot be one.
    """
    found = message if isinstance(message, Mapping) else fields(message)
    apart = {name: found[name] for name in ("timestamp", "metadata") if name in found}
    rest: dict[str, Any] = plain({name: one for name, one in found.items() if name not in apart})
    return rest | apart


def with_hyperedge(draft: Draft) -> Draft:
    """The draft with the nodes that its memory joins."""
    day = (draft.valid_from or draft.said_at).date()
    return replace(draft, entities=hyperedge(draft.memory_text, draft.speaker, draft.session_id, day))


def as_came(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Of a message's metadata, what look-ups give, and where it differs what the raw log keeps (`Draft`): without
    the bytes that came inside the message, and with them.
    """
    if AS_CAME not in metadata:
        return {"metadata": metadata}
    light = {**metadata, AS_CAME: inline.compact(metadata[AS_CAME])}
    return {"metadata": light, "verbatim": None if light == metadata else metadata}


def _draft_or_rejection(message: object, index: int, envelope: Envelope) -> Draft | Receipt:
    try:
        return _draft(message, index, envelope)
    except (InvalidMessage, InvalidTimestamp) as error:
        return Receipt("rejected", None, str(error))


def _draft(message: Any, index: int, envelope: Envelope, *, alone: bool = False) -> Draft:
    if isinstance(message, str):
        message = {"content": message}
    if not is_alone(message):
        raise InvalidMessage(f"a message came as {type(message).__name__}; give a string or {{'role', 'content', ...}}")
    given = as_mapping(message)
    shape = shapes.read(given)
    role = _name("role", shape.role) or envelope.role or "user"
    said_at = (envelope.said_at or envelope.times.here) + timedelta(microseconds=index)
    own, occurrence = _name("key", given.get("key")), given.get("occurrence")
    key = own or (None if envelope.key is None else checks.checked_name("key", f"{envelope.key}/{index}"))
    named = own is not None or (alone and key is not None)  # the key of a list makes it safe to repeat, and no more
    dated = shape.timestamp is not None or envelope.said_at is not None
    draft = Draft(
        text=checks.checked_text(shape.text, envelope.max_text_chars),
        speaker=_name("name", shape.name) or envelope.name or role,
        role=role,
        session_id=_name("session_id", given.get("session_id")) or envelope.session_id or DEFAULT_SESSION,
        said_at=said_at if shape.timestamp is None else envelope.times.moment(shape.timestamp),
        key=key,
        occurrence=None if occurrence is None else checks.checked_occurrence(occurrence),
        timed=dated,
        expires_at=envelope.expiry(given.get("expires_at")),
        anew=occurrence is None and (named or not dated),
        **as_came(_metadata(given, shape.kept, envelope)),
    )
    return with_hyperedge(draft)


def _metadata(given: Mapping[str, Any], kept: Mapping[str, Any], envelope: Envelope) -> Mapping[str, Any]:
    own = {**envelope.metadata, **checks.checked_metadata(given.get("metadata"))}
    metadata = checks.tagged(own, [*envelope.tags, *checks.checked_tags(given.get("tags"))])
    if not kept:
        return metadata
    if AS_CAME in metadata:
        raise InvalidMessage(f"'metadata' has {AS_CAME!r}, where the fields of the message itself are kept; rename it")
    checks.checked_json("a field of the message", dict(kept))
    return {**metadata, AS_CAME: dict(kept)}


def _name(name: str, value: object) -> str | None:
    return None if value is None else checks.checked_name(name, value)
