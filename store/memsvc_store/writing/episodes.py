"""Episodes: task attempts, kept verbatim, and what is to be taken from them.

The memory of an episode holds its intent, so that look-ups find it as they find any memory. The experience is not in
the projections: it may be rewritten at any time without a write of the namespace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memsvc_store.errors import NotFound
from memsvc_store.sql.episode_rows import Contents
from memsvc_store.sql.rows import content_id, dump_json, text_digest, text_values, validity_values
from memsvc_store.values.clock import to_instant, to_micros
from memsvc_store.values.memories import Node
from memsvc_store.values.nodes import INTENT
from memsvc_store.writing.known import Known

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from memsvc_store.values.clock import Instant
    from memsvc_store.values.drafts import EpisodeDraft, Receipt
    from memsvc_store.values.memories import ExperienceBy
    from memsvc_store.writing.transaction import Write


def episode_id(contents: Contents, happened_at: Instant, occurrence: int = 0) -> str:
    """The id that an episode always gets: 80 bits of SHA-256 over its contents and its time."""
    return content_id(["episode", *contents, happened_at.micros], occurrence)


def own_intent(text: str) -> Node:
    """The node of this very intent. An episode has this one, or that of a similar intent that it was put to."""
    return Node(INTENT, text_digest(text).hex())


def intents(entities: Iterable[Node]) -> tuple[Node, ...]:
    """The intents among a memory's nodes: one where it is an episode."""
    return tuple(node for node in entities if node.kind == INTENT)


def with_intent(entities: Sequence[Node], text: str) -> Sequence[Node]:
    """The nodes of an episode of this text, with its own intent unless it was put to another."""
    return entities if intents(entities) else (*entities, own_intent(text))


def add(write: Write, drafts: Sequence[EpisodeDraft], model: str) -> list[Receipt]:
    """Store episodes, each with its memory; one receipt a draft, in order."""
    known: Known[EpisodeDraft] = Known(_Episodes(write), drafts)
    rows: list[dict[str, Any]] = []
    memories: list[dict[str, Any]] = []
    vectors: dict[bytes, NDArray[np.float32]] = {}
    receipts = []
    for draft in drafts:
        receipt, occurrence = known.decide(draft)
        receipts.append(receipt)
        if receipt.status != "stored":
            continue
        assert receipt.id is not None
        row, memory = _rows(write, draft, receipt.id, occurrence)
        rows.append(row)
        memories.append(memory)
        if draft.vector is not None:
            vectors[memory["digest"]] = draft.vector
        write.step("add", receipt.id)
    if rows:
        write.records.insert_memories(memories)
        write.records.episodes.insert(rows)
        write.records.vectors.insert(write.namespace, model, vectors)
    return receipts


def set_experience(write: Write, memory_id: str, text: str, by: ExperienceBy) -> None:
    """Replace what is taken from an episode.

    Raises:
        NotFound: no such live episode.
    """
    write.live(memory_id)
    if not write.records.episodes.set_experience(write.namespace, memory_id, text, by):
        raise NotFound(f"memory {memory_id!r} of namespace {write.name!r} is no episode; only those have an experience")


def reflect(write: Write, experiences: Mapping[str, str]) -> int:
    """Write experiences that a model found (id -> text) over those by a rule; how many were written."""
    rows = write.records.episodes
    memories = write.records.memories(write.namespace, write.name, list(experiences))
    live = [memory for memory in memories if memory.retired_at is None]
    due = [one.id for one in rows.of(write.namespace, live) if one.experience_by == "rule"]
    return sum(rows.set_experience(write.namespace, one, experiences[one], "model") for one in due)


class _Episodes:
    """The episodes of a namespace, as `Known` looks them up."""

    noun = "episode"

    def __init__(self, write: Write) -> None:
        self._write, self._rows = write, write.records.episodes
        self._contents: dict[int, Contents] = {}

    def contents(self, draft: EpisodeDraft) -> Contents:
        found = self._contents.get(id(draft))  # a trajectory may be megabytes of JSON
        if found is None:
            found = self._contents[id(draft)] = Contents.of(draft)
        return found

    def id(self, draft: EpisodeDraft, occurrence: int) -> str:
        return episode_id(self.contents(draft), to_instant(draft.happened_at), occurrence)

    def keyed(self, keys: Sequence[str]) -> dict[str, tuple[str, Contents]]:
        return self._rows.keyed(self._write.namespace, keys)

    def known(self, ids: Sequence[str]) -> dict[str, str]:
        return {one: one for one in self._rows.known(self._write.namespace, ids)}

    def retired(self, ids: Sequence[str]) -> set[str]:
        return self._write.records.retired(self._write.namespace, ids, self._write.at.micros)


def _rows(write: Write, draft: EpisodeDraft, memory_id: str, occurrence: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rows of a new episode: one for what was given, one for its memory."""
    contents, happened_at = Contents.of(draft), to_instant(draft.happened_at)
    row = {
        "namespace_key": write.namespace.key, "memory_id": memory_id, **contents._asdict(),
        "success": None if contents.success is None else int(contents.success),
        "happened_at": happened_at.micros, "happened_at_offset": happened_at.offset,
        "experience": draft.experience, "experience_by": draft.experience_by,
        "write_key": draft.key, "stored_at": write.at.micros, "occurrence": occurrence,
    }  # fmt: skip
    memory = {
        "namespace_key": write.namespace.key, "id": memory_id, "kind": "episode", "session_id": draft.session_id,
        "position": 0, "speaker": draft.speaker, "metadata": dump_json(draft.metadata),
        "created_at": write.at.micros, "retired_at": None, "expires_at": to_micros(draft.expires_at),
        **text_values(draft.memory_text, with_intent(draft.entities, draft.memory_text)),
        **validity_values(draft.valid_from or draft.happened_at, draft.valid_to),
    }  # fmt: skip
    return row, memory
