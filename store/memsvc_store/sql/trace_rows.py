"""Traces and calibrations in and out: one method, one statement."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from memsvc_store.errors import NotFound
from memsvc_store.sql import schema
from memsvc_store.sql.dialect import Statements
from memsvc_store.sql.rows import dump_json, readable
from memsvc_store.values.clock import from_instant, to_instant
from memsvc_store.values.learned import Considered, Trace, TraceSummary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Row

    from memsvc_store.sql.rows import Namespace
    from memsvc_store.values.clock import Instant
    from memsvc_store.values.learned import TraceKind

_ns, _tr, _cal = schema.namespaces, schema.traces, schema.calibrations


class Traces(Statements):
    """The traces, and the calibrations that follow from them."""

    def insert(self, namespace: Namespace, trace: Trace) -> None:
        """Store a trace."""
        row = {
            "id": trace.id, "namespace_key": namespace.key, "kind": trace.kind, "query": trace.query,
            "at": to_instant(trace.at).micros, "used": json.dumps(trace.used), "cited": json.dumps(trace.cited),
            "pool": json.dumps(trace.pool), "weight": trace.weight, "document": dump_json(trace.document),
            "session_id": trace.session_id,
        }  # fmt: skip
        self.connection.execute(sa.insert(_tr), row)

    def require(self, namespace: Namespace, name: str, trace_id: str) -> None:
        """Nothing, if the trace is one of this namespace.

        Raises:
            NotFound: it is not.
        """
        if self.connection.execute(_OWN, {"id": trace_id, "namespace": namespace.key}).one_or_none() is None:
            raise missing(trace_id, name)

    def find(self, trace_id: str, name: str | None = None) -> tuple[str, Trace] | None:
        """A trace and the name of its namespace; if one is given, none of another: its row is not even read."""
        select = sa.select(_tr, _ns.c.name).join(_ns, _ns.c.key == _tr.c.namespace_key).where(_tr.c.id == trace_id)
        if name is not None:
            select = select.where(_ns.c.name == name)
        row = self.connection.execute(select).one_or_none()
        return None if row is None else (row.name, _to_trace(row))

    def page(self, namespace: Namespace, kind: TraceKind | None, limit: int | None) -> list[Trace]:
        """Traces, the newest first."""
        select = sa.select(_tr).where(_tr.c.namespace_key == namespace.key)
        if kind is not None:
            select = select.where(_tr.c.kind == kind)
        rows = self.connection.execute(select.order_by(_tr.c.at.desc(), _tr.c.id).limit(limit))
        return [_to_trace(row) for row in rows]

    def summaries(self, namespace: Namespace, kind: TraceKind | None, limit: int, offset: int) -> list[TraceSummary]:
        """A page of the traces, the newest first, without their pools and documents; without rewards as well."""
        columns = (_tr.c.id, _tr.c.kind, _tr.c.query, _tr.c.at, _tr.c.used, _tr.c.session_id)
        select = sa.select(*columns).where(_tr.c.namespace_key == namespace.key)
        if kind is not None:
            select = select.where(_tr.c.kind == kind)
        rows = self.connection.execute(select.order_by(_tr.c.at.desc(), _tr.c.id).limit(limit).offset(offset))
        return [
            TraceSummary(
                row.id, row.kind, row.query, from_instant(row.at), len(_ids(row.id, row.used)), (), row.session_id
            )
            for row in rows
        ]

    def told(self, namespace: Namespace, sessions: Sequence[str], since: Instant, latest: int) -> list[Trace]:
        """So many traces of look-ups on behalf of these sessions after a moment, the latest ones, oldest first."""
        select = sa.select(_tr).where(_tr.c.namespace_key == namespace.key, _tr.c.at > since.micros)
        rows = list(self.rows_in(select, _tr.c.session_id, sessions))
        return [_to_trace(row) for row in sorted(rows, key=lambda row: (row.at, row.id))[-latest:]]

    def used(self, namespace: Namespace, latest: int) -> list[tuple[int, list[str]]]:
        """(when, ids that were given) of so many traces, the latest ones, oldest first."""
        select = sa.select(_tr.c.id, _tr.c.at, _tr.c.used).where(_tr.c.namespace_key == namespace.key)
        rows = self.connection.execute(select.order_by(_tr.c.at.desc(), _tr.c.id.desc()).limit(latest)).all()
        return [(row.at, _ids(row.id, row.used)) for row in reversed(rows)]

    def set_calibration(self, namespace: Namespace, name: str, document: Mapping[str, Any], at: Instant) -> None:
        """Keep a document under a name, instead of the one that was there."""
        insert = self.insert_into(_cal)
        changed = {"document": insert.excluded.document, "at": insert.excluded.at}
        row = {"namespace_key": namespace.key, "name": name, "document": dump_json(document), "at": at.micros}
        self.connection.execute(insert.on_conflict_do_update(index_elements=list(_cal.primary_key), set_=changed), row)

    def calibration(self, namespace: Namespace, name: str) -> Mapping[str, Any] | None:
        """The document under a name."""
        select = sa.select(_cal.c.document).where(_cal.c.namespace_key == namespace.key, _cal.c.name == name)
        text = self.connection.execute(select).scalar_one_or_none()
        if text is None:
            return None
        with readable("calibration", name):
            found: dict[str, Any] = json.loads(text)
            return found


def missing(trace_id: str, namespace: str | None = None) -> NotFound:
    """The error for a trace that is not there."""
    where = "" if namespace is None else f" in namespace {namespace!r}"
    return NotFound(f"no trace {trace_id!r}{where}; give the `trace_id` that `ask`, `search` or `search_episodes` gave")


def _ids(trace: str, text: str) -> list[str]:
    with readable("trace", trace):
        return list(json.loads(text))


def _to_trace(row: Row[Any]) -> Trace:
    with readable("trace", row.id):
        return Trace(
            id=row.id, kind=row.kind, query=row.query, at=from_instant(row.at), used=tuple(json.loads(row.used)),
            cited=tuple(json.loads(row.cited)), pool=tuple(Considered(*one) for one in json.loads(row.pool)),
            weight=row.weight, document=json.loads(row.document), session_id=row.session_id,
        )  # fmt: skip


_OWN = sa.select(_tr.c.id).where(_tr.c.id == sa.bindparam("id"), _tr.c.namespace_key == sa.bindparam("namespace"))
