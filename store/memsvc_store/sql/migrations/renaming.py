"""How names that were stored in another form of Unicode get the one in which callers' names come now (`scripts.named`).

Nothing is dropped and no id changes. What one form names twice, the other form decides:

- Two sessions of a namespace become one: the messages of the other form follow those of the first.
- Two namespaces stay two, since they may be two people's: the other form becomes `NAME~2`, and so do the keys' patterns
  that named it. `memsvc export --namespace NAME~2 | memsvc import --namespace NAME` puts them together.
- A write key that is taken stays in its form, in which nobody can ask for it; its message is known by its contents.

A message keeps the id that its names gave it, and gets an `alias`: the one that they give now.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from memsvc_store.sql.rows import message_id
from memsvc_store.values.clock import Instant, from_instant
from memsvc_store.values.memories import Nodes
from memsvc_store.values.nodes import INTENT, hyperedge
from memsvc_store.values.scripts import named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Row

logger = logging.getLogger(__name__)

BATCH = 1_000
"""Rows that are read, and written, at once."""

ALIASED: dict[str, Any] = {
    "sqlite_where": sa.text("alias IS NOT NULL"), "postgresql_where": sa.text("alias IS NOT NULL")
}  # fmt: skip
"""The index is for the few rows that have one."""


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *map(sa.column, columns))


# As they are at this step, whatever becomes of them later.
namespaces = _table("namespaces", "key", "name")
_messages = _table(
    "messages", "namespace_key", "id", "session_id", "position", "speaker", "role", "text", "said_at", "write_key",
    "occurrence", "alias",
)  # fmt: skip
_memories = _table(
    "memories", "key", "namespace_key", "kind", "text", "session_id", "position", "speaker", "entities", "valid_from",
    "valid_from_offset",
)  # fmt: skip
_episodes = _table("episodes", "namespace_key", "write_key")
_feedback = _table("feedback", "namespace_key", "write_key", "source")
_moves = _table("moves", "namespace_key", "source")
_traces = _table("traces", "namespace_key", "session_id")
_keys = _table("keys", "id", "namespaces")


def rename_namespaces(connection: Connection) -> None:
    """Give namespaces and the patterns of keys their names in NFC."""
    names = connection.execute(sa.select(namespaces.c.name).order_by(namespaces.c.key)).scalars().all()
    taken = {name for name in names if named(name) == name}
    renamed: dict[str, str] = {}
    for old in names:
        if named(old) == old:
            continue
        new, n = named(old), 2
        while new in taken:
            new, n = f"{named(old)}~{n}", n + 1
        if new != named(old):
            logger.warning("namespace %r is now %r: %r is another one's name", old, new, named(old))
        taken.add(new)
        renamed[old] = new
        connection.execute(sa.update(namespaces).where(namespaces.c.name == old).values(name=new))
    for row in connection.execute(sa.select(_keys)).all():
        patterns = json.loads(row.namespaces)
        new_patterns = list(dict.fromkeys(renamed.get(one, named(one)) for one in patterns))
        if new_patterns != patterns:
            values = {"namespaces": json.dumps(new_patterns)}
            connection.execute(sa.update(_keys).where(_keys.c.id == row.id).values(values))


def rename_within(connection: Connection, namespace: int) -> None:
    """Give the sessions, speakers, roles, write keys and sources of one namespace their names in NFC."""
    sessions = {*_others(connection, _messages, "session_id", namespace)}
    for old in sorted(sessions.union(_others(connection, _memories, "session_id", namespace))):
        _move_session(connection, namespace, old)
    speakers = _others(connection, _messages, "speaker", namespace)
    for table, column in (
        (_traces, "session_id"), (_messages, "speaker"), (_memories, "speaker"), (_messages, "role"),
        (_feedback, "source"), (_moves, "source"),
    ):  # fmt: skip
        for old in _others(connection, table, column, namespace):
            _rename(connection, table, column, namespace, old)
    for table in (_messages, _episodes, _feedback):
        for old in _others(connection, table, "write_key", namespace):
            here = (table.c.namespace_key == namespace) & (table.c.write_key == named(old))
            if connection.execute(sa.select(sa.exists().where(here))).scalar_one():
                logger.warning("a write key of namespace %d stays in its form, since the other one is taken", namespace)
            else:
                _rename(connection, table, "write_key", namespace, old)
    if sessions or speakers:
        _name_messages(connection, namespace)


def derive_hyperedges(connection: Connection) -> None:
    """Work out the hyperedges of memories that are not all ASCII; those of others have not changed."""
    update = sa.update(_memories).where(_memories.c.key == sa.bindparam("row")).values(entities=sa.bindparam("nodes"))
    for rows in _batches(connection):
        changed = []
        for row in rows:
            if row.text.isascii() and row.speaker.isascii() and row.session_id.isascii():
                continue
            day = from_instant(row.valid_from, row.valid_from_offset).date()
            intents = [node for node in Nodes(row.entities) if node.kind == INTENT]
            nodes = Nodes.of([*hyperedge(row.text, row.speaker, row.session_id, day), *intents]).stored
            if nodes != row.entities:
                changed.append({"row": row.key, "nodes": nodes})
        if changed:
            connection.execute(update, changed)


def _others(connection: Connection, table: sa.TableClause, column: str, namespace: int) -> list[str]:
    """The different values of a column in a namespace that have another form, in the order of their characters."""
    value = table.c[column]
    found = sa.select(value).where(table.c.namespace_key == namespace, value.is_not(None)).distinct()
    return sorted(one for one in connection.execute(found).scalars() if named(one) != one)


def _rename(connection: Connection, table: sa.TableClause, column: str, namespace: int, old: str) -> None:
    here = (table.c.namespace_key == namespace) & (table.c[column] == old)
    connection.execute(sa.update(table).where(here).values({column: named(old)}))


def _move_session(connection: Connection, namespace: int, old: str) -> None:
    """A session under its new name, behind what that one holds already."""
    new = named(old)
    there = sa.select(sa.func.max(_messages.c.position)).where(
        _messages.c.namespace_key == namespace, _messages.c.session_id == new
    )
    last = connection.execute(there).scalar_one()
    behind = 0 if last is None else last + 1
    for table, moving in ((_messages, sa.true()), (_memories, _memories.c.kind == "message")):
        here = (table.c.namespace_key == namespace) & (table.c.session_id == old)
        place = {"position": table.c.position + behind}
        connection.execute(sa.update(table).where(here, moving).values(session_id=new, **place))
        connection.execute(sa.update(table).where(here).values(session_id=new))


def _name_messages(connection: Connection, namespace: int) -> None:
    """The alias of each message whose names give another id now."""
    here = _messages.c.namespace_key == namespace
    update = sa.update(_messages).where(here, _messages.c.id == sa.bindparam("message"))
    aliases = []
    for row in connection.execute(sa.select(_messages).where(here)).all():
        now = message_id(row.session_id, row.speaker, row.text, Instant(row.said_at, 0), row.occurrence)
        if now != row.id:
            aliases.append({"message": row.id, "now": now})
    if aliases:
        connection.execute(update.values(alias=sa.bindparam("now")), aliases)


def _batches(connection: Connection) -> Iterator[list[Row[Any]]]:
    last = 0
    while True:
        after = sa.select(_memories).where(_memories.c.key > last).order_by(_memories.c.key).limit(BATCH)
        rows = list(connection.execute(after))
        if not rows:
            return
        yield rows
        last = rows[-1].key
