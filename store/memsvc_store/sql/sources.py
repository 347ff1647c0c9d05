"""Rows that tie facts to the messages they rest on: one method, one statement, each naming its namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from memsvc_store.sql import schema
from memsvc_store.sql.dialect import rows_in
from memsvc_store.sql.rows import text_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from memsvc_store.sql.rows import Namespace

_mem, _src = schema.memories, schema.sources
_live_fact = (_mem.c.kind == "fact") & _mem.c.retired_at.is_(None)


class Sources:
    """The statements of one open transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, namespace: Namespace, facts: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Fact id -> the ids of its messages, in order; facts without any are absent."""
        select = sa.select(_src.c.memory_id, _src.c.message_id).where(_src.c.namespace_key == namespace.key)
        found: dict[str, tuple[str, ...]] = {}
        for row in rows_in(self._connection, select.order_by(_src.c.ordinal), _src.c.memory_id, facts):
            found[row.memory_id] = (*found.get(row.memory_id, ()), row.message_id)
        return found

    def insert(self, namespace: Namespace, fact: str, messages: Sequence[str]) -> None:
        """Tie a fact to its messages."""
        rows = [
            {"namespace_key": namespace.key, "memory_id": fact, "ordinal": ordinal, "message_id": message}
            for ordinal, message in enumerate(messages)
        ]
        self._connection.execute(sa.insert(_src), rows)

    def resting_on(self, namespace: Namespace, message: str) -> list[str]:
        """Ids of the live facts that rest on a message, in the order they were stored."""
        same = (_mem.c.namespace_key == _src.c.namespace_key) & (_mem.c.id == _src.c.memory_id)
        where = (_src.c.namespace_key == namespace.key) & (_src.c.message_id == message)
        statement = sa.select(_mem.c.id).select_from(_src.join(_mem, same)).where(where, _live_fact)
        return list(self._connection.execute(statement.order_by(_mem.c.key)).scalars())

    def facts_saying(self, namespace: Namespace, texts: Sequence[str]) -> dict[str, str]:
        """Text -> the id of a live fact that says exactly this, the oldest; texts that no fact says are absent."""
        select = sa.select(_mem.c.id, _mem.c.text).where(_mem.c.namespace_key == namespace.key, _live_fact)
        digests = [text_digest(text) for text in texts]
        found: dict[str, str] = {}
        for row in rows_in(self._connection, select.order_by(_mem.c.key), _mem.c.digest, digests):
            found.setdefault(row.text, row.id)
        return found
