"""Which rows an erasure takes, and taking them: the SQL of one transaction.

Ids are hashes of contents, and whoever guesses a short text can check the guess against its hash. So no row that stays
may name what was erased: not the change log, a trace, a feedback, a job, a fact that had replaced it, nor an episode
that shares its intent's node.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from memsvc_store.erasing import learned
from memsvc_store.sql import schema
from memsvc_store.sql.dialect import slices
from memsvc_store.sql.provenance import ERASED
from memsvc_store.sql.records import unexpired
from memsvc_store.sql.rows import dump_json, text_digest
from memsvc_store.values.memories import Node, Nodes
from memsvc_store.values.nodes import INTENT
from memsvc_store.values.scripts import named
from memsvc_store.writing import facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memsvc_store.values.erasure_receipts import Target
    from memsvc_store.values.memories import Memory
    from memsvc_store.writing.transaction import Write

_msg, _mem, _ep, _src = schema.messages, schema.memories, schema.episodes, schema.sources
_vec, _chg, _job, _tr = schema.vectors, schema.changes, schema.jobs, schema.traces

QUOTED = "withheld: it may have quoted what was erased since"
"""Stands for the error of a job in a namespace where something was erased: it may quote what a model made of it."""


@dataclass(frozen=True, slots=True)
class Doomed:
    """The memories to be erased, retired and cold ones too, and every text that they ever were given as."""

    memories: Sequence[Memory]
    texts: frozenset[str]

    @property
    def ids(self) -> frozenset[str]:
        """Their ids."""
        return frozenset(memory.id for memory in self.memories)


def erase_namespace(write: Write) -> dict[str, int]:
    """Delete every row of the namespace, and itself; how many, by what they were."""
    connection, key = write.records.connection, write.namespace.key
    facts_of = sa.select(sa.func.count()).where(_mem.c.namespace_key == key, _mem.c.kind == "fact")
    gone = {"facts": int(connection.execute(facts_of).scalar_one())}
    for table in reversed(schema.metadata.sorted_tables):
        if "namespace_key" in table.columns:
            gone[table.name] = connection.execute(sa.delete(table).where(table.c.namespace_key == key)).rowcount
    connection.execute(sa.delete(schema.namespaces).where(schema.namespaces.c.key == key))
    return gone | {"hyperedges": gone["memories"]}


def erase_part(write: Write, target: Target) -> dict[str, int]:
    """Delete a session, a source or a memory, with all that rests on it or names it; how many rows, by what they were.

    Nothing at all where nothing of the target is there.
    """
    found = _doomed(write, target)
    if not found.memories:
        return {}
    behind = _messages_behind(write, found)
    gone = _rows(write, found)
    gone["changes"] = _changes(write, found.ids, behind)
    gone["jobs"] = _jobs(write, found.ids)
    gone |= learned.erase(write, found.ids, found.texts)
    if target.what == "session":  # what it was told stays as a use, and no more says whose
        its = (_tr.c.namespace_key == write.namespace.key) & (_tr.c.session_id == target.name)
        write.records.connection.execute(sa.update(_tr).where(its).values(session_id=None))
    _strip_facts(write, found.ids)
    _rename_intents(write, found)
    again = sorted(behind.keys() - write.records.retired(write.namespace, list(behind), write.at.micros))
    write.records.jobs.insert(write.namespace, "extract", [[one] for one in again], write.at, through=0)
    write.step("erase", ERASED)
    return gone


def _doomed(write: Write, target: Target) -> Doomed:
    """What goes with a session, a source or a memory; nothing where it names nothing."""
    records, key = write.records, write.namespace.key
    resting = sa.select(_src.c.memory_id).where(_src.c.namespace_key == key)
    echoing = sa.select(_mem.c.id).where(_mem.c.namespace_key == key)
    corrected = _corrected_echoes(write)
    found: set[str] = set()
    fresh = _named(write, target)
    while fresh := fresh - found:
        found |= fresh
        ids = sorted(fresh)
        on_them = {row.memory_id for row in records.rows_in(resting, _src.c.message_id, ids)}
        fresh = on_them | {row.id for row in records.rows_in(echoing, _mem.c.echo_of, ids)}
        fresh |= {one for one, repeated in corrected if repeated in found}
    memories = records.memories(write.namespace, write.name, sorted(found))
    return Doomed(memories, frozenset(_texts(write, memories)))


def _corrected_echoes(write: Write) -> list[tuple[str, str]]:
    """(Id, what it repeated) of what is no echo any more: the log and its history still hold the words of the other."""
    updates = (_chg.c.namespace_key == write.namespace.key) & (_chg.c.operation == "update")
    rows = write.records.connection.execute(
        sa.select(_chg.c.memory_id, _chg.c.before).where(updates, _chg.c.before.contains('"echo_of"'))
    )
    found = [(row.memory_id, json.loads(row.before).get("echo_of")) for row in rows]
    return [(memory_id, repeated) for memory_id, repeated in found if repeated is not None]


def _named(write: Write, target: Target) -> set[str]:
    """The ids of the memories that a target names."""
    connection, key, name = write.records.connection, write.namespace.key, target.name or ""
    if target.what == "expired":
        over = ~unexpired(write.at.micros)
        return set(connection.execute(sa.select(_mem.c.id).where(_mem.c.namespace_key == key, over)).scalars())
    if target.what == "memory":
        return {memory.id for memory in write.records.memories(write.namespace, write.name, [name])}
    if target.what == "session":
        of_session = sa.select(_mem.c.id).where(_mem.c.namespace_key == key, _mem.c.session_id == name)
        return set(connection.execute(of_session).scalars())
    found: set[str] = set()
    for table in (_mem, _msg):  # as it is now, and as it was said
        told = sa.select(table.c.id, table.c.metadata).where(table.c.namespace_key == key, table.c.metadata != "{}")
        found |= {row.id for row in connection.execute(told) if _source(json.loads(row.metadata)) == name}
    updates = (_chg.c.namespace_key == key) & (_chg.c.operation == "update") & _chg.c.before.contains('"source"')
    for row in connection.execute(sa.select(_chg.c.memory_id, _chg.c.before).where(updates)):
        found |= {row.memory_id} if _source(json.loads(row.before).get("metadata", {})) == name else set()
    for table, memory_id in ((_msg, _msg.c.id), (_ep, _ep.c.memory_id)):
        under = sa.func.substr(table.c.write_key, 1, len(name) + 1) == f"{name}/"
        keyed = sa.select(memory_id).where(table.c.namespace_key == key, under | (table.c.write_key == name))
        found.update(connection.execute(keyed).scalars())
    return found


def _source(metadata: dict[str, Any]) -> str | None:
    """Where a memory says that it is from: metadata are verbatim, and names come in one form of Unicode."""
    source = metadata.get("source")
    return named(source) if isinstance(source, str) else None


def _texts(write: Write, memories: Sequence[Memory]) -> Iterator[str]:
    """What these memories say, what they said before they were corrected, and what of an episode is shown elsewhere."""
    records, key, ids = write.records, write.namespace.key, [memory.id for memory in memories]
    yield from (memory.text for memory in memories)
    said = sa.select(_msg.c.text).where(_msg.c.namespace_key == key)
    yield from (row.text for row in records.rows_in(said, _msg.c.id, ids))
    tried = sa.select(_ep.c.intent, _ep.c.experience).where(_ep.c.namespace_key == key)
    for row in records.rows_in(tried, _ep.c.memory_id, ids):
        yield from row
    corrected = sa.select(_chg.c.before).where(_chg.c.namespace_key == key, _chg.c.operation == "update")
    before = [json.loads(row.before) for row in records.rows_in(corrected, _chg.c.memory_id, ids)]
    yield from (one["text"] for one in before if "text" in one)


def _messages_behind(write: Write, doomed: Doomed) -> dict[str, None]:
    """The messages that stay of those behind doomed facts: what they say may hold again."""
    found = [one for fact in doomed.memories if fact.fact_by == "model" for one in facts.messages_behind(write, fact)]
    return dict.fromkeys(one for one in found if one not in doomed.ids)


def _rows(write: Write, doomed: Doomed) -> dict[str, int]:
    """Delete the rows of memories, and the vectors that no live memory needs any more."""
    ids, kinds = sorted(doomed.ids), [memory.kind for memory in doomed.memories]
    counts = {"facts": kinds.count("fact"), "hyperedges": len(ids)}
    records = write.records
    for table, column in (
        (_src, _src.c.memory_id), (_msg, _msg.c.id), (_ep, _ep.c.memory_id), (_mem, _mem.c.id),
    ):  # fmt: skip
        counts[table.name] = records.delete_in(table, write.namespace.key, column, ids)
    says = sa.exists().where(
        _mem.c.namespace_key == write.namespace.key, _mem.c.digest == _vec.c.digest, _mem.c.retired_at.is_(None)
    )
    digests = sorted(map(text_digest, doomed.texts))
    counts["vectors"] = records.delete_in(_vec, write.namespace.key, _vec.c.digest, digests, ~says)
    return counts


def _changes(write: Write, ids: frozenset[str], behind: dict[str, None]) -> int:
    """Take memories out of the change log; how many rows.

    A version keeps its first row, which says when it was written and no more: versions stay gapless, and who is tied
    to one still finds it. A fact that was replaced by an erased one says only that; the messages behind it are added
    to `behind`.
    """
    records, namespace = write.records, write.namespace
    here = _chg.c.namespace_key == namespace.key
    gone = 0
    for part in slices(sorted(ids)):
        where = here & _chg.c.memory_id.in_(part)
        emptied = {"memory_id": ERASED, "operation": "erase", "before": "{}"}
        gone += records.connection.execute(sa.update(_chg).where(where, _chg.c.ordinal == 0).values(emptied)).rowcount
        gone += records.connection.execute(sa.delete(_chg).where(where)).rowcount
    retired = sa.select(_chg).where(here, _chg.c.operation == "retire")
    for row in records.connection.execute(retired).all():
        if json.loads(row.before).get("by") in ids:
            place = here & (_chg.c.version == row.version) & (_chg.c.ordinal == row.ordinal)
            why = {"before": dump_json({"why": "erased"})}
            records.connection.execute(sa.update(_chg).where(place).values(why))
            [fact] = records.memories(namespace, write.name, [row.memory_id])
            behind |= dict.fromkeys(one for one in facts.messages_behind(write, fact) if one not in ids)
    return gone


def _jobs(write: Write, ids: frozenset[str]) -> int:
    """Take memories out of jobs; how many named one.

    Work under way may have seen what was erased: its claim is let go, so that what it brings is refused. A job that
    has nothing left keeps its place, up to which its kind is covered.
    """
    connection, here = write.records.connection, _job.c.namespace_key == write.namespace.key
    named = 0
    for row in connection.execute(sa.select(_job).where(here).with_for_update()).all():
        memories = json.loads(row.payload)["memories"]
        left = [one for one in memories if one not in ids]
        values: dict[str, Any] = {"error": QUOTED} if row.error else {}
        if row.state == "running":
            values |= {"state": "queued", "worker": None, "leased_until": None}
        if len(left) < len(memories):
            named += 1
            values |= {"payload": dump_json({"memories": left}), "result": None}
            values |= {} if left else {"state": "done", "error": None, "finished_at": write.at.micros}
        if values:
            connection.execute(sa.update(_job).where(_job.c.key == row.key).values(values))
    return named


def _strip_facts(write: Write, ids: frozenset[str]) -> None:
    """Have facts no longer name erased ones that they had replaced."""
    here = (_mem.c.namespace_key == write.namespace.key) & (_mem.c.kind == "fact") & (_mem.c.metadata != "{}")
    for row in write.records.connection.execute(sa.select(_mem.c.id, _mem.c.metadata).where(here)).all():
        metadata = json.loads(row.metadata)
        replaced = metadata.pop("replaces", [])
        if not ids.isdisjoint(replaced):
            left = [one for one in replaced if one not in ids]
            metadata |= {"replaces": left} if left else {}
            write.records.update_memory(write.namespace, row.id, {"metadata": dump_json(metadata)})
            _touch(write, row.id)


def _rename_intents(write: Write, doomed: Doomed) -> None:
    """Give episodes that share the node of an erased intent one that is named after an intent that stays."""
    if all(memory.kind != "episode" for memory in doomed.memories):
        return
    here = (_mem.c.namespace_key == write.namespace.key) & (_mem.c.kind == "episode")
    ids = write.records.connection.execute(sa.select(_mem.c.id).where(here).order_by(_mem.c.key)).scalars()
    left = write.records.memories(write.namespace, write.name, list(ids))
    erased = {_intent(text) for text in doomed.texts} - {_intent(memory.text) for memory in left}
    renamed: dict[str, str] = {}
    for memory in left:
        if any(node.kind == INTENT and node.name in erased for node in memory.entities):
            nodes = [_renamed(node, erased, renamed, memory.text) for node in memory.entities]
            write.records.update_memory(write.namespace, memory.id, {"entities": Nodes.of(nodes).stored})
            _touch(write, memory.id)


def _touch(write: Write, memory_id: str) -> None:
    """Have shards read a memory again: what it said of others has changed. What is retired has no row there."""
    if not write.records.retired(write.namespace, [memory_id], write.at.micros):
        write.step("update", memory_id)


def _renamed(node: Node, erased: set[str], renamed: dict[str, str], text: str) -> Node:
    if node.kind != INTENT or node.name not in erased:
        return node
    return Node(INTENT, renamed.setdefault(node.name, _intent(text)))


def _intent(text: str) -> str:
    return text_digest(text).hex()
