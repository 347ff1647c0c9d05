"""The writes, each one transaction: rows, vectors, change log and version land together or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from memsvc_store.errors import InvalidInput
from memsvc_store.sql.records import unexpired
from memsvc_store.sql.rows import draft_rows, dump_json, message_id, text_digest, text_values, validity_values
from memsvc_store.values import clock
from memsvc_store.values.drafts import Receipt
from memsvc_store.values.nodes import hyperedge
from memsvc_store.writing import episodes, facts
from memsvc_store.writing.known import Known

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from memsvc_store.values.drafts import Draft
    from memsvc_store.values.memories import Memory, Node
    from memsvc_store.writing.transaction import Write


def add(write: Write, drafts: Sequence[Draft], model: str, *, moved: bool = False) -> list[Receipt]:
    """Append messages to the raw log, each with its memory; one receipt a draft, in order.

    What a draft repeats has to be live, or it is no echo; of one that is `moved` here from an export it may be absent.
    """
    known: Known[Draft] = Known(_Messages(write), drafts)
    positions = write.records.messages.next_positions(write.namespace, sorted({draft.session_id for draft in drafts}))
    raw_rows: list[dict[str, Any]] = []
    memory_rows: list[dict[str, Any]] = []
    vectors: dict[bytes, NDArray[np.float32]] = {}
    receipts = []
    echoes = _Echoes(write, drafts, moved=moved)
    for draft in drafts:
        receipt, occurrence = known.decide(draft)
        draft, receipt = echoes.marked(draft, receipt)
        receipts.append(receipt)
        if receipt.status not in ("stored", "echo"):
            continue
        assert receipt.id is not None
        position = positions.get(draft.session_id, 0)
        positions[draft.session_id] = position + 1
        raw, memory = draft_rows(write.namespace, draft, receipt.id, occurrence, position, write.at)
        raw_rows.append(raw)
        memory_rows.append(memory)
        if draft.vector is not None:
            vectors[memory["digest"]] = draft.vector
        write.step("add", receipt.id)
    if raw_rows:
        write.records.messages.insert(raw_rows)
        write.records.insert_memories(memory_rows)
        write.records.vectors.insert(write.namespace, model, vectors)
    return receipts


class _Echoes:
    """What the drafts of one call repeat, as it stands under the lock. An echo expires with it at the latest."""

    def __init__(self, write: Write, drafts: Sequence[Draft], *, moved: bool) -> None:
        repeated = sorted({draft.echo_of for draft in drafts if draft.echo_of is not None})
        fresh = [unexpired(write.at.micros)]
        live = write.records.live(write.namespace, write.name, repeated, fresh) if repeated and not moved else ()
        self._there = {*repeated} if moved else {memory.id for memory in live}
        self._ends = {memory.id: memory.expires_at for memory in live}
        self._names: dict[str, str] = {}  # what the messages of an export are called here

    def marked(self, draft: Draft, receipt: Receipt) -> tuple[Draft, Receipt]:
        """The draft, an echo if what it repeats is still there, and what became of it."""
        if receipt.id is not None:
            self._names[draft_id(draft)] = receipt.id
        repeated = draft.echo_of if draft.echo_of in self._there else None
        repeated = repeated and self._names.get(repeated, repeated)
        draft = replace(draft, echo_of=repeated, expires_at=_earliest(draft.expires_at, self._ends.get(repeated or "")))
        if receipt.status != "stored" or repeated is None:
            return draft, receipt
        why = f"a look-up had just given {repeated} to session {draft.session_id!r}; kept, and left out of the ranking"
        return draft, Receipt("echo", receipt.id, why, repeated)


class _Messages:
    """The raw log, as `Known` looks messages up."""

    noun = "message"

    def __init__(self, write: Write) -> None:
        self._records, self._namespace, self._now = write.records, write.namespace, write.at.micros

    def contents(self, draft: Draft) -> tuple[str, str, str]:
        return draft.session_id, draft.speaker, draft.text

    def id(self, draft: Draft, occurrence: int) -> str:
        return draft_id(draft, occurrence)

    def keyed(self, keys: Sequence[str]) -> dict[str, tuple[str, tuple[str, str, str]]]:
        return self._records.messages.keyed(self._namespace, keys)

    def known(self, ids: Sequence[str]) -> dict[str, str]:
        return self._records.messages.known(self._namespace, ids)

    def retired(self, ids: Sequence[str]) -> set[str]:
        return self._records.retired(self._namespace, ids, self._now)


def update(
    write: Write,
    memory_id: str,
    model: str,
    *,
    text: str | None,
    vector: NDArray[np.float32] | None,
    valid_from: datetime | None,
    valid_to: datetime | None,
    expires_at: datetime | Literal["never"] | None,
    metadata: Mapping[str, Any],
    intent: Node | None,
) -> None:
    """Correct a memory; None leaves a field as it is now, under the lock. The raw message stays as it was said.

    Of `metadata` each key replaces what is there, and None takes it away; the others stay.

    Facts that rest on a message whose text or beginning changed are retired, to be worked out anew. An episode keeps
    its intent while its text stays; with another text it gets `intent`, or that text's own. An echo with another text
    is none any more. What rests on a memory, and its echoes, expire with it at the latest.

    Raises:
        NotFound: no such live memory.
        InvalidInput: its event time would end before it begins.
    """
    old = write.live(memory_id)
    text = old.text if text is None else text
    start, end = valid_from or old.valid_from, valid_to or old.valid_to
    checked_interval(start, end)
    expires = old.expires_at if expires_at is None else _limited(write, old, expires_at)
    known = {key: one for key, one in {**old.metadata, **metadata}.items() if one is not None or key not in metadata}
    new = replace(old, text=text, valid_from=start, valid_to=end, expires_at=expires, metadata=known)
    before = _replaced(old, new, metadata)
    if not before:
        return
    entities: Sequence[Node] = hyperedge(text, old.speaker, old.session_id, start.date())
    if old.kind == "episode":
        kept = episodes.intents(old.entities) if text == old.text else () if intent is None else (intent,)
        entities = episodes.with_intent((*entities, *kept), text)
    values = text_values(text, entities) | validity_values(start, end)
    values |= {"expires_at": clock.to_micros(expires)}
    values |= {"echo_of": None} if "echo_of" in before else {}
    values |= {"metadata": dump_json(known)} if "metadata" in before else {}
    write.records.update_memory(write.namespace, memory_id, values)
    if "text" in before:
        if vector is not None:
            write.records.vectors.insert(write.namespace, model, {text_digest(text): vector})
        write.records.vectors.drop_orphans(write.namespace, [text_digest(old.text)])
    write.step("update", memory_id, **before)
    if "expires_at" in before:
        _follow(write, old, expires)
    if old.kind == "message" and (text, start) != (old.text, old.valid_from):
        facts.withdraw(write, old, "source corrected")


def _replaced(old: Memory, new: Memory, given: Iterable[str]) -> dict[str, Any]:
    """What a step in a memory's history keeps: the fields that changed, as they were; of metadata the keys given."""
    before: dict[str, Any] = {}
    if new.text != old.text:
        before["text"] = old.text
    if (new.valid_from, new.valid_to) != (old.valid_from, old.valid_to):
        before["valid_from"] = old.valid_from.isoformat()
        before["valid_to"] = old.valid_to and old.valid_to.isoformat()
    if new.expires_at != old.expires_at:
        before["expires_at"] = old.expires_at and old.expires_at.isoformat()
    if dump_json(new.metadata) != dump_json(old.metadata):
        before["metadata"] = {key: old.metadata.get(key) for key in given}
    if old.echo_of is not None and "text" in before:  # it says something of its own now
        before["echo_of"] = old.echo_of
    return before


def _limited(write: Write, memory: Memory, wanted: datetime | Literal["never"]) -> datetime | None:
    """When a memory expires if this is wanted: with what it rests on or repeats at the latest."""
    above = [one for one in (*memory.sources, memory.echo_of) if one is not None and one != memory.id]
    ends = [one.expires_at for one in write.records.memories(write.namespace, write.name, above)]
    return _earliest(None if wanted == "never" else wanted, *ends)


def _follow(write: Write, old: Memory, expires: datetime | None) -> None:
    """Have what rests on a memory, and its echoes, expire with it: what did so before, and what would outlive it."""
    records, namespace = write.records, write.namespace
    below = [*records.sources.resting_on(namespace, old.id), *records.sources.echoes_of(namespace, old.id)]
    for one in records.memories(namespace, write.name, below):
        with_it = old.expires_at is not None and one.expires_at == old.expires_at
        end = _limited(write, one, expires or "never") if with_it else _earliest(one.expires_at, expires)
        if end != one.expires_at:
            records.update_memory(namespace, one.id, {"expires_at": clock.to_micros(end)})
            write.step("update", one.id, expires_at=one.expires_at and one.expires_at.isoformat())
            _follow(write, one, end)


def _earliest(*ends: datetime | None) -> datetime | None:
    return min((end for end in ends if end is not None), default=None)


def delete(write: Write, memory_id: str) -> None:
    """Retire a memory, and with a message the facts that rest on it: out of every look-up, listing and export at once.

    Raises:
        NotFound: no such live memory.
    """
    old = write.live(memory_id)
    write.retire(old, "delete")
    if old.kind == "message":
        facts.withdraw(write, old, "source deleted")


def embed(write: Write, model: str, vectors: Mapping[str, tuple[str, NDArray[np.float32]]]) -> None:
    """Store vectors that were missing: memory id -> (the text that was embedded, its vector).

    Those of memories that were changed, deleted or erased meanwhile are left out.
    """
    live = write.records.live(write.namespace, write.name, list(vectors), ())
    current = {memory.id: vectors[memory.id] for memory in live if memory.text == vectors[memory.id][0]}
    write.records.vectors.insert(write.namespace, model, {text_digest(text): v for text, v in current.values()})
    for memory_id in current:
        write.step("embed", memory_id)


def turn(write: Write, ids: Sequence[str], *, cold: bool) -> list[str]:
    """Turn live memories cold, or warm again; those that changed, in the order given.

    A cold memory takes part in no look-up of the shared projections. Listings, exports, the log and the look-ups of
    deliberation (`whole.py`) still show it; it keeps its history and its utility.
    """
    there = write.records.live_with(write.namespace, ids, cold=not cold)
    changed = [memory_id for memory_id in dict.fromkeys(ids) if memory_id in there]
    write.records.set_cold(write.namespace, changed, cold=cold)
    for memory_id in changed:
        write.step("cool" if cold else "warm", memory_id)
    return changed


def retain(write: Write, cold: Sequence[str], since: int) -> tuple[list[str], list[str]]:
    """Have these memories cold and no others; (those that turned cold, those that turned warm).

    What was written after version `since`, at which the choice was made, stays as it is: an answer may have warmed it.
    """
    touched = set(write.records.changes.changed_since(write.namespace, since))
    cooled = turn(write, [one for one in cold if one not in touched], cold=True)
    others = write.records.cold_ids(write.namespace).difference(cold, touched)
    return cooled, turn(write, sorted(others), cold=False)


def checked_interval(start: datetime, end: datetime | None) -> None:
    """An event time that ends after it begins.

    Raises:
        InvalidInput: it does not.
    """
    if end is not None and end <= start:
        raise InvalidInput(
            f"valid_to {end.isoformat()} is not after valid_from {start.isoformat()}; swap or correct them"
        )


def draft_id(draft: Draft, occurrence: int | None = None) -> str:
    """The id that a message gets: that of this occurrence, or of the one that it says it is."""
    nth = (draft.occurrence or 0) if occurrence is None else occurrence
    return message_id(draft.session_id, draft.speaker, draft.text, clock.to_instant(draft.said_at), nth)
