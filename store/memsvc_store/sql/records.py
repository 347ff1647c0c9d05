"""Rows in and out: one method, one statement, and every statement names its namespace."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, Self

import sqlalchemy as sa

from memsvc_store.errors import DatabaseBusy, DatabaseUnreadable, NotFound
from memsvc_store.sql import schema
from memsvc_store.sql.conditions import covered
from memsvc_store.sql.dialect import Statements, slices
from memsvc_store.sql.episode_rows import EpisodeRows
from memsvc_store.sql.job_rows import Jobs
from memsvc_store.sql.message_rows import MessageRows
from memsvc_store.sql.provenance import ChangeLog, Sources
from memsvc_store.sql.rows import Entry, Namespace, to_entry, to_memory, to_metadata
from memsvc_store.sql.stored_vectors import SAME_TEXT, StoredVectors
from memsvc_store.sql.trace_rows import Traces
from memsvc_store.sql.utility_rows import Utilities
from memsvc_store.values.patterns import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy.engine import Connection

    from memsvc_store.values.clock import Instant
    from memsvc_store.values.memories import Kind, Memory

_ns, _msg, _mem, _vec, _chg = schema.namespaces, schema.messages, schema.memories, schema.vectors, schema.changes
_fb = schema.feedback


class Records(Statements):
    """The namespaces and the memories; and what belongs to them, each in its own rows."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.messages = MessageRows(connection)
        self.sources = Sources(connection)
        self.vectors = StoredVectors(connection)
        self.changes = ChangeLog(connection)
        self.episodes = EpisodeRows(connection)
        self.jobs, self.traces, self.utilities = Jobs(connection), Traces(connection), Utilities(connection)

    @classmethod
    @contextmanager
    def within(cls, transaction: AbstractContextManager[Connection]) -> Iterator[Self]:
        """Those of a transaction that begins and ends with the block: `Records.within(database.read())`."""
        with transaction as connection:
            yield cls(connection)

    # -- namespaces -----------------------------------------------------------------------------

    def namespace(self, name: str, *, kept: bool = False) -> Namespace | None:
        """The namespace's row, or None; `kept` waits for an erasure under way, and keeps others from beginning."""
        row = self.connection.execute(_KEPT if kept else _NAMESPACE, {"name": name}).one_or_none()
        return Namespace(*row) if row else None

    def namespaces(self, patterns: Iterable[str] = (EVERYTHING,)) -> list[str]:
        """The names that the patterns cover, sorted."""
        found = sa.select(_ns.c.name).where(covered(_ns.c.name, patterns)).order_by(_ns.c.name)
        return list(self.connection.execute(found).scalars())

    def create_namespace(self, name: str, at: Instant) -> None:
        """Insert it at version 0 unless it is there."""
        insert = self.insert_into(_ns).on_conflict_do_nothing()
        self.connection.execute(insert, {"name": name, "version": 0, "stamp": 0, "created_at": at.micros})

    def lock_namespace(self, name: str) -> Namespace:
        """The row, with its lock held until the transaction ends.

        Raises:
            DatabaseBusy: the namespace was erased while we waited for its lock.
        """
        statement = sa.update(_ns).where(_ns.c.name == name).values(version=_ns.c.version)
        row = self.connection.execute(statement.returning(*_NAMESPACE_COLUMNS)).one_or_none()
        if row is None:
            raise DatabaseBusy(f"namespace {name!r} was erased while this write waited; nothing was stored. Retry")
        return Namespace(*row)

    def set_version(self, namespace: Namespace, version: int, at: Instant) -> None:
        """Stamp the namespace with the version of the write under way, and with its time."""
        where = _ns.c.key == namespace.key
        self.connection.execute(sa.update(_ns).where(where).values(version=version, stamp=at.micros))

    # -- memories -------------------------------------------------------------------------------

    def insert_memories(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add memories."""
        self.connection.execute(sa.insert(_mem), list(rows))

    def update_memory(self, namespace: Namespace, memory_id: str, values: Mapping[str, Any]) -> None:
        """Change columns of one memory."""
        where = (_mem.c.namespace_key == namespace.key) & (_mem.c.id == memory_id)
        self.connection.execute(sa.update(_mem).where(where).values(dict(values)))

    def memories(self, namespace: Namespace, name: str, ids: Sequence[str]) -> list[Memory]:
        """Memories, retired ones too, in the order asked; unknown ids are left out."""
        rows = self.rows_in(sa.select(_mem).where(_mem.c.namespace_key == namespace.key), _mem.c.id, ids)
        found = {memory.id: memory for memory in self._to_memories(namespace, name, rows)}
        return [found[memory_id] for memory_id in ids if memory_id in found]

    def live(
        self, namespace: Namespace, name: str, ids: Sequence[str], where: Sequence[sa.ColumnElement[bool]]
    ) -> list[Memory]:
        """The live memories among these, cold ones too."""
        select = sa.select(_mem).where(_mem.c.namespace_key == namespace.key, _mem.c.retired_at.is_(None), *where)
        return self._to_memories(namespace, name, self.rows_in(select, _mem.c.id, ids))

    def memories_by_key(self, namespace: Namespace, name: str, keys: Sequence[int]) -> list[Memory]:
        """Memories in the order asked. Keys are this database's own row numbers: half the work of finding ids."""
        rows: list[Any] = []
        for part in slices(keys):
            rows += self.connection.execute(_BY_KEY, {"keys": part})
        rows = [row for row in rows if row.namespace_key == namespace.key]
        memories = self._to_memories(namespace, name, rows)
        found = {row.key: memory for row, memory in zip(rows, memories, strict=True)}
        if missing := [key for key in keys if key not in found]:
            raise DatabaseUnreadable(f"rows {missing[:3]} of {name!r} are gone from `memories`; run `memsvc verify`")
        return [found[key] for key in keys]

    def page(
        self,
        namespace: Namespace,
        name: str,
        where: Sequence[sa.ColumnElement[bool]],
        limit: int | None,
        offset: int,
        *,
        newest: bool = False,
    ) -> list[Memory]:
        """Live memories in event order, or the `newest` first; cold ones too."""
        order = (_mem.c.valid_from, _mem.c.key)
        statement = (
            sa.select(_mem)
            .where(_mem.c.namespace_key == namespace.key, _mem.c.retired_at.is_(None), *where)
            .order_by(*(column.desc() for column in order) if newest else order)
            .limit(limit)
            .offset(offset)
        )
        return self._to_memories(namespace, name, self.connection.execute(statement))

    def metadata(self, namespace: Namespace) -> dict[int, Any]:
        """Row number -> metadata of the live memories, without those that have none."""
        here = (_mem.c.namespace_key == namespace.key) & _mem.c.retired_at.is_(None) & (_mem.c.metadata != "{}")
        found = self.connection.execute(sa.select(_mem.c.key, _mem.c.id, _mem.c.metadata).where(here))
        return {row.key: to_metadata(row.id, row.metadata) for row in found}

    def said_before(
        self, namespace: Namespace, name: str, session_id: str, position: int | None, limit: int, now: int
    ) -> list[Memory]:
        """The last live messages of a session before a position, or of all of it, that have not expired by now, in the
        order they were said.
        """
        before = sa.true() if position is None else _msg.c.position < position
        same = (_mem.c.namespace_key == _msg.c.namespace_key) & (_mem.c.id == _msg.c.id)
        statement = (
            sa.select(_mem)
            .select_from(_msg.join(_mem, same))
            .where(_msg.c.namespace_key == namespace.key, _msg.c.session_id == session_id)
            .where(before, _mem.c.retired_at.is_(None), unexpired(now))
            .order_by(_msg.c.position.desc())
            .limit(limit)
        )
        return self._to_memories(namespace, name, self.connection.execute(statement))[::-1]

    def live_ids(self, namespace: Namespace, kind: Kind, where: Sequence[sa.ColumnElement[bool]] = ()) -> list[str]:
        """Ids of the live memories of one kind, in the order they were first stored."""
        here = (_mem.c.namespace_key == namespace.key) & (_mem.c.kind == kind) & _mem.c.retired_at.is_(None)
        return list(self.connection.execute(sa.select(_mem.c.id).where(here, *where).order_by(_mem.c.key)).scalars())

    def any_expired(self, namespace: Namespace, after: int, by: int) -> bool:
        """Whether anything expires between two moments."""
        between = (_mem.c.expires_at > after) & (_mem.c.expires_at <= by)
        where = (_mem.c.namespace_key == namespace.key) & between
        return bool(self.connection.execute(sa.select(sa.exists().where(where))).scalar_one())

    def names(
        self, namespace: Namespace, of: Literal["speaker", "session_id"], now: int, among: Sequence[str] | None = None
    ) -> list[str]:
        """The speakers or sessions of live memories, all or those among these; a thousand at most, sorted."""
        where = (_mem.c.namespace_key == namespace.key) & _mem.c.retired_at.is_(None) & unexpired(now)
        where &= sa.true() if among is None else _mem.c[of].in_(among)
        select = sa.select(_mem.c[of]).where(where).distinct().order_by(_mem.c[of]).limit(1_000)
        return list(self.connection.execute(select).scalars())

    def live_with(self, namespace: Namespace, ids: Sequence[str], *, cold: bool) -> set[str]:
        """Which of these memories are live and cold, or live and not."""
        where = (_mem.c.namespace_key == namespace.key) & _mem.c.retired_at.is_(None) & (_mem.c.cold == int(cold))
        return {row.id for row in self.rows_in(sa.select(_mem.c.id).where(where), _mem.c.id, ids)}

    def set_cold(self, namespace: Namespace, ids: Sequence[str], *, cold: bool) -> None:
        """Turn memories cold, or warm again."""
        where = (_mem.c.namespace_key == namespace.key) & (_mem.c.id == sa.bindparam("memory"))
        if ids:
            update = sa.update(_mem).where(where).values(cold=int(cold))
            self.connection.execute(update, [{"memory": memory_id} for memory_id in ids])

    def any_aside(self, namespace: Namespace) -> bool:
        """Whether a live memory is left out of look-ups: a cold one, or an echo."""
        aside = (_mem.c.cold == 1) | _mem.c.echo_of.is_not(None)
        where = (_mem.c.namespace_key == namespace.key) & _mem.c.retired_at.is_(None) & aside
        return bool(self.connection.execute(sa.select(sa.exists().where(where))).scalar_one())

    def any_cold(self, namespace: Namespace) -> bool:
        """Whether a live memory is cold."""
        where = (_mem.c.namespace_key == namespace.key) & _mem.c.retired_at.is_(None) & (_mem.c.cold == 1)
        return bool(self.connection.execute(sa.select(sa.exists().where(where))).scalar_one())

    def cold_ids(self, namespace: Namespace) -> set[str]:
        """Ids of all cold memories, retired ones too, for `verify`."""
        where = (_mem.c.namespace_key == namespace.key) & (_mem.c.cold == 1)
        return set(self.connection.execute(sa.select(_mem.c.id).where(where)).scalars())

    def retired(self, namespace: Namespace, ids: Sequence[str], now: int) -> set[str]:
        """Which of these memories were deleted or retired, or have expired by now."""
        where = (_mem.c.namespace_key == namespace.key) & (_mem.c.retired_at.is_not(None) | ~unexpired(now))
        return {row.id for row in self.rows_in(sa.select(_mem.c.id).where(where), _mem.c.id, ids)}

    def memory_ids(self, namespace: Namespace) -> list[str]:
        """Ids of all memories, retired ones too."""
        return list(
            self.connection.execute(sa.select(_mem.c.id).where(_mem.c.namespace_key == namespace.key)).scalars()
        )

    def digests(self, namespace: Namespace) -> list[tuple[str, str, bytes]]:
        """(id, text, digest) of every memory, for `verify`."""
        select = sa.select(_mem.c.id, _mem.c.text, _mem.c.digest).where(_mem.c.namespace_key == namespace.key)
        return [(row.id, row.text, bytes(row.digest)) for row in self.connection.execute(select)]

    def counts(self, namespace: Namespace, now: int) -> dict[str, int]:
        """How many rows the namespace has, by what they are; what has expired is counted as that alone."""
        there = (_mem.c.namespace_key == namespace.key) & _mem.c.retired_at.is_(None)
        live = there & unexpired(now)
        rewards = (_fb.c.namespace_key == namespace.key) & _fb.c.reward.is_not(None)
        select = sa.select(
            _count(_msg, _msg.c.namespace_key == namespace.key).label("messages"),
            _count(_mem, live).label("memories"),
            _count(_mem, (_mem.c.namespace_key == namespace.key) & _mem.c.retired_at.is_not(None)).label("retired"),
            _count(_mem, live & (_mem.c.cold == 0) & _mem.c.echo_of.is_(None)).label("hot"),
            _count(_mem, live & (_mem.c.cold == 1)).label("cold"),
            _count(_mem, live & _mem.c.echo_of.is_not(None)).label("echoes"),
            _count(_mem, live & (_mem.c.kind == "episode")).label("episodes"),
            _count(_mem, there & ~unexpired(now)).label("expired"),
            _count(_vec, _vec.c.namespace_key == namespace.key).label("vectors"),
            _count(_fb, rewards).label("feedback"),
        )
        return {key: int(value) for key, value in self.connection.execute(select).mappings().one().items()}

    def sessions(self, namespace: Namespace) -> int:
        """How many sessions the raw log and the episodes have."""
        said = sa.select(_msg.c.session_id).where(_msg.c.namespace_key == namespace.key)
        tried = sa.select(_mem.c.session_id).where(_mem.c.namespace_key == namespace.key, _mem.c.kind == "episode")
        both = sa.union(said, tried).subquery()
        return int(self.connection.execute(sa.select(sa.func.count()).select_from(both)).scalar_one())

    # -- what the projections hold --------------------------------------------------------------

    def entries(
        self, namespace: Namespace, name: str, model: str, now: int, ids: Sequence[str] | None = None,
        *, cold: bool = False,
    ) -> list[Entry]:  # fmt: skip
        """Live memories with the model's vector, in the order they were first stored; no echoes, cold ones if asked,
        and nothing that has expired by now.
        """
        statement = _ENTRIES.where(_mem.c.namespace_key == namespace.key, unexpired(now))
        if not cold:
            statement = statement.where(_mem.c.cold == 0)
        if ids is None:
            rows: Iterable[Any] = self.connection.execute(statement, {"model": model})
        else:
            rows = sorted(self.rows_in(statement, _mem.c.id, ids, {"model": model}), key=lambda row: int(row.key))
        rows = list(rows)
        memories = self._to_memories(namespace, name, rows)
        return [to_entry(row, memory) for row, memory in zip(rows, memories, strict=True)]

    # -- helpers --------------------------------------------------------------------------------

    def _to_memories(self, namespace: Namespace, name: str, rows: Iterable[Any]) -> list[Memory]:
        """Rows as values; what facts rest on takes one more statement where there are facts, and none where not."""
        rows = list(rows)
        facts = [row.id for row in rows if row.kind == "fact"]
        sources = self.sources.of(namespace, facts) if facts else {}
        return [to_memory(row, name, sources) for row in rows]


def unexpired(now: int) -> sa.ColumnElement[bool]:
    """What has not expired by now (microseconds since 1970)."""
    return _mem.c.expires_at.is_(None) | (_mem.c.expires_at > now)


def there(records: Records, namespace: str, *, kept: bool = False) -> Namespace:
    """The namespace's row; `kept` as in `Records.namespace`.

    Raises:
        NotFound: no such namespace.
    """
    found = records.namespace(namespace, kept=kept)
    if found is None:
        raise NotFound(f"namespace {namespace!r} holds no memories; check the name, or add to it first")
    return found


def _count(table: sa.Table, where: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(table).where(where).scalar_subquery()


_NAMESPACE_COLUMNS = (_ns.c.key, _ns.c.version, _ns.c.stamp, _ns.c.learned, _ns.c.learned_at)
_NAMESPACE = sa.select(*_NAMESPACE_COLUMNS).where(_ns.c.name == sa.bindparam("name"))
_KEPT = _NAMESPACE.with_for_update(read=True, key_share=True)
# Built once: composing a statement costs as much as running it, and this one is in every look-up.
# The namespace is compared above: beside IN, SQLite would take its index and read the whole namespace (2 ms).
_BY_KEY = sa.select(_mem).where(_mem.c.key.in_(sa.bindparam("keys", expanding=True)))
_ENTRIES = (
    sa.select(_mem, _vec.c.data, _vec.c.dimension)
    .select_from(_mem.outerjoin(_vec, SAME_TEXT))
    .where(_mem.c.retired_at.is_(None), _mem.c.echo_of.is_(None))
    .order_by(_mem.c.key)
)
