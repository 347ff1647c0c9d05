"""A filter in two languages that must say the same: as SQL for listings, as a mask of a shard's rows for look-ups."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa

from memsvc_store.sql import schema
from memsvc_store.values import where
from memsvc_store.values.clock import to_instant
from memsvc_store.values.memories import KINDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memsvc_store.projections.shard import Shard
    from memsvc_store.sql.dialect import Dialect
    from memsvc_store.values.hits import Filter


def conditions(wanted: Filter, dialect: Dialect) -> list[sa.ColumnElement[bool]]:
    """What a listing asks of SQL."""
    columns = schema.memories.c
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.since is not None:
        conditions.append(columns.valid_from >= to_instant(wanted.since).micros)
    if wanted.until is not None:
        conditions.append(columns.valid_from <= to_instant(wanted.until).micros)
    if wanted.as_of is not None:
        moment = to_instant(wanted.as_of).micros
        conditions.append((columns.valid_from <= moment) & (sa.func.coalesce(columns.valid_to, moment + 1) > moment))
    if wanted.current_at is not None:
        moment = to_instant(wanted.current_at).micros
        conditions.append(sa.func.coalesce(columns.valid_to, moment + 1) > moment)
    if wanted.given:
        conditions.append((columns.kind == "message") | (columns.fact_by == "caller"))
    for column, values in (
        (columns.session_id, wanted.session_id),
        (columns.speaker, wanted.speaker),
        (columns.role, wanted.role),
        (columns.kind, wanted.kind),
    ):
        if values is not None:
            conditions.append(column.in_(values))
    if wanted.metadata is not None:
        conditions.append(dialect.matching(columns.metadata, wanted.metadata))
    return conditions


def keys(wanted: Filter) -> list[str]:
    """The keys of the metadata that a mask takes, which the shard has to know."""
    return [] if wanted.metadata is None else [one.key for one in where.conditions(where.read(wanted.metadata))]


def mask(shard: Shard, wanted: Filter) -> NDArray[np.bool_] | None:
    """Which rows a look-up may return, shape `(rows,)`; None when that is every row.

    What is asked of metadata takes a shard that knows its keys (`Reading.prepare`).
    """
    lasts = _lasts(shard, wanted)
    if lasts is None and not replace(wanted, current_at=None, include_ended=None):
        return shard.alive.values if shard.dead else None
    allowed: NDArray[np.bool_] = shard.alive.values.copy()
    if wanted.since is not None:
        allowed &= shard.valid_from.values >= to_instant(wanted.since).micros
    if wanted.until is not None:
        allowed &= shard.valid_from.values <= to_instant(wanted.until).micros
    if wanted.as_of is not None:
        moment = to_instant(wanted.as_of).micros
        allowed &= (shard.valid_from.values <= moment) & (moment < shard.valid_to.values)
    if lasts is not None:
        allowed &= lasts
    if wanted.given:
        allowed &= (shard.kind.values == KINDS.index("message")) | shard.of_caller.values
    if wanted.session_id is not None:
        allowed &= np.isin(shard.session.values, shard.sessions.find(wanted.session_id))
    if wanted.speaker is not None:
        allowed &= np.isin(shard.speaker.values, shard.speakers.find(wanted.speaker))
    if wanted.role is not None:
        allowed &= np.isin(shard.role.values, shard.roles.find(wanted.role))
    if wanted.kind is not None:
        allowed &= np.isin(shard.kind.values, [KINDS.index(kind) for kind in wanted.kind])
    if wanted.metadata is not None:
        allowed &= shard.facets.mask(wanted.metadata)
    return allowed


def _lasts(shard: Shard, wanted: Filter) -> NDArray[np.bool_] | None:
    """Which rows had not ended by `current_at`; None when that is every row, as it nearly always is."""
    if wanted.current_at is None:
        return None
    lasts: NDArray[np.bool_] = shard.valid_to.values > to_instant(wanted.current_at).micros
    return None if lasts.all() else lasts


def embedded(shard: Shard, allowed: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """The mask without rows that have no vector yet."""
    if not shard.stale:
        return allowed
    known: NDArray[np.bool_] = shard.embedded.values
    return known if allowed is None else allowed & known
