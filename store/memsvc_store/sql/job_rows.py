"""Jobs in and out: one method, one statement, and every statement names its namespace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from memsvc_store.sql import schema
from memsvc_store.sql.dialect import Statements
from memsvc_store.sql.rows import dump_json, readable
from memsvc_store.values.clock import from_instant, from_micros
from memsvc_store.values.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Row

    from memsvc_store.sql.rows import Namespace
    from memsvc_store.values.clock import Instant
    from memsvc_store.values.jobs import JobKind, JobState
    from memsvc_store.values.memories import Kind

_ns, _mem, _src, _job, _ep = schema.namespaces, schema.memories, schema.sources, schema.jobs, schema.episodes


class Jobs(Statements):
    """The jobs."""

    # -- queueing -------------------------------------------------------------------------------

    def uncovered(self, namespace: Namespace, kind: JobKind, limit: int | None = None) -> list[tuple[int, str, str]]:
        """(row, id, session) of the live memories behind the last row that a job of this kind covers, in the order
        stored.

        Messages that a fact rests on are left out: an import brought them with their facts. So are episodes whose
        experience is by more than a rule, and echoes, which say what another memory says.
        """
        rows = self.connection.execute(_UNCOVERED[kind].limit(limit), {"namespace": namespace.key})
        return [(row.key, row.id, row.session_id) for row in rows]

    def insert(
        self,
        namespace: Namespace,
        kind: JobKind,
        groups: Sequence[Sequence[str]],
        at: Instant,
        *,
        through: int,
        due: Sequence[Instant] = (),
    ) -> None:
        """Queue one job a group of ids; `due` says when of each, at once where nothing is said."""
        rows = [
            {"namespace_key": namespace.key, "kind": kind, "payload": _payload(group), "through": through,
             "state": "queued", "attempts": 0, "not_before": when.micros, "created_at": at.micros}
            for group, when in zip(groups, due or [at] * len(groups), strict=True)
        ]  # fmt: skip
        if rows:
            self.connection.execute(sa.insert(_job), rows)

    def filling(self, namespace: Namespace, kind: JobKind, at: Instant) -> list[tuple[int, list[str]]]:
        """(key, ids) of the groups that wait to fill: jobs that are not due yet and were never tried; locked."""
        where = (_job.c.namespace_key == namespace.key) & (_job.c.kind == kind) & _filling(at)
        statement = sa.select(_job.c.key, _job.c.payload).where(where).order_by(_job.c.key).with_for_update()
        return [(row.key, json.loads(row.payload)["memories"]) for row in self.connection.execute(statement)]

    def fill(self, namespace: Namespace, key: int, group: Sequence[str], *, through: int) -> None:
        """Let a group grow."""
        self.set(namespace, [key], payload=_payload(group), through=through)

    # -- working --------------------------------------------------------------------------------

    def due(self, namespace: Namespace, kind: JobKind, at: Instant, limit: int) -> list[int]:
        """Keys of jobs of one kind that may be taken up, the oldest first, locked until the transaction ends.

        Jobs that another transaction has locked are passed over, where rows are locked (PostgreSQL).
        """
        queued = (_job.c.state == "queued") & (_job.c.not_before <= at.micros)
        statement = (
            sa.select(_job.c.key)
            .where(_job.c.namespace_key == namespace.key, _job.c.kind == kind, queued | _abandoned(at))
            .order_by(_job.c.key)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return list(self.connection.execute(statement).scalars())

    def give_up(self, namespace: Namespace, at: Instant, attempts: int, error: str) -> None:
        """Fail the jobs whose worker went away for the last of so many times."""
        where = (_job.c.namespace_key == namespace.key) & _abandoned(at) & (_job.c.attempts >= attempts)
        values = {"state": "failed", "error": error, "worker": None, "leased_until": None, "finished_at": at.micros}
        self.connection.execute(sa.update(_job).where(where).values(values))

    def take(self, namespace: Namespace, keys: Sequence[int], worker: str, at: Instant, until: Instant) -> None:
        """Claim jobs, which counts as an attempt."""
        self.set(
            namespace, keys, state="running", worker=worker, started_at=at.micros, leased_until=until.micros,
            attempts=_job.c.attempts + 1,
        )  # fmt: skip

    def held(self, namespace: Namespace, job: Job) -> bool:
        """Whether a claim still holds its job; the row is locked until the transaction ends."""
        statement = sa.select(_job.c.key).where(_claim(namespace, job)).with_for_update()
        return self.connection.execute(statement).scalar_one_or_none() is not None

    def set(self, namespace: Namespace, keys: Sequence[int], **values: Any) -> None:
        """Change columns of jobs."""
        where = (_job.c.namespace_key == namespace.key) & _job.c.key.in_(list(keys))
        self.connection.execute(sa.update(_job).where(where).values(values))

    def renew(self, namespace: Namespace, job: Job, until: Instant) -> bool:
        """Prolong a claim's lease; False if it no longer holds the job."""
        statement = sa.update(_job).where(_claim(namespace, job)).values(leased_until=until.micros)
        return self.connection.execute(statement).rowcount == 1

    def retry(self, namespace: Namespace, at: Instant) -> int:
        """Make failed jobs, and those that wait for another attempt, due now and as good as new; how many."""
        waiting = (_job.c.state == "queued") & (_job.c.not_before > at.micros) & (_job.c.attempts > 0)
        where = (_job.c.namespace_key == namespace.key) & ((_job.c.state == "failed") | waiting)
        values = {"state": "queued", "attempts": 0, "not_before": at.micros, "finished_at": None}
        return int(self.connection.execute(sa.update(_job).where(where).values(values)).rowcount)

    # -- looking --------------------------------------------------------------------------------

    def find(
        self, namespace: str | None, state: JobState | None = None, keys: Sequence[int] | None = None
    ) -> list[Job]:
        """Jobs in the order they were queued; None means any."""
        statement = sa.select(_job, _ns.c.name).join(_ns, _ns.c.key == _job.c.namespace_key).order_by(_job.c.key)
        if namespace is not None:
            statement = statement.where(_ns.c.name == namespace)
        if state is not None:
            statement = statement.where(_job.c.state == state)
        if keys is not None:
            statement = statement.where(_job.c.key.in_(list(keys)))
        return [_to_job(row) for row in self.connection.execute(statement)]

    def counts(self) -> dict[tuple[JobKind, JobState], int]:
        """How many of each kind are in each state."""
        statement = sa.select(_job.c.kind, _job.c.state, sa.func.count()).group_by(_job.c.kind, _job.c.state)
        return {(kind, state): count for kind, state, count in self.connection.execute(statement)}

    def next_due(self, namespace: Namespace, kind: JobKind) -> datetime | None:
        """When the next job of a kind may be taken up, at the end of its lease if somebody holds it; None where all are
        over.
        """
        due = sa.case((_job.c.state == "running", _job.c.leased_until), else_=_job.c.not_before)
        where = (_job.c.namespace_key == namespace.key) & (_job.c.kind == kind)
        open_ = _job.c.state.in_(("queued", "running"))
        first = self.connection.execute(sa.select(sa.func.min(due)).where(where, open_)).scalar_one()
        return from_micros(first)


def _abandoned(at: Instant) -> sa.ColumnElement[bool]:
    return (_job.c.state == "running") & (_job.c.leased_until <= at.micros)


def _filling(at: Instant) -> sa.ColumnElement[bool]:
    return (_job.c.state == "queued") & (_job.c.attempts == 0) & (_job.c.not_before > at.micros)


def _payload(group: Sequence[str]) -> str:
    return dump_json({"memories": list(group)})


def _claim(namespace: Namespace, job: Job) -> sa.ColumnElement[bool]:
    mine = (_job.c.namespace_key == namespace.key) & (_job.c.key == job.key) & (_job.c.worker == job.worker)
    return mine & (_job.c.state == "running")


def _to_job(row: Row[Any]) -> Job:
    with readable("job", row.key):
        return Job(
            key=row.key,
            namespace=row.name,
            kind=row.kind,
            memories=tuple(json.loads(row.payload)["memories"]),
            state=row.state,
            attempts=row.attempts,
            error=row.error,
            worker=row.worker,
            leased_until=from_micros(row.leased_until),
            due_at=from_instant(row.not_before),
            created_at=from_instant(row.created_at),
            started_at=from_micros(row.started_at),
            finished_at=from_micros(row.finished_at),
            result=json.loads(row.result or "{}"),
        )


_namespace: sa.BindParameter[int] = sa.bindparam("namespace")
_rested_on = sa.exists().where(_src.c.namespace_key == _namespace, _src.c.message_id == _mem.c.id)
_by_rule = sa.exists().where(
    _ep.c.namespace_key == _namespace, _ep.c.memory_id == _mem.c.id, _ep.c.experience_by == "rule"
)


def _uncovered(job: JobKind, kind: Kind, open_: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """What `Jobs.uncovered` asks: the memories of a kind behind the watermark of a kind of job."""
    mine = (_job.c.namespace_key == _namespace) & (_job.c.kind == job)
    watermark = sa.select(sa.func.coalesce(sa.func.max(_job.c.through), 0)).where(mine)
    return (
        sa.select(_mem.c.key, _mem.c.id, _mem.c.session_id)
        .where(_mem.c.namespace_key == _namespace, _mem.c.kind == kind, _mem.c.key > watermark.scalar_subquery())
        .where(_mem.c.retired_at.is_(None), _mem.c.echo_of.is_(None), open_)
        .order_by(_mem.c.key)
    )


_UNCOVERED: dict[JobKind, sa.Select[Any]] = {
    "extract": _uncovered("extract", "message", ~_rested_on),
    "reflect": _uncovered("reflect", "episode", _by_rule),
}
