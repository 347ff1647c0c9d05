"""A namespace with its cold memories: what deliberation reads, which may take its time."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from memsvc_store.projections import filtering
from memsvc_store.sql.records import unexpired

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from memsvc_store.projections.shard import Shard
    from memsvc_store.projections.shards import Reading, Shards
    from memsvc_store.values.hits import Filter
    from memsvc_store.values.memories import Memory


class Whole:
    """The log and the projections of one namespace, cold memories included, for one reader.

    Where none is cold it reads the shared shard. Else the log comes from SQL, and the first look-up builds a shard that
    only this reader has (2.5 s of CPU for 10,000 memories): the shared one neither grows nor is kept waiting.
    """

    def __init__(self, shards: Shards, name: str) -> None:
        self._shards, self._name = shards, name
        self._own: Shard | None = None

    def log(self, wanted: Filter) -> list[Memory]:
        """Every live message that the filter lets through, as it stands now, in reading order, from one snapshot; and
        the facts of the caller, which stand nowhere else.

        Sessions follow each other by their first message, messages by their time: sessions that ran side by side
        are not shuffled into each other.
        """
        wanted = given_alone(wanted)
        with self._shards.reading(self._name) as reading:
            if reading.any_aside:
                return _from_records(reading, wanted)
            reading.prepare(wanted)
            allowed = filtering.mask(reading.shard, wanted)
            rows = np.arange(reading.shard.rows) if allowed is None else np.flatnonzero(allowed)
            return reading.memories(_reading_order(reading.shard, rows).tolist())

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """The projections at the namespace's present version."""
        if self._own is None:
            with self._shards.reading(self._name) as reading:
                if not reading.any_cold:
                    yield reading
                    return
            self._own = self._shards.whole_shard()
        with self._shards.reading(self._name, self._own) as reading:
            yield reading


def given_alone(wanted: Filter) -> Filter:
    """The filter, for what is in nobody's words but those that it was given in."""
    if wanted.kind is None or "fact" in wanted.kind:
        return replace(wanted, kind=wanted.kind and ("message", "fact"), given=True)
    return replace(wanted, kind=("message",))


def _from_records(reading: Reading, wanted: Filter) -> list[Memory]:
    assert reading.namespace is not None  # something of it is left out of the shard
    where = [*filtering.conditions(wanted, reading.records.dialect), unexpired(reading.now)]
    messages = reading.records.page(reading.namespace, reading.name, where, None, 0)
    begins: dict[str, int] = {}
    for place, message in enumerate(messages):
        begins.setdefault(message.session_id, place)
    return sorted(messages, key=lambda message: begins[message.session_id])


def _reading_order(shard: Shard, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    sessions, times = shard.session.values[rows], shard.valid_from.values[rows]
    begins = np.full(len(shard.sessions.names), np.iinfo(np.int64).max)
    np.minimum.at(begins, sessions, times)
    return rows[np.lexsort((shard.keys.values[rows], times, sessions, begins[sessions]))]
