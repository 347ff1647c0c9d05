"""Between values and rows: what a column holds of a value, and the hashes that name things."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from memsvc_store.errors import DatabaseUnreadable
from memsvc_store.values.clock import Instant, from_instant, from_micros, to_instant, to_micros
from memsvc_store.values.memories import KINDS, Memory, Message, Node, Nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray
    from sqlalchemy.engine import Row

    from memsvc_store.values.drafts import Draft, Fact


class Namespace(NamedTuple):
    """A namespace's row: its key in this database, how many writes it has seen and when the last one was made, how
    often its utilities were moved and when that was last.
    """

    key: int
    version: int
    stamp: int
    learned: int
    learned_at: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What the projections need of one live memory: itself, its place in SQL, its event time as numbers
    (microseconds), when it expires, and its vector, None where the model has none yet.
    """

    memory: Memory
    key: int
    valid_from: int
    valid_to: int | None
    expires_at: int | None
    vector: NDArray[np.float32] | None


def message_id(session_id: str, speaker: str, text: str, said_at: Instant, occurrence: int = 0) -> str:
    """The id that these contents always get: 80 bits of SHA-256, so that a repeat meets itself."""
    return content_id([session_id, speaker, text, said_at.micros], occurrence)


def content_id(contents: Sequence[object], occurrence: int = 0) -> str:
    """The id of the first (0), second (1), ... of those with the same contents."""
    payload = json.dumps([*contents, occurrence] if occurrence else [*contents])
    return hashlib.sha256(payload.encode()).hexdigest()[:20]


def fact_id(text: str, sources: Iterable[str]) -> str:
    """The id that a fact always gets: 80 bits of SHA-256 over what it says and the messages it rests on."""
    return content_id(["fact", text, sorted(set(sources))])


def text_digest(text: str) -> bytes:
    """The name of a text's vector: 128 bits of SHA-256."""
    return hashlib.sha256(text.encode()).digest()[:16]


def draft_rows(
    namespace: Namespace, draft: Draft, message: str, occurrence: int, position: int, at: Instant
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rows of a new message: one for the raw log, one for its memory."""
    said_at = to_instant(draft.said_at)
    shared = {
        "namespace_key": namespace.key, "id": message, "session_id": draft.session_id, "position": position,
        "speaker": draft.speaker, "role": draft.role, "metadata": dump_json(draft.metadata),
    }  # fmt: skip
    raw = shared | {
        "text": draft.text, "said_at": said_at.micros, "said_at_offset": said_at.offset,
        "stored_at": at.micros, "write_key": draft.key, "occurrence": occurrence,
    }  # fmt: skip
    if draft.verbatim is not None:
        raw["metadata"] = dump_json(draft.verbatim)
    memory = shared | {
        "kind": "message", "created_at": at.micros, "retired_at": None, "echo_of": draft.echo_of,
        "expires_at": to_micros(draft.expires_at),
        **text_values(draft.memory_text, draft.entities),
        **validity_values(draft.valid_from or draft.said_at, draft.valid_to),
    }  # fmt: skip
    return raw, memory


def fact_row(namespace: Namespace, fact: Fact, fact_id_: str, role: str) -> dict[str, Any]:
    """The row of a fact's memory, all but the time of its making; `role` is that of its last message."""
    metadata = {**fact.metadata, "replaces": fact.replaces} if fact.replaces else fact.metadata
    return {
        "namespace_key": namespace.key, "id": fact_id_, "kind": "fact", "session_id": fact.session_id, "position": 0,
        "speaker": fact.speaker, "role": role, "metadata": dump_json(metadata), "retired_at": None, "cold": 0,
        "fact_by": fact.by, "expires_at": to_micros(fact.expires_at),
        **text_values(fact.text, fact.entities), **validity_values(fact.valid_from, fact.valid_to),
    }  # fmt: skip


def text_values(text: str, entities: Sequence[Node]) -> dict[str, Any]:
    """The columns of a memory that follow from its text."""
    return {"text": text, "digest": text_digest(text), "entities": Nodes.of(entities).stored}


def validity_values(start: datetime, end: datetime | None) -> dict[str, Any]:
    """The columns of a memory's event time, from datetimes."""
    first, last = to_instant(start), None if end is None else to_instant(end)
    return {
        "valid_from": first.micros, "valid_from_offset": first.offset,
        "valid_to": last and last.micros, "valid_to_offset": last and last.offset,
    }  # fmt: skip


def dump_json(value: Mapping[str, Any]) -> str:
    """A mapping as the text that a column holds."""
    return json.dumps(dict(value), ensure_ascii=False)


@contextmanager
def readable(what: str, name: object) -> Iterator[None]:
    """Turn what a damaged row does to us into an error that names the row."""
    try:
        yield
    except (ValueError, TypeError, OverflowError, AttributeError) as error:
        raise DatabaseUnreadable(
            f"{what} {name!r} is damaged ({error}); restore a backup, or delete the row"
        ) from error


def to_message(row: Row[Any]) -> Message:
    """A row of the raw log as a value."""
    with readable("message", row.id):
        return Message(
            id=row.id,
            session_id=row.session_id,
            position=row.position,
            speaker=row.speaker,
            role=row.role,
            text=_text(row.text),
            said_at=from_instant(row.said_at, row.said_at_offset),
            stored_at=from_instant(row.stored_at),
            metadata=json.loads(row.metadata),
            occurrence=row.occurrence,
        )


def to_memory(row: Row[Any], namespace: str, sources: Mapping[str, tuple[str, ...]]) -> Memory:
    """A row of memories as a value; `sources` says which messages each fact rests on."""
    with readable("memory", row.id):
        return Memory(
            id=row.id,
            namespace=namespace,
            kind=row.kind,
            text=_text(row.text),
            session_id=row.session_id,
            position=row.position,
            speaker=row.speaker,
            entities=Nodes(row.entities),
            sources=(row.id,) if row.kind == "message" else sources.get(row.id, ()),
            valid_from=from_instant(row.valid_from, row.valid_from_offset),
            valid_to=None if row.valid_to is None else from_instant(row.valid_to, row.valid_to_offset),
            created_at=from_instant(row.created_at),
            retired_at=from_micros(row.retired_at),
            metadata=json.loads(row.metadata) if row.metadata != "{}" else {},
            cold=bool(row.cold),
            echo_of=row.echo_of,
            role=row.role or None,
            fact_by=row.fact_by,
            expires_at=from_micros(row.expires_at),
        )


def to_metadata(memory_id: str, text: str) -> Any:
    """The metadata of a memory, from its column."""
    with readable("memory", memory_id):
        return json.loads(text)


def to_entry(row: Row[Any], memory: Memory) -> Entry:
    """A memory and its row with its vector, as the projections take it."""
    with readable("memory", row.id):
        if row.data is not None and len(row.data) != 4 * row.dimension:
            raise ValueError(f"its vector has {len(row.data)} bytes for {row.dimension} dimensions")
        if row.kind not in KINDS:
            raise ValueError(f"its kind is {row.kind!r}")
        vector = None if row.data is None else np.frombuffer(row.data, dtype="<f4")
        return Entry(memory, row.key, row.valid_from, row.valid_to, row.expires_at, vector)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"its text is {type(value).__name__}")
    return value
