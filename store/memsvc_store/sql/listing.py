"""Listings of a whole namespace from SQL alone: all that is live for `export`, the hyperedges for the graph, sessions.

The projections hold hyperedges too, without cold memories, and a shard of them takes a model's vectors and FAISS. A
question about the whole graph is asked rarely, reads two columns of each row, and loads none of that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from memsvc_store.errors import DatabaseUnreadable, NotFound
from memsvc_store.sql import schema
from memsvc_store.sql.records import there, unexpired
from memsvc_store.values.clock import from_instant
from memsvc_store.values.memories import Nodes, Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memsvc_store.sql.records import Records
    from memsvc_store.sql.rows import Namespace
    from memsvc_store.values.memories import Episode, Memory, Message, Node

BEGINNING = 400
"""Characters of a text that are read: enough to quote it and to see how it spells a name; a text may be a megabyte."""

_PAGE = 500
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


def hyperedges(records: Records, namespace: str, limit: int, now: int) -> Hyperedges:
    """The hyperedges of the latest live memories by event time, `limit` at most; without echoes.

    Raises:
        NotFound: no such namespace.
    """
    here = _mem.c.namespace_key == there(records, namespace).key
    live = here & _mem.c.retired_at.is_(None) & _mem.c.echo_of.is_(None) & unexpired(now)
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


def ids(records: Records, namespace: Namespace, table: sa.Table, prefix: str, limit: int) -> list[str]:
    """The ids of a table that begin so, sorted. They are hexadecimal: in the order of any language, what goes on after
    a prefix stands between it and the prefix with a `g`, which an index finds.
    """
    where = (table.c.namespace_key == namespace.key) & table.c.id.between(prefix, f"{prefix}g")
    return list(
        records.connection.execute(sa.select(table.c.id).where(where).order_by(table.c.id).limit(limit)).scalars()
    )


def keyed(records: Records, namespace: Namespace | None, name: str, key: str) -> str:
    """The id of the message that was stored under a key, or else of the episode. The key of a call is that of its one
    message, which is stored as `key/0`.

    Raises:
        NotFound: nothing was, or several messages of a list.
    """
    first, second = f"{key}/0", f"{key}/1"
    found = records.messages.keyed(namespace, [key, first, second]) if namespace else {}
    if key in found or (first in found and second not in found):
        return found[key if key in found else first][0]
    if namespace and (episode := records.episodes.keyed(namespace, [key])):
        return episode[key][0]
    if first in found:
        raise NotFound(
            f"key {key!r} of namespace {name!r} is that of a list; its messages have {first!r}, {second!r} ..."
        )
    raise NotFound(f"nothing was stored under key {key!r} in namespace {name!r}; `list` gives what there is")


def sessions(records: Records, namespace: Namespace, limit: int, offset: int, now: int) -> list[Session]:
    """A page of the sessions of the live messages, the one with the latest of them first."""
    said = (_mem.c.namespace_key == namespace.key) & (_mem.c.kind == "message") & _mem.c.retired_at.is_(None)
    said &= unexpired(now)
    first, last = sa.func.min(_mem.c.valid_from), sa.func.max(_mem.c.valid_from)
    statement = (
        sa.select(_mem.c.session_id, first.label("first"), last.label("last"), sa.func.count().label("messages"))
        .where(said)
        .group_by(_mem.c.session_id)
        .order_by(last.desc(), _mem.c.session_id)
        .limit(limit)
        .offset(offset)
    )
    page = records.connection.execute(statement).all()
    spoke = sa.select(_mem.c.session_id, _mem.c.speaker, first.label("first")).where(said)
    spoke = spoke.group_by(_mem.c.session_id, _mem.c.speaker)
    speakers: dict[str, list[tuple[int, str]]] = {row.session_id: [] for row in page}
    for row in records.rows_in(spoke, _mem.c.session_id, list(speakers)):
        speakers[row.session_id].append((row.first, row.speaker))
    return [
        Session(
            row.session_id, from_instant(row.first), from_instant(row.last), row.messages,
            tuple(name for _, name in sorted(speakers[row.session_id])),
        )
        for row in page
    ]  # fmt: skip


def everything(
    records: Records, namespace: str, where: Sequence[sa.ColumnElement[bool]]
) -> Iterator[tuple[Message | Episode | None, Memory, str | None]]:
    """Every live memory, with its message or episode and its write key; see `Store.export`.

    Raises:
        NotFound: no such namespace.
    """
    found = there(records, namespace)
    ids = records.live_ids(found, "message", where)
    given = set(ids)
    for start in range(0, len(ids), _PAGE):
        page = ids[start : start + _PAGE]
        messages, keys = records.messages.by_id(found, page), records.messages.write_keys(found, page)
        for memory in records.memories(found, namespace, page):
            if memory.id not in messages:
                raise DatabaseUnreadable(f"memory {memory.id!r} has lost its message; run `memsvc verify`")
            yield messages[memory.id], memory, keys.get(memory.id)
    for fact in records.memories(found, namespace, records.live_ids(found, "fact", where)):
        if given.issuperset(fact.sources):  # else nobody could import it
            yield None, fact, None
    ids, rows = records.live_ids(found, "episode", where), records.episodes
    for start in range(0, len(ids), _PAGE):
        page = ids[start : start + _PAGE]
        keys = rows.write_keys(found, page)
        for episode in rows.of(found, records.memories(found, namespace, page)):
            yield episode, episode.memory, keys.get(episode.id)
