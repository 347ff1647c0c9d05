"""Feedback, moves and utilities in and out: one method, one statement, and every statement names its namespace."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from memsvc_store.sql import schema
from memsvc_store.sql.dialect import Statements, dialect_of
from memsvc_store.sql.rows import readable
from memsvc_store.values.clock import from_instant, to_instant
from memsvc_store.values.learned import Move, Utility

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.engine import Row

    from memsvc_store.sql.dialect import Dialect
    from memsvc_store.sql.rows import Namespace

_ns, _fb, _ut, _mv, _mem = (
    schema.namespaces, schema.feedback, schema.utilities, schema.moves, schema.memories,
)  # fmt: skip


NOBODY = ""
"""The source of a reset: nobody's, and no name that a feedback's source can have."""


class Logged(NamedTuple):
    """One row of the feedback log. `window` is in microseconds. A reset has no trace, source, reward or rule."""

    learned: int
    kind: str
    trace_id: str | None
    source: str
    reward: float | None
    credited: tuple[str, ...]
    skipped: tuple[tuple[str, Any], ...]
    alpha: float | None
    cap: float | None
    window: int | None
    at: int

    @property
    def span(self) -> tuple[int, int]:
        """The ends of its window, outside of it both: steps of these times and beyond do not count.

        It is as long to the other side: a process whose clock is a little ahead must not hide its steps from this one,
        and a step that is further ahead was made by a clock that was wrong.
        """
        window = self.window or 0
        return self.at - window, self.at + window

    @property
    def moved(self) -> list[str]:
        """The memories that it moves: the credited ones that were not skipped, each once."""
        skipped = {memory_id for memory_id, _ in self.skipped}
        return [memory_id for memory_id in self.credited if memory_id not in skipped]


class Totals(NamedTuple):
    """Where a source's steps have moved a memory since its last reset: up to now, and up to the last one outside of a
    window.
    """

    now: float = 0.0
    then: float = 0.0


class Utilities(Statements):
    """The feedback log, and the moves and utilities that follow from it."""

    # -- the log --------------------------------------------------------------------------------

    def keyed(self, namespace: Namespace, key: str) -> Logged | None:
        """The feedback that was written under a key."""
        row = self.connection.execute(_KEYED, {"namespace": namespace.key, "key": key}).one_or_none()
        return None if row is None else _to_logged(row)

    def log(self, namespace: Namespace, logged: Logged, key: str | None) -> None:
        """Append a row."""
        row = logged._asdict() | {
            "namespace_key": namespace.key, "write_key": key, "window_micros": logged.window,
            "credited": json.dumps(logged.credited), "skipped": json.dumps(logged.skipped),
        }  # fmt: skip
        del row["window"]
        self.connection.execute(sa.insert(_fb), row)

    def logged(self, namespace: Namespace) -> list[Logged]:
        """The whole log, oldest first."""
        select = sa.select(_fb).where(_fb.c.namespace_key == namespace.key).order_by(_fb.c.learned)
        return [_to_logged(row) for row in self.connection.execute(select)]

    def logged_at(self, namespace: Namespace, learned: int) -> int | None:
        """When the log's row of this number was written: ties a shard to this very history."""
        parameters = {"namespace": namespace.key, "learned": learned}
        return self.connection.execute(_LOGGED_AT, parameters).scalar_one_or_none()

    def rewards(self, namespace: Namespace, traces: Sequence[str]) -> dict[str, tuple[float, ...]]:
        """Trace -> its rewards, in order; traces without any are absent."""
        columns = sa.select(_fb.c.trace_id, _fb.c.reward).where(_fb.c.namespace_key == namespace.key)
        found: dict[str, tuple[float, ...]] = {}
        for row in self.rows_in(columns.order_by(_fb.c.learned), _fb.c.trace_id, traces):
            found[row.trace_id] = (*found.get(row.trace_id, ()), row.reward)
        return found

    def set_learned(self, namespace: Namespace, learned: int, at: int) -> None:
        """Stamp the namespace with the number of what was learned last, and with its time."""
        self.connection.execute(_SET_LEARNED, {"namespace": namespace.key, "to": learned, "at": at})

    # -- moves ----------------------------------------------------------------------------------

    def insert_moves(self, namespace: Namespace, moves: Sequence[Mapping[str, Any]]) -> None:
        """Append steps."""
        if moves:
            self.connection.execute(sa.insert(_mv), [{"namespace_key": namespace.key, **move} for move in moves])

    def moves(self, namespace: Namespace, *, memory_id: str | None = None, learned: int | None = None) -> list[Move]:
        """The steps of one memory, of one row of the log, or all; oldest first."""
        select = _MOVES.where(_mv.c.namespace_key == namespace.key)
        if memory_id is not None:
            select = select.where(_mv.c.memory_id == memory_id)
        if learned is not None:
            select = select.where(_mv.c.learned == learned)
        return [_to_move(row) for row in self.connection.execute(select)]

    def totals(self, namespace: Namespace, logged: Logged) -> dict[str, Totals]:
        """Memory id -> the totals of the row's source, for each memory that the row moves."""
        since, until = logged.span
        parameters = {"namespace": namespace.key, "source": logged.source, "since": since, "until": until}
        rows = self.rows_in(_TOTALS, _mem.c.id, logged.moved, parameters)
        return {row.id: Totals(row.now or 0.0, row.then or 0.0) for row in rows}

    def running_totals(self, namespace: Namespace) -> list[float]:
        """The total of each step, oldest first, for `verify`."""
        select = sa.select(_mv.c.total).where(_mv.c.namespace_key == namespace.key)
        return list(self.connection.execute(select.order_by(_mv.c.learned, _mv.c.ordinal)).scalars())

    # -- utilities ------------------------------------------------------------------------------

    def live(self, namespace: Namespace, ids: Sequence[str]) -> dict[str, bool]:
        """Memory id -> whether it is there and not retired; ids that never were are absent."""
        select = sa.select(_mem.c.id, _mem.c.retired_at).where(_mem.c.namespace_key == namespace.key)
        return {row.id: row.retired_at is None for row in self.rows_in(select, _mem.c.id, ids)}

    def of(self, namespace: Namespace, ids: Sequence[str]) -> dict[str, Utility]:
        """Memory id -> its utility; those that were never visited, or reset since, are absent."""
        select = sa.select(_ut).where(_ut.c.namespace_key == namespace.key, _ut.c.visits > 0)
        return {row.memory_id: _to_utility(row) for row in self.rows_in(select, _ut.c.memory_id, ids)}

    def all(self, namespace: Namespace) -> dict[str, Utility]:
        """Every utility of the namespace, those of deleted memories too."""
        select = sa.select(_ut).where(_ut.c.namespace_key == namespace.key, _ut.c.visits > 0)
        return {row.memory_id: _to_utility(row) for row in self.connection.execute(select)}

    def since(self, namespace: Namespace, learned: int) -> dict[str, float | None]:
        """Memory id -> the Q-value that was written after this number; None where it was reset."""
        rows = self.connection.execute(_SINCE, {"namespace": namespace.key, "learned": learned})
        return {memory_id: q if visits else None for memory_id, q, visits in rows}

    def top(self, namespace: Namespace, limit: int, *, ascending: bool) -> list[tuple[str, Utility]]:
        """(id, utility) of live memories, the most useful first, or the least."""
        same = (_mem.c.namespace_key == _ut.c.namespace_key) & (_mem.c.id == _ut.c.memory_id)
        select = (
            sa.select(_ut)
            .select_from(_ut.join(_mem, same))
            .where(_ut.c.namespace_key == namespace.key, _ut.c.visits > 0, _mem.c.retired_at.is_(None))
            .order_by(_ut.c.q if ascending else _ut.c.q.desc(), _ut.c.visits.desc(), _ut.c.memory_id)
            .limit(limit)
        )
        return [(row.memory_id, _to_utility(row)) for row in self.connection.execute(select)]

    def put(self, namespace: Namespace, learned: int, utilities: Mapping[str, Utility], reset: Iterable[str]) -> None:
        """Write utilities; a memory that was reset keeps a row without visits, so that shards hear of it."""
        rows = [
            {"namespace_key": namespace.key, "memory_id": memory_id, "learned": learned, **_values(utility)}
            for memory_id, utility in [*utilities.items(), *((memory_id, None) for memory_id in reset)]
        ]
        if rows:
            self.connection.execute(_upsert(dialect_of(self.connection)), rows)

    def clear(self, namespace: Namespace) -> list[str]:
        """Delete all utilities and moves; returns the ids that had a utility, or a reset."""
        self.connection.execute(sa.delete(_mv).where(_mv.c.namespace_key == namespace.key))
        delete = sa.delete(_ut).where(_ut.c.namespace_key == namespace.key).returning(_ut.c.memory_id)
        return list(self.connection.execute(delete).scalars())


@cache
def _upsert(dialect: Dialect) -> Any:
    insert = dialect.insert(_ut)
    changed = {name: insert.excluded[name] for name in (*_values(None), "learned")}
    return insert.on_conflict_do_update(index_elements=list(_ut.primary_key), set_=changed)


def _values(utility: Utility | None) -> dict[str, Any]:
    if utility is None:
        return {"q": 0.0, "visits": 0, "reward_average": 0.0, "last_reward": 0.0, "updated_at": 0}
    return {
        "q": utility.q, "visits": utility.visits, "reward_average": utility.reward_average,
        "last_reward": utility.last_reward, "updated_at": to_instant(utility.updated_at).micros,
    }  # fmt: skip


def _to_utility(row: Row[Any]) -> Utility:
    with readable("utility", row.memory_id):
        return Utility(row.q, row.visits, row.reward_average, row.last_reward, from_instant(row.updated_at))


def _to_move(row: Row[Any]) -> Move:
    with readable("move of memory", row.memory_id):
        at = from_instant(row.at)
        return Move(row.memory_id, row.source, at, row.before, row.after, row.reward, row.trace_id)


def _to_logged(row: Row[Any]) -> Logged:
    with readable("feedback", row.learned):
        return Logged(
            learned=row.learned, kind=row.kind, trace_id=row.trace_id, source=row.source, reward=row.reward,
            credited=tuple(json.loads(row.credited)),
            skipped=tuple((memory_id, why) for memory_id, why in json.loads(row.skipped)),
            alpha=row.alpha, cap=row.cap, window=row.window_micros, at=row.at,
        )  # fmt: skip


_namespace: sa.BindParameter[int] = sa.bindparam("namespace")
_learned: sa.BindParameter[int] = sa.bindparam("learned")
_source: sa.BindParameter[str] = sa.bindparam("source")
_since: sa.BindParameter[int] = sa.bindparam("since")
_until: sa.BindParameter[int] = sa.bindparam("until")
# Built once: composing a statement costs more than running it.
_KEYED = sa.select(_fb).where(_fb.c.namespace_key == _namespace, _fb.c.write_key == sa.bindparam("key"))
_MOVES = (
    sa.select(_mv, _fb.c.reward, _fb.c.trace_id)
    .select_from(_mv.outerjoin(_fb, (_fb.c.namespace_key == _mv.c.namespace_key) & (_fb.c.learned == _mv.c.learned)))
    .order_by(_mv.c.learned, _mv.c.ordinal)
)
_SET_LEARNED = (
    sa.update(_ns)
    .where(_ns.c.key == _namespace)
    .values(learned=sa.bindparam("to", type_=sa.BigInteger), learned_at=sa.bindparam("at", type_=sa.BigInteger))
)
_LOGGED_AT = sa.select(_fb.c.at).where(_fb.c.namespace_key == _namespace, _fb.c.learned == _learned)
_SINCE = sa.select(_ut.c.memory_id, _ut.c.q, _ut.c.visits).where(
    _ut.c.namespace_key == _namespace, _ut.c.learned > _learned
)
_resets = _mv.alias("resets")
_reset = (
    sa.select(sa.func.coalesce(sa.func.max(_resets.c.learned), 0))
    .where(_resets.c.namespace_key == _namespace, _resets.c.memory_id == _mem.c.id, _resets.c.source == NOBODY)
    .scalar_subquery()
    .correlate(_mem)
)
_last = (
    sa.select(_mv.c.total)
    .where(_mv.c.namespace_key == _namespace, _mv.c.memory_id == _mem.c.id, _mv.c.source == _source)
    .where(_mv.c.learned > _reset)
    .order_by(_mv.c.learned.desc())
    .limit(1)
)
_TOTALS = sa.select(
    _mem.c.id,
    _last.scalar_subquery().correlate(_mem).label("now"),
    _last.where((_mv.c.at <= _since) | (_mv.c.at >= _until)).scalar_subquery().correlate(_mem).label("then"),
).where(_mem.c.namespace_key == _namespace)
