"""Shards on demand: loaded, kept in step with SQL, evicted under a memory budget, and snapshotted.

A look-up holds its shard's lock and one SQL snapshot from beginning to end, so that what the
projections say and what the rows say is of the same version.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from memsvc_store.errors import DatabaseError
from memsvc_store.projections import filtering
from memsvc_store.projections.shard import Shard
from memsvc_store.sql.provenance import ERASED
from memsvc_store.sql.records import Records, unexpired
from memsvc_store.values import clock
from memsvc_store.values.hits import NO_FILTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy.engine import Connection

    from memsvc_store.projections.snapshot import Snapshots
    from memsvc_store.sql.database import Database
    from memsvc_store.sql.rows import Namespace
    from memsvc_store.values.hits import Filter
    from memsvc_store.values.memories import Memory

logger = logging.getLogger(__name__)


class ShardUsage(NamedTuple):
    """The shards that are held, their bytes, and how often one was found held, had to be made, and was evicted."""

    shards: int = 0
    bytes: int = 0
    hits: int = 0
    loads: int = 0
    evictions: int = 0


class Reading:
    """One namespace at one version and moment (`now`, in microseconds): its projections, and its rows."""

    def __init__(self, shards: Shards, shard: Shard, connection: Connection, name: str) -> None:
        self.shard, self.name = shard, name
        self.records = Records(connection)
        self._shards, self._connection = shards, connection
        self._begin()

    @property
    def any_aside(self) -> bool:
        """Whether a live memory has no place in the shared projections: it is cold, or an echo."""
        return self.namespace is not None and self.records.any_aside(self.namespace)

    @property
    def any_cold(self) -> bool:
        """Whether a live memory is kept out of the shared projections."""
        return self.namespace is not None and self.records.any_cold(self.namespace)

    def memories(self, rows: Sequence[int]) -> list[Memory]:
        """The memories of these rows, in the order asked; from SQL where the shard does not hold them."""
        held = self.shard.memories
        fetched: dict[int, Memory] = {}
        missing = [row for row in rows if row not in held]
        if missing and self.namespace is not None:
            keys = self.shard.keys.values[missing].tolist()
            memories = self.records.memories_by_key(self.namespace, self.name, keys)
            fetched = dict(zip(missing, memories, strict=True))
            self.shard.hold(missing, memories)
        return [fetched[row] if row in fetched else held[row] for row in rows]

    def prepare(self, wanted: Filter) -> None:
        """Have the shard know the keys of the metadata that a filter asks for; again after a pause."""
        know(self.shard, self.records, self.namespace, filtering.keys(wanted))

    def live(self, ids: Sequence[str], wanted: Filter = NO_FILTER) -> tuple[list[Memory], list[Memory]]:
        """(hot, cold) live memories of these ids that the filter lets through; the cold ones from SQL."""
        self.prepare(wanted)
        allowed, rows = filtering.mask(self.shard, wanted), self.shard.rows_of(ids)
        hot = self.memories([row for row in rows if allowed is None or allowed[row]])
        known = {self.shard.ids[row] for row in rows}
        absent = [one for one in ids if one not in known]
        if not absent or self.namespace is None:
            return hot, []
        where = [*filtering.conditions(wanted, self.records.dialect), unexpired(self.now)]
        return hot, self.records.live(self.namespace, self.name, absent, where)

    def nearest(self, vector: NDArray[np.float32], limit: int, wanted: Filter) -> list[tuple[Memory, float]]:
        """The memories whose texts are most like a unit vector, with their cosines, best first."""
        self.prepare(wanted)
        allowed = filtering.embedded(self.shard, filtering.mask(self.shard, wanted))
        look = self.shard.vectors.search(vector, limit, allowed)
        return list(zip(self.memories(look.rows.tolist()), look.scores.tolist(), strict=True))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let others use the shard while something slow is done. Afterwards the namespace may have moved on.

        No transaction is left open meanwhile, for which a rewriting of the files would wait. On PostgreSQL everybody
        stood still for 30 s: VACUUM FULL waited for us, whoever took the shard for VACUUM, and we for the shard.
        """
        self._connection.rollback()
        self.shard.lock.release()
        try:
            yield
        finally:
            self.shard.lock.acquire()
        self._begin()

    def _begin(self) -> None:
        self.now = clock.to_instant(self._shards.now()).micros
        self.namespace = self.records.namespace(self.name)
        if self.namespace is not None:
            self._shards.bring_up_to_date(self.name, self.shard, self.records, self.namespace, self.now)
        elif self.shard.version:  # a backup from before this namespace was restored
            self.shard.clear()


class Shards:
    """The shards of one database and one model, least recently used first."""

    def __init__(
        self,
        database: Database,
        snapshots: Snapshots | None,
        *,
        model: str,
        dimension: int,
        exact_limit: int,
        budget_bytes: int,
        now: Callable[[], datetime],
    ) -> None:
        """`now` is the clock by which memories expire."""
        self.now = now
        self._database, self._snapshots = database, snapshots
        self._model, self._dimension = model, dimension
        self._exact_limit, self._budget = exact_limit, budget_bytes
        self._shards: OrderedDict[str, Shard] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._total = 0
        self._hits = self._loads = self._evictions = 0
        self._lock = threading.Lock()

    @contextmanager
    def reading(self, name: str, own: Shard | None = None) -> Iterator[Reading]:
        """The namespace as it is now, for one look-up, in the shared shard or the caller's own.

        An unknown namespace is empty.
        """
        shard = self._checkout(name) if own is None else own
        # The connection first: who holds the lock and waits for a connection waits for those who wait for the lock.
        with self._database.read() as connection, shard.lock:
            reading = Reading(self, shard, connection, name)
            yield reading
        if own is not None:
            return
        if reading.namespace is None:
            self._let_go(name)
        else:
            self._weigh(name, shard.nbytes)

    def whole_shard(self) -> Shard:
        """An empty shard for `reading`, which will hold cold memories too; always exact, since it is not kept."""
        return Shard(self._dimension, exact_limit=sys.maxsize, whole=True)

    def build(self, name: str, records: Records, namespace: Namespace, now: int) -> Shard:
        """A shard from SQL alone, with what has not expired by now."""
        shard = Shard(self._dimension, exact_limit=self._exact_limit)
        self._fill(name, shard, records, namespace, now)
        _learn(shard, records, namespace)
        return shard

    def forget(self, name: str) -> None:
        """Drop the shard and its snapshot; the next look-up builds it anew."""
        with self._lock:
            self._drop(name)
        if self._snapshots is not None:
            self._snapshots.remove(name)

    def usage(self) -> ShardUsage:
        """What is held now, and what it took since the opening."""
        with self._lock:
            return ShardUsage(len(self._shards), self._total, self._hits, self._loads, self._evictions)

    def refresh(self, name: str) -> None:
        """Bring a shard up to date now, where it is loaded."""
        with self._lock:
            loaded = name in self._shards
        if loaded:
            with self.reading(name):
                pass

    def close(self) -> None:
        """Keep snapshots of the large ones, and let go of all."""
        while self._shards:
            with self._lock:
                name = next(iter(self._shards))
                shard = self._drop(name)
            self._keep(name, shard)

    def _checkout(self, name: str) -> Shard:
        with self._lock:
            shard = self._shards.get(name)
            if shard is None:
                shard = self._shards[name] = Shard(self._dimension, exact_limit=self._exact_limit)
                self._loads += 1
            else:
                self._hits += 1
            self._shards.move_to_end(name)
            return shard

    def bring_up_to_date(self, name: str, shard: Shard, records: Records, namespace: Namespace, now: int) -> None:
        """Replay what the shard has missed, writes, feedback and time, or build it."""
        try:
            _go_back(shard, records, namespace, now)
            if not shard.at(namespace):
                self._catch_up(name, shard, records, namespace, now)
            if not shard.knows(namespace):
                _learn(shard, records, namespace)
            shard.expire(now)
        except BaseException:
            shard.clear()  # half-applied; the next look-up builds it anew
            raise

    def _catch_up(self, name: str, shard: Shard, records: Records, namespace: Namespace, now: int) -> None:
        if shard.version and records.changes.stamp(namespace, shard.version) != shard.stamp:
            shard.clear()  # a backup was restored under us: the shard's history is not this database's
        if shard.version == 0 and self._snapshots is not None and not shard.whole:
            self._snapshots.load(name, shard, records, namespace)
            _go_back(shard, records, namespace, now)
        self._fill(name, shard, records, namespace, now)
        if shard.crowded:
            shard.clear()
            self._fill(name, shard, records, namespace, now)

    def _fill(self, name: str, shard: Shard, records: Records, namespace: Namespace, now: int) -> None:
        """Build an empty shard whole, or replay what a filled one has missed."""
        if shard.version == 0:
            shard.apply((), records.entries(namespace, name, self._model, now, cold=shard.whole))
        elif shard.version < namespace.version:
            touched = records.changes.changed_since(namespace, shard.version)
            if ERASED in touched:  # the log no longer says of what
                touched += shard.lose(records.memory_ids(namespace))
            shard.apply(touched, records.entries(namespace, name, self._model, now, touched, cold=shard.whole))
        shard.version, shard.stamp = namespace.version, namespace.stamp

    def _let_go(self, name: str) -> None:
        """Keep no shard of a namespace that is not there: asking for names must not fill the memory."""
        with self._lock:
            if name in self._shards and not self._shards[name].version:
                self._drop(name)

    def _weigh(self, name: str, size: int) -> None:
        """Note a shard's size, and evict others, oldest first, until all fit the budget."""
        if self._sizes.get(name) == size:
            return
        evicted = []
        with self._lock:
            if name not in self._shards:
                return
            self._total += size - self._sizes.get(name, 0)
            self._sizes[name] = size
            while self._total > self._budget and (oldest := next(iter(self._shards))) != name:
                evicted.append((oldest, self._drop(oldest)))
                self._evictions += 1
        for oldest, shard in evicted:
            self._keep(oldest, shard)

    def _drop(self, name: str) -> Shard | None:
        self._total -= self._sizes.pop(name, 0)
        return self._shards.pop(name, None)

    def _keep(self, name: str, shard: Shard | None) -> None:
        """Write a snapshot; that it cannot be written is no reason to fail an eviction or a close."""
        if self._snapshots is None or shard is None:
            return
        try:
            self._snapshots.save(name, shard, self._database)
        except DatabaseError as error:
            logger.warning("no snapshot of %s was kept: %s", name, error)


def know(shard: Shard, records: Records, namespace: Namespace | None, keys: Sequence[str]) -> None:
    """Have a shard know keys of the metadata: at most one statement, where it does not know one of them yet."""
    if missing := shard.facets.missing(keys):
        shard.know(missing, lambda: {} if namespace is None else records.metadata(namespace))


def _go_back(shard: Shard, records: Records, namespace: Namespace, now: int) -> None:
    """Empty a shard that has let go of what has not expired yet: the clock was set back."""
    if now < shard.seen and records.any_expired(namespace, now, shard.seen):
        shard.clear()


def _learn(shard: Shard, records: Records, namespace: Namespace) -> None:
    """Take in the utilities that were moved since; all of them where the log does not know what the shard stands at:
    after a rebuild, or where a backup was restored under us.
    """
    if shard.learned and records.utilities.logged_at(namespace, shard.learned) != shard.learned_at:
        shard.unlearn()
    shard.learn(records.utilities.since(namespace, shard.learned))
    shard.learned, shard.learned_at = namespace.learned, namespace.learned_at
