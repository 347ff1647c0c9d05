"""The hyperedges of a namespace as rows of SQL: which live memory joins which nodes, and how its text begins.

The projections hold the same without cold memories, and a shard of them takes a model's vectors and FAISS. A question
about the whole graph is asked rarely, reads two columns of each row, and loads none of that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from memsvc_store.sql import schema
from memsvc_store.sql.records import there
from memsvc_store.values.shapes import Nodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_store.sql.records import Records
    from memsvc_store.values.shapes import Node

BEGINNING = 400
"""Characters of a text that are read: enough to quote it and to see how it spells a name; a text may be a megabyte."""

_mem = schema.memories


@dataclass(frozen=True, slots=True)
class Hyperedge:
    """One live memory, cold or not, as what it joins. `text` is how it begins, `whole` whether that is all of it."""

    id: str
    text: str
    whole: bool
    speaker: str
    nodes: Sequence[Node]


@dataclass(frozen=True, slots=True)
class Hyperedges:
    """Those that were read, in the order of event time and id. `memories` is how many live memories there are."""

    read: Sequence[Hyperedge]
    memories: int


def latest(records: Records, namespace: str, limit: int) -> Hyperedges:
    """The hyperedges of the latest live memories by event time, `limit` at most.

    Raises:
        NotFound: no such namespace.
    """
    live = (_mem.c.namespace_key == there(records, namespace).key) & _mem.c.retired_at.is_(None)
    statement = (
        sa.select(
            _mem.c.id,
            sa.func.substr(_mem.c.text, 1, BEGINNING + 1).label("beginning"),
            _mem.c.speaker,
            _mem.c.entities,
        )
        .where(live)
        .order_by(_mem.c.valid_from.desc(), _mem.c.id.desc())
        .limit(limit)
    )
    read = [_hyperedge(*row) for row in records.connection.execute(statement)][::-1]
    if len(read) < limit:
        return Hyperedges(read, len(read))
    count = sa.select(sa.func.count()).select_from(_mem).where(live)
    return Hyperedges(read, int(records.connection.execute(count).scalar_one()))


def _hyperedge(memory_id: str, beginning: str, speaker: str, entities: str) -> Hyperedge:
    return Hyperedge(memory_id, beginning[:BEGINNING], len(beginning) <= BEGINNING, speaker, Nodes(entities))
