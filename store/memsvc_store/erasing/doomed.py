"""Which memories an erasure takes: what its target names, and the facts that rest on it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from memsvc_store.sql import schema
from memsvc_store.sql.dialect import rows_in, slices

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memsvc_store.values.erasure_receipts import Target
    from memsvc_store.values.shapes import Memory
    from memsvc_store.writing.transaction import Write

_msg, _mem, _ep, _src, _chg = schema.messages, schema.memories, schema.episodes, schema.sources, schema.changes


@dataclass(frozen=True, slots=True)
class Doomed:
    """The memories to be erased, retired and cold ones too, and every text that they ever were given as."""

    memories: Sequence[Memory]
    texts: frozenset[str]

    @property
    def ids(self) -> frozenset[str]:
        """Their ids."""
        return frozenset(memory.id for memory in self.memories)


def doomed(write: Write, target: Target) -> Doomed:
    """What goes with a session, a source or a memory; nothing where it names nothing."""
    connection, key = write.records.connection, write.namespace.key
    named = sorted(_named(write, target))
    resting = sa.select(_src.c.memory_id).where(_src.c.namespace_key == key)
    on_them = {row.memory_id for row in rows_in(connection, resting, _src.c.message_id, named)}
    memories = write.records.memories(write.namespace, write.name, sorted({*named, *on_them}))
    return Doomed(memories, frozenset(_texts(write, memories)))


def _named(write: Write, target: Target) -> set[str]:
    """The ids of the memories that a target names."""
    connection, key, name = write.records.connection, write.namespace.key, target.name or ""
    if target.what == "memory":
        return {memory.id for memory in write.records.memories(write.namespace, write.name, [name])}
    if target.what == "session":
        of_session = sa.select(_mem.c.id).where(_mem.c.namespace_key == key, _mem.c.session_id == name)
        return set(connection.execute(of_session).scalars())
    told = sa.select(_mem.c.id, _mem.c.metadata).where(_mem.c.namespace_key == key, _mem.c.metadata != "{}")
    found = {row.id for row in connection.execute(told) if json.loads(row.metadata).get("source") == name}
    for table, memory_id in ((_msg, _msg.c.id), (_ep, _ep.c.memory_id)):
        under = sa.func.substr(table.c.write_key, 1, len(name) + 1) == f"{name}/"
        keyed = sa.select(memory_id).where(table.c.namespace_key == key, under | (table.c.write_key == name))
        found.update(connection.execute(keyed).scalars())
    return found


def _texts(write: Write, memories: Sequence[Memory]) -> Iterator[str]:
    """What these memories say, what they said before they were corrected, and what of an episode is shown elsewhere."""
    connection, key, ids = write.records.connection, write.namespace.key, [memory.id for memory in memories]
    yield from (memory.text for memory in memories)
    said = sa.select(_msg.c.text).where(_msg.c.namespace_key == key)
    yield from (row.text for row in rows_in(connection, said, _msg.c.id, ids))
    tried = sa.select(_ep.c.intent, _ep.c.experience).where(_ep.c.namespace_key == key)
    for row in rows_in(connection, tried, _ep.c.memory_id, ids):
        yield from row
    corrected = sa.select(_chg.c.before).where(_chg.c.namespace_key == key, _chg.c.operation == "update")
    before = [json.loads(row.before) for row in rows_in(connection, corrected, _chg.c.memory_id, ids)]
    yield from (one["text"] for one in before if "text" in one)


def delete(
    write: Write, table: sa.Table, column: sa.ColumnElement[Any], values: Sequence[Any], *where: sa.ColumnElement[bool]
) -> int:
    """Delete the namespace's rows where a column is one of the values; how many."""
    here = table.c.namespace_key == write.namespace.key
    statements = (sa.delete(table).where(here, column.in_(part), *where) for part in slices(values))
    return sum(write.records.connection.execute(statement).rowcount for statement in statements)
