"""From what callers hand to `add` as facts to facts that can be stored.

A fact is of the speaker, session and time of the last message that it rests on, as one that a model worked out is,
unless its caller says otherwise; one that rests on none is of the caller and of now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memsvc import checks
from memsvc.episodes.attempts import AGENT
from memsvc.errors import InvalidInput, InvalidMessage, InvalidTimestamp
from memsvc.writing.messages import DEFAULT_SESSION
from memsvc_store.errors import shown
from memsvc_store.values.drafts import Fact, Receipt
from memsvc_store.values.nodes import hyperedge

if TYPE_CHECKING:
    from datetime import datetime

    from memsvc.writing.messages import Envelope
    from memsvc_store.values.memories import Memory

FIELDS = ("content", "sources", "name", "timestamp", "session_id", "metadata", "tags", "expires_at")


@dataclass(frozen=True, slots=True)
class Worked:
    """A fact as its caller gave it, checked; None where it is as its messages say."""

    text: str
    sources: tuple[str, ...]
    name: str | None
    session_id: str | None
    valid_from: datetime | None
    expires_at: datetime | None
    metadata: Mapping[str, Any]

    def fact(self, messages: Mapping[str, Memory], now: datetime) -> Fact:
        """The fact, given the messages that it rests on, by id; whether they are all there is the store's to say."""
        behind = [messages[one] for one in self.sources if one in messages]
        last = max(enumerate(behind), key=lambda one: (one[1].valid_from, one[0]), default=(0, None))[1]
        speaker = self.name or (AGENT if last is None else last.speaker)
        session = self.session_id or (DEFAULT_SESSION if last is None else last.session_id)
        start = self.valid_from or (now if last is None else last.valid_from)
        return Fact(
            text=self.text,
            sources=self.sources,
            speaker=speaker,
            session_id=session,
            valid_from=start,
            entities=hyperedge(self.text, speaker, session, start.date()),
            metadata=self.metadata,
            by="caller",
            expires_at=self.expires_at,
        )


def read(given: object, sources: object, envelope: Envelope) -> list[Worked | Receipt]:
    """What was given as facts, in order; in a list, one that cannot be used is its receipt.

    Raises:
        InvalidInput, InvalidTimestamp: a fact given alone cannot be used, or what came is no fact and no list of them.
    """
    behind = () if sources is None else _sources(sources)
    if isinstance(given, str | Mapping):
        return [_read(given, behind, envelope)]
    if not isinstance(given, Sequence) or isinstance(given, bytes | bytearray):
        raise InvalidMessage(f"facts came as {type(given).__name__}; give a text, a fact, or a list of them")
    return [_read_or_rejection(one, behind, envelope) for one in given]


def _read_or_rejection(given: object, sources: tuple[str, ...], envelope: Envelope) -> Worked | Receipt:
    try:
        return _read(given, sources, envelope)
    except (InvalidInput, InvalidTimestamp) as error:
        return Receipt("rejected", None, str(error))


def _read(given: object, sources: tuple[str, ...], envelope: Envelope) -> Worked:
    if isinstance(given, str):
        given = {"content": given}
    if not isinstance(given, Mapping):
        raise InvalidMessage(f"a fact came as {type(given).__name__}; give a text or {{'content', 'sources', ...}}")
    for field in given:
        if field not in FIELDS:
            raise InvalidMessage(f"a fact has a field {shown(field)}; a fact has {', '.join(FIELDS)}")
    name, session = given.get("name"), given.get("session_id")
    return Worked(
        text=checks.checked_text(given.get("content"), envelope.max_text_chars),
        sources=sources if given.get("sources") is None else _sources(given["sources"]),
        name=envelope.name if name is None else checks.checked_name("name", name),
        session_id=envelope.session_id if session is None else checks.checked_name("session_id", session),
        valid_from=envelope.said_at if given.get("timestamp") is None else envelope.times.moment(given["timestamp"]),
        expires_at=envelope.expiry(given.get("expires_at")),
        metadata=checks.tagged(
            {**envelope.metadata, **checks.checked_metadata(given.get("metadata"))},
            [*envelope.tags, *checks.checked_tags(given.get("tags"))],
        ),
    )


def _sources(given: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(checks.checked_ids("sources", given)))
