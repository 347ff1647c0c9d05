"""Where a memory comes from: the messages that a fact rests on, and the change log, with every step since.

Projections catch up by the change log, and `history` tells it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

from memsvc_store.sql import schema
from memsvc_store.sql.dialect import Statements
from memsvc_store.sql.rows import Namespace, dump_json, text_digest
from memsvc_store.values.clock import Instant, from_instant
from memsvc_store.values.memories import Change, Operation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


ERASED = "\x7f"
"""Stands in the change log for memories that were erased; no caller can ask for this id, as it does not print."""

_chg, _mem, _src = schema.changes, schema.memories, schema.sources
_live_fact = (_mem.c.kind == "fact") & _mem.c.retired_at.is_(None)


class Sources(Statements):
    """Which messages each fact rests on."""

    def of(self, namespace: Namespace, facts: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Fact id -> the ids of its messages, in order; facts without any are absent."""
        select = sa.select(_src.c.memory_id, _src.c.message_id).where(_src.c.namespace_key == namespace.key)
        found: dict[str, tuple[str, ...]] = {}
        for row in self.rows_in(select.order_by(_src.c.ordinal), _src.c.memory_id, facts):
            found[row.memory_id] = (*found.get(row.memory_id, ()), row.message_id)
        return found

    def insert(self, namespace: Namespace, fact: str, messages: Sequence[str]) -> None:
        """Tie a fact to its messages."""
        rows = [
            {"namespace_key": namespace.key, "memory_id": fact, "ordinal": ordinal, "message_id": message}
            for ordinal, message in enumerate(messages)
        ]
        if rows:
            self.connection.execute(sa.insert(_src), rows)

    def resting_on(self, namespace: Namespace, message: str) -> list[str]:
        """Ids of the live facts that rest on a message, in the order they were stored."""
        same = (_mem.c.namespace_key == _src.c.namespace_key) & (_mem.c.id == _src.c.memory_id)
        where = (_src.c.namespace_key == namespace.key) & (_src.c.message_id == message)
        statement = sa.select(_mem.c.id).select_from(_src.join(_mem, same)).where(where, _live_fact)
        return list(self.connection.execute(statement.order_by(_mem.c.key)).scalars())

    def echoes_of(self, namespace: Namespace, memory: str) -> list[str]:
        """Ids of the live echoes of a memory, in the order they were stored."""
        where = (_mem.c.namespace_key == namespace.key) & (_mem.c.echo_of == memory) & _mem.c.retired_at.is_(None)
        return list(self.connection.execute(sa.select(_mem.c.id).where(where).order_by(_mem.c.key)).scalars())

    def facts_saying(self, namespace: Namespace, texts: Sequence[str], now: int) -> dict[str, str]:
        """Text -> the id of a live fact that says exactly this, the oldest; texts that no fact says are absent, and
        what has expired by now says nothing.
        """
        fresh = sa.func.coalesce(_mem.c.expires_at, now + 1) > now
        select = sa.select(_mem.c.id, _mem.c.text).where(_mem.c.namespace_key == namespace.key, _live_fact, fresh)
        digests = [text_digest(text) for text in texts]
        found: dict[str, str] = {}
        for row in self.rows_in(select.order_by(_mem.c.key), _mem.c.digest, digests):
            found.setdefault(row.text, row.id)
        return found


class ChangeLog(Statements):
    """The steps of every write."""

    def append(
        self, namespace: Namespace, version: int, at: Instant, steps: Sequence[tuple[Operation, str, Mapping[str, Any]]]
    ) -> None:
        """Append one write's steps to the change log."""
        rows = [
            {"namespace_key": namespace.key, "version": version, "ordinal": ordinal, "memory_id": memory_id,
             "operation": operation, "at": at.micros, "before": dump_json(before)}
            for ordinal, (operation, memory_id, before) in enumerate(steps)
        ]  # fmt: skip
        self.connection.execute(sa.insert(_chg), rows)

    def changed_since(self, namespace: Namespace, version: int) -> list[str]:
        """Ids touched by writes after `version`, each once."""
        where = (_chg.c.namespace_key == namespace.key) & (_chg.c.version > version)
        return list(self.connection.execute(sa.select(_chg.c.memory_id).where(where).distinct()).scalars())

    def history(self, namespace: Namespace, memory_id: str) -> list[Change]:
        """Every step of one memory, oldest first."""
        statement = (
            sa.select(_chg)
            .where(_chg.c.namespace_key == namespace.key, _chg.c.memory_id == memory_id)
            .order_by(_chg.c.version, _chg.c.ordinal)
        )
        return [
            Change(
                version=row.version,
                at=from_instant(row.at),
                operation=cast("Operation", row.operation),
                memory_id=row.memory_id,
                before=json.loads(row.before),
            )
            for row in self.connection.execute(statement)
        ]

    def stamp(self, namespace: Namespace, version: int) -> int | None:
        """When a write was made: ties a snapshot to this very history, which a restored backup leaves."""
        where = (_chg.c.namespace_key == namespace.key) & (_chg.c.version == version) & (_chg.c.ordinal == 0)
        return self.connection.execute(sa.select(_chg.c.at).where(where)).scalar_one_or_none()

    def erased_since(self, namespace: Namespace, version: int) -> bool:
        """Whether anything was erased after a write: what was read at that write may hold what is gone."""
        return bool(self.connection.execute(_ERASED_SINCE, {"key": namespace.key, "version": version}).scalar_one())

    def last_operations(self, namespace: Namespace, among: Sequence[Operation]) -> dict[str, str]:
        """Memory id -> which of these happened to it last, for `verify`."""
        columns = sa.select(_chg.c.memory_id, _chg.c.operation).where(_chg.c.namespace_key == namespace.key)
        rows = self.connection.execute(columns.order_by(_chg.c.version, _chg.c.ordinal))
        return {row.memory_id: row.operation for row in rows if row.operation in among}

    def versions(self, namespace: Namespace) -> tuple[int, int, int]:
        """(lowest, highest, number of) versions in the change log, zeros when empty."""
        low, high = sa.func.min(_chg.c.version), sa.func.max(_chg.c.version)
        select = sa.select(low, high, sa.func.count(sa.distinct(_chg.c.version)))
        row = self.connection.execute(select.where(_chg.c.namespace_key == namespace.key)).one()
        return row[0] or 0, row[1] or 0, row[2]


# Built once: every trace that is kept asks it.
_ERASED_SINCE = sa.select(
    sa.exists().where(
        (_chg.c.namespace_key == sa.bindparam("key"))
        & (_chg.c.memory_id == ERASED)
        & (_chg.c.version > sa.bindparam("version"))
    )
)
