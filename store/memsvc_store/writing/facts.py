"""Facts: what was worked out, mostly from messages, and what becomes of it when those change.

A fact never outlives a message that it rests on. A retired fact keeps its row and its history. It comes back only when
it is worked out again and nothing stands against it: its owner did not delete it, and what replaced it is gone as well.
One that has expired comes back as well.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from memsvc_store.sql.records import unexpired
from memsvc_store.sql.rows import fact_id, fact_row
from memsvc_store.values.drafts import Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from memsvc_store.values.drafts import Fact
    from memsvc_store.values.memories import Memory
    from memsvc_store.writing.transaction import Write


def add(write: Write, facts: Sequence[Fact], model: str) -> list[Receipt]:
    """Store facts, and retire those that they replace; one receipt a fact, in order.

    A fact is a `duplicate` if a live one says the same, or if it was here before and must stay away;
    it is `rejected` if it rests on a message that is not there, was deleted or has expired, or if a model worked it out
    from none. It expires with the first of its messages at the latest.
    """
    known = _Standing(write, facts)
    vectors: dict[bytes, NDArray[np.float32]] = {}
    receipts = []
    for fact in facts:
        receipt = known.receipt(fact)
        receipts.append(receipt)
        if receipt.status == "stored":
            assert receipt.id is not None
            row = fact_row(write.namespace, known.limited(fact), receipt.id, known.role(fact))
            _store(write, row, fact.sources, known.before.get(receipt.id))
            if fact.vector is not None:
                vectors[row["digest"]] = fact.vector
        if receipt.reason is None:
            known.retire(fact.replaces, receipt.id or "")
    write.records.vectors.insert(write.namespace, model, vectors)
    return receipts


def withdraw(write: Write, message: Memory, why: Literal["source deleted", "source corrected"]) -> None:
    """Retire every fact that rests on a message, and queue the live messages behind them to be worked through again.

    Those are the message itself if it was corrected, the others that a retired fact rested on, and
    those behind the facts that it had replaced: what they say may hold again.
    """
    records, namespace = write.records, write.namespace
    behind: dict[str, None] = {} if why == "source deleted" else {message.id: None}
    gone = records.memories(namespace, write.name, records.sources.resting_on(namespace, message.id))
    for fact in gone:
        write.retire(fact, "retire", why=why, by=message.id)
    of_model = [fact for fact in gone if fact.fact_by == "model"]  # nobody but the caller works out the caller's anew
    for fact in of_model:
        behind |= dict.fromkeys(messages_behind(write, fact))
    if of_model:
        retired = records.retired(namespace, list(behind), write.at.micros)
        again = [[one] for one in behind if one not in retired]
        records.jobs.insert(namespace, "extract", again, write.at, through=0)


def messages_behind(write: Write, fact: Memory) -> list[str]:
    """The messages that a fact rests on, and those of all the facts that it replaced."""
    behind, pending, seen = list(fact.sources), [fact], {fact.id}
    while pending:
        ids = [one for one in pending.pop().metadata.get("replaces", ()) if one not in seen]
        seen.update(ids)
        pending += (replaced := write.records.memories(write.namespace, write.name, ids))
        behind += [source for one in replaced for source in one.sources]
    return behind


def _store(write: Write, row: dict[str, object], sources: Sequence[str], before: Memory | None) -> None:
    if before is not None:
        write.records.update_memory(write.namespace, before.id, row)
        ended = {"retired_at": before.retired_at, "expires_at": before.expires_at}
        write.step("add", before.id, **{name: at.isoformat() for name, at in ended.items() if at is not None})
        return
    write.records.insert_memories([row | {"created_at": write.at.micros}])
    write.records.sources.insert(write.namespace, str(row["id"]), list(dict.fromkeys(sources)))
    write.step("add", str(row["id"]))


class _Standing:
    """The facts that stand, and the messages, as far as a batch of facts is concerned: one says one thing, and once."""

    def __init__(self, write: Write, facts: Sequence[Fact]) -> None:
        self._write = write
        records, namespace = write.records, write.namespace
        ids = {*(fact_id(fact.text, fact.sources) for fact in facts), *(one for fact in facts for one in fact.replaces)}
        self.before = {memory.id: memory for memory in records.memories(namespace, write.name, sorted(ids))}
        fresh = unexpired(write.at.micros)
        self._live = {memory.id for memory in records.live(namespace, write.name, sorted(ids), [fresh])}
        self._saying = records.sources.facts_saying(namespace, sorted({fact.text for fact in facts}), write.at.micros)
        sources = records.live(namespace, write.name, sorted({one for fact in facts for one in fact.sources}), [fresh])
        self._messages = {memory.id: memory for memory in sources if memory.kind == "message"}

    def receipt(self, fact: Fact) -> Receipt:
        """What becomes of a fact; one that is to be stored is known from now on."""
        fact_id_ = fact_id(fact.text, fact.sources)
        missing = [source for source in fact.sources if source not in self._messages]
        if missing or (not fact.sources and fact.by == "model"):
            return Receipt("rejected", None, f"it rests on {missing or 'no message'}; give ids of live messages")
        same = self._saying.get(fact.text)
        if fact_id_ in self._live or (same is not None and same not in fact.replaces):
            return Receipt("duplicate", fact_id_ if fact_id_ in self._live else same)
        if fact_id_ in self.before and _stays_away(self._write, fact_id_):
            why = "it was deleted or replaced since, and stays so; name other sources, or say it in other words"
            return Receipt("duplicate", fact_id_, why)
        self._live.add(fact_id_)
        self._saying[fact.text] = fact_id_
        return Receipt("stored", fact_id_)

    def limited(self, fact: Fact) -> Fact:
        """The fact, which expires with the first of its messages at the latest."""
        ends = [fact.expires_at, *(self._messages[source].expires_at for source in fact.sources)]
        return replace(fact, expires_at=min((end for end in ends if end is not None), default=None))

    def role(self, fact: Fact) -> str:
        """That of the last message that it rests on; none where it rests on none."""
        return (self._messages[fact.sources[-1]].role or "") if fact.sources else ""

    def retire(self, ids: Sequence[str], by: str) -> None:
        """Retire facts that another one replaces; those that are gone already stay as they are."""
        for one in ids:
            if one != by and one in self._live:
                self._live.discard(one)
                self._write.retire(self.before[one], "retire", why="replaced", by=by)


def _stays_away(write: Write, fact: str) -> bool:
    """Whether a retired fact must not come back.

    Its owner deleted it, or it was replaced and so on to a fact that is live or was deleted. Each step
    of that chain is later than the one before it, so that it ends.
    """
    records, namespace = write.records, write.namespace
    last = records.changes.history(namespace, fact)[-1]
    while last.operation == "retire" and last.before["why"] == "replaced":
        [successor] = records.memories(namespace, write.name, [last.before["by"]])
        if successor.retired_at is None:
            return True
        last = records.changes.history(namespace, successor.id)[-1]
    return last.operation == "delete"
