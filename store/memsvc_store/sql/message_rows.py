"""The raw log in and out: one method, one statement, and every statement names its namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from memsvc_store.sql import schema
from memsvc_store.sql.dialect import Statements
from memsvc_store.sql.rows import to_message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memsvc_store.sql.rows import Namespace
    from memsvc_store.values.memories import Message

_msg = schema.messages


class MessageRows(Statements):
    """The messages of a database, as they were said."""

    def known(self, namespace: Namespace, ids: Sequence[str]) -> dict[str, str]:
        """Which of these ids are in the raw log, each with the id that it is stored under: another one than its own
        where its names came in another form of Unicode once.
        """
        where = _msg.c.namespace_key == namespace.key
        named = self.rows_in(sa.select(_msg.c.alias, _msg.c.id).where(where), _msg.c.alias, ids)
        found: dict[str, str] = {row.alias: row.id for row in named}
        return found | {row.id: row.id for row in self.rows_in(sa.select(_msg.c.id).where(where), _msg.c.id, ids)}

    def aliases(self, namespace: Namespace) -> dict[str, str]:
        """Id of a message -> the one that follows from its names as they are now, where that is another one."""
        where = (_msg.c.namespace_key == namespace.key) & _msg.c.alias.is_not(None)
        return {row.id: row.alias for row in self.connection.execute(sa.select(_msg.c.id, _msg.c.alias).where(where))}

    def keyed(self, namespace: Namespace, keys: Sequence[str]) -> dict[str, tuple[str, tuple[str, str, str]]]:
        """Write key -> (id, (session, speaker, text)) of the message that was written under it."""
        columns = sa.select(_msg.c.write_key, _msg.c.id, _msg.c.session_id, _msg.c.speaker, _msg.c.text)
        rows = self.rows_in(columns.where(_msg.c.namespace_key == namespace.key), _msg.c.write_key, keys)
        return {row[0]: (row[1], (row[2], row[3], row[4])) for row in rows}

    def next_positions(self, namespace: Namespace, sessions: Sequence[str]) -> dict[str, int]:
        """Session -> the position that its next message gets; sessions without messages are absent."""
        statement = (
            sa.select(_msg.c.session_id, sa.func.max(_msg.c.position) + 1)
            .where(_msg.c.namespace_key == namespace.key)
            .group_by(_msg.c.session_id)
        )
        return {row[0]: row[1] for row in self.rows_in(statement, _msg.c.session_id, sessions)}

    def ids(self, namespace: Namespace) -> list[str]:
        """Ids of the whole raw log, in the order it was said, session by session."""
        where = _msg.c.namespace_key == namespace.key
        order = (_msg.c.session_id, _msg.c.position)
        return list(self.connection.execute(sa.select(_msg.c.id).where(where).order_by(*order)).scalars())

    def insert(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append to the raw log."""
        self.connection.execute(sa.insert(_msg), list(rows))

    def by_id(self, namespace: Namespace, ids: Sequence[str]) -> dict[str, Message]:
        """Raw messages by id."""
        rows = self.rows_in(sa.select(_msg).where(_msg.c.namespace_key == namespace.key), _msg.c.id, ids)
        return {row.id: to_message(row) for row in rows}

    def write_keys(self, namespace: Namespace, ids: Sequence[str]) -> dict[str, str]:
        """Message id -> the key that its writer gave it, where one was given."""
        where = (_msg.c.namespace_key == namespace.key) & _msg.c.write_key.is_not(None)
        rows = self.rows_in(sa.select(_msg.c.id, _msg.c.write_key).where(where), _msg.c.id, ids)
        return {row[0]: row[1] for row in rows}
