"""Store: the facade over truth and projections, for one database and one embedding model.

A write goes to SQL in one transaction (`writes.py`). A look-up reads a shard brought up to the
version that SQL has at that moment (`shards.py`), so every write is seen by the next read, in this
process and in any other.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from memsvc_store import EXACT_LIMIT, SHARD_BYTES, SNAPSHOT_ROWS
from memsvc_store.erasing.erasure import Erasures
from memsvc_store.errors import DatabaseUnreadable, NotFound
from memsvc_store.projections import verify
from memsvc_store.projections.filtering import conditions
from memsvc_store.projections.shards import Shards, ShardUsage, know
from memsvc_store.projections.snapshot import Snapshots
from memsvc_store.projections.whole import Whole
from memsvc_store.sql import listing, schema
from memsvc_store.sql.database import Database
from memsvc_store.sql.records import Records, there, unexpired
from memsvc_store.sql.rows import text_digest
from memsvc_store.values import clock
from memsvc_store.values.hits import NO_FILTER
from memsvc_store.values.patterns import EVERYTHING
from memsvc_store.writing import episodes, facts, transaction, writes
from memsvc_store.writing.job_queue import JobQueue
from memsvc_store.writing.learning import Learning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from memsvc_store.projections.shards import Reading
    from memsvc_store.sql.listing import Hyperedges
    from memsvc_store.values.drafts import Draft, EpisodeDraft, Fact, Receipt
    from memsvc_store.values.hits import Filter
    from memsvc_store.values.memories import Change, Episode, ExperienceBy, Memory, Message, Node, Session


_SNAPSHOTS = ".shards"
"""What the folder of snapshots is called behind the file's name."""


class Space(Protocol):
    """The vectors of one model: an embedder, as far as the store is concerned."""

    @property
    def model(self) -> str:
        """Names the vector space."""
        ...

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        ...


class Store:
    """What is kept. Safe to share between threads."""

    def __init__(
        self,
        target: str | Path,
        *,
        space: Space,
        create: bool = True,
        exact_limit: int = EXACT_LIMIT,
        shard_bytes: int = SHARD_BYTES,
        snapshot_rows: int = SNAPSHOT_ROWS,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        """Open a database for the vectors of one model.

        `space` is asked for its name and dimension only when a vector is needed, so that listings
        load no model. Snapshots lie beside a SQLite file, in `<file>.shards`.

        Raises:
            DatabaseError: see `Database`.
        """
        self._space, self._now = space, now
        self.database = Database(target, create=create)
        self.jobs = JobQueue(self.database, lambda: self.model, now)
        self.learning = Learning(self.database, now)
        self.erasure = Erasures(self.database, self.database.beside(_SNAPSHOTS), self._refresh, now)
        self._exact_limit, self._shard_bytes, self._min_rows = exact_limit, shard_bytes, snapshot_rows
        self._lock = threading.Lock()
        self._opened: Shards | None = None

    @property
    def model(self) -> str:
        """The vectors in use: the model's name and their dimension, since one name may come with two."""
        return f"{self._space.model}:{self._space.dimension}"

    # -- writing --------------------------------------------------------------------------------

    def add(
        self,
        namespace: str,
        drafts: Sequence[Draft],
        *,
        moved: bool = False,
        accept: Callable[[list[Receipt]], None] = lambda _: None,
    ) -> list[Receipt]:
        """Store messages; returns once they are on disk, with one receipt each.

        Args:
            moved: an export brought them.
            accept: is shown the receipts before the write is committed; where it raises, nothing is stored.
        """
        if not drafts:
            return []
        with transaction.writing(self.database, namespace, self._now(), create=True) as write:
            receipts = writes.add(write, drafts, self.model, moved=moved)
            accept(receipts)
            return receipts

    def add_facts(
        self, namespace: str, found: Sequence[Fact], *, accept: Callable[[list[Receipt]], None] = lambda _: None
    ) -> list[Receipt]:
        """Store facts about messages that are there, and retire those that they replace; one receipt each.

        Args:
            accept: as in `add`.
        """
        if not found:
            return []
        with transaction.writing(self.database, namespace, self._now(), create=True) as write:
            receipts = facts.add(write, found, self.model)
            accept(receipts)
            return receipts

    def add_episodes(self, namespace: str, drafts: Sequence[EpisodeDraft]) -> list[Receipt]:
        """Store task attempts; returns once they are on disk, with one receipt each."""
        if not drafts:
            return []
        with transaction.writing(self.database, namespace, self._now(), create=True) as write:
            return episodes.add(write, drafts, self.model)

    def set_experience(self, namespace: str, memory_id: str, text: str, by: ExperienceBy) -> None:
        """Replace what is to be taken from an episode; what was given stays verbatim.

        Raises:
            NotFound: no such live episode.
        """
        with transaction.writing(self.database, namespace, self._now()) as write:
            episodes.set_experience(write, memory_id, text, by)

    def update(
        self,
        namespace: str,
        memory_id: str,
        *,
        text: str | None = None,
        vector: NDArray[np.float32] | None = None,
        valid_from: datetime | None = None,
        valid_to: datetime | None = None,
        expires_at: datetime | Literal["never"] | None = None,
        metadata: Mapping[str, Any] | None = None,
        intent: Node | None = None,
    ) -> Memory:
        """Correct a memory; None leaves a field, or a key of the metadata that is not there, as it is.

        What it was stays in its history. A key of the metadata that is None is taken away.

        What rests on it, and its echoes, expire with it at the latest. An episode of another text gets the node
        `intent`, by default that text's own.

        Raises:
            NotFound: no such live memory.
            InvalidInput: its event time would end before it begins.
        """
        with transaction.writing(self.database, namespace, self._now()) as write:
            writes.update(
                write, memory_id, self.model,
                text=text, vector=vector, valid_from=valid_from, valid_to=valid_to, expires_at=expires_at,
                metadata=metadata or {}, intent=intent,
            )  # fmt: skip
            return write.live(memory_id)

    def delete(self, namespace: str, memory_id: str) -> None:
        """Retire a memory: no look-up, listing or export shows it again.

        Raises:
            NotFound: no such live memory.
        """
        with transaction.writing(self.database, namespace, self._now()) as write:
            writes.delete(write, memory_id)

    def retain(self, namespace: str, cold: Sequence[str], *, since: int) -> tuple[list[str], list[str]]:
        """Take just these live memories out of the look-ups; (those that turned cold, those that turned warm).

        What was written after version `since`, at which they were chosen, stays as it is. Nothing is deleted.
        """
        with transaction.writing(self.database, namespace, self._now()) as write:
            return writes.retain(write, cold, since)

    def warm(self, namespace: str, ids: Sequence[str]) -> list[str]:
        """Bring cold memories back into the look-ups; those that came back. Where none is cold it takes no lock."""
        with Records.within(self.database.read()) as records:
            found = records.namespace(namespace)
            if found is None or not records.live_with(found, ids, cold=True):
                return []
        with transaction.writing(self.database, namespace, self._now()) as write:
            return writes.turn(write, ids, cold=False)

    def embed(self, namespace: str, vectors: Mapping[str, tuple[str, NDArray[np.float32]]]) -> None:
        """Store vectors that were missing: memory id -> (text, vector)."""
        with transaction.writing(self.database, namespace, self._now()) as write:
            writes.embed(write, self.model, vectors)

    # -- reading --------------------------------------------------------------------------------

    def live(self, namespace: str, ids: Sequence[str]) -> list[Memory]:
        """The live memories among these, cold ones too."""
        with Records.within(self.database.read()) as records:
            found = records.namespace(namespace)
            return records.live(found, namespace, ids, [unexpired(self._micros())]) if found else []

    def reading(self, namespace: str) -> AbstractContextManager[Reading]:
        """The namespace's projections and rows at its present version, for one look-up."""
        return self._shards.reading(namespace)

    def whole(self, namespace: str) -> Whole:
        """The log and the projections with cold memories too, for one deliberation."""
        return Whole(self._shards, namespace)

    def get(self, namespace: str, memory_id: str) -> Memory:
        """One live memory.

        Raises:
            NotFound: no such id in this namespace, or it was deleted.
        """
        with Records.within(self.database.read()) as records:
            found = records.namespace(namespace)
            return transaction.live_memory(records, found, namespace, memory_id, self._micros())

    def get_by_key(self, namespace: str, key: str) -> Memory:
        """The live memory of the message that was stored under a key, or else of the episode.

        Raises:
            NotFound: nothing was, or several messages of a list, or it was deleted, or has expired.
        """
        with Records.within(self.database.read()) as records:
            found = records.namespace(namespace)
            memory_id = listing.keyed(records, found, namespace, key)
            return transaction.live_memory(records, found, namespace, memory_id, self._micros())

    def page(
        self,
        namespace: str,
        wanted: Filter = NO_FILTER,
        *,
        limit: int,
        offset: int = 0,
        cold: bool | None = None,
        newest: bool = False,
        expired: bool = False,
    ) -> list[Memory]:
        """Live memories in event order, or the `newest` first; the cold ones too, or only them, or only the others; or
        those that have expired.
        """
        fresh = unexpired(self._micros())
        where = [*conditions(wanted, self.database.dialect), ~fresh if expired else fresh]
        if cold is not None:
            where.append(schema.memories.c.cold == int(cold))
        with Records.within(self.database.read()) as records:
            found = records.namespace(namespace)
            return records.page(found, namespace, where, limit, offset, newest=newest) if found else []

    def unknown(
        self, namespace: str, of: Literal["speaker", "session_id"], names: Sequence[str]
    ) -> dict[str, list[str]]:
        """Those of the names that no live memory has as its speaker or session, each with the names that there are."""
        if not names:
            return {}
        with Records.within(self.database.read()) as records:
            found, now = records.namespace(namespace), self._micros()
            there = records.names(found, of, now, names) if found else []
            missing = [name for name in names if name not in there]
            known = records.names(found, of, now) if found and missing else []
        return dict.fromkeys(missing, known)

    def ids(self, namespace: str, prefix: str, *, traces: bool = False, limit: int) -> list[str]:
        """The ids of memories, deleted ones too, or of traces that begin with these hexadecimal digits, sorted."""
        with Records.within(self.database.read()) as records:
            found = records.namespace(namespace)
            table = schema.traces if traces else schema.memories
            return listing.ids(records, found, table, prefix, limit) if found else []

    def sessions(self, namespace: str, *, limit: int, offset: int = 0) -> list[Session]:
        """The sessions of the live messages, the one with the latest of them first."""
        with Records.within(self.database.read()) as records:
            found = records.namespace(namespace)
            return listing.sessions(records, found, limit, offset, self._micros()) if found else []

    def session(self, namespace: str, session_id: str, *, last: int) -> list[Memory]:
        """The last live messages of a session, in the order of their positions."""
        with Records.within(self.database.read()) as records:
            found = records.namespace(namespace)
            return records.said_before(found, namespace, session_id, None, last, self._micros()) if found else []

    def episodes(self, namespace: str, ids: Sequence[str]) -> list[Episode]:
        """The live episodes among these ids, in the order asked."""
        with Records.within(self.database.read()) as records:
            found = records.namespace(namespace)
            memories = records.memories(found, namespace, ids) if found else []
            live = [memory for memory in memories if memory.retired_at is None]
            return records.episodes.of(found, live) if found else []

    def history(self, namespace: str, memory_id: str) -> list[Change]:
        """Every step of a memory, deleted ones too.

        Raises:
            NotFound: this namespace never had such an id.
        """
        with Records.within(self.database.read()) as records:
            found = records.namespace(namespace)
            steps = records.changes.history(found, memory_id) if found else []
        if not steps:
            raise NotFound(
                f"no memory {memory_id!r} was ever in namespace {namespace!r}; `list` gives the ids there are"
            )
        return steps

    def export(
        self, namespace: str, wanted: Filter = NO_FILTER
    ) -> Iterator[tuple[Message | Episode | None, Memory, str | None]]:
        """Every live memory that a filter lets through: messages, then facts, then episodes; one snapshot.

        Each kind comes in the order stored. A fact goes with all the messages that it rests on, or not at all.

        A message's memory comes with its raw message and its write key, an episode's with the episode and its write
        key, a fact with None for both.

        Raises:
            NotFound: no such namespace; at the first step.
        """
        with Records.within(self.database.read()) as records:
            where = [*conditions(wanted, self.database.dialect), unexpired(self._micros())]
            yield from listing.everything(records, namespace, where)

    def hyperedges(self, namespace: str, limit: int) -> Hyperedges:
        """Which nodes the latest live memories join, cold ones too, `limit` of them at most; no model is asked.

        Raises:
            NotFound: no such namespace.
        """
        with Records.within(self.database.read()) as records:
            return listing.hyperedges(records, namespace, limit, self._micros())

    def version(self, namespace: str) -> int:
        """How many writes the namespace has seen.

        Raises:
            NotFound: no such namespace.
        """
        with Records.within(self.database.read()) as records:
            return there(records, namespace).version

    def namespaces(self, patterns: Iterable[str] = (EVERYTHING,)) -> list[str]:
        """The names of the namespaces that these patterns cover, sorted."""
        with Records.within(self.database.read()) as records:
            return records.namespaces(patterns)

    def counts(self, namespace: str) -> dict[str, int]:
        """Rows of a namespace by what they are: sessions, messages, memories (the live ones: hot or cold, and of them
        episodes), expired, retired, vectors, feedback, stale (without a vector of the model); and its version.
        """
        with Records.within(self.database.read()) as records:
            found = there(records, namespace)
            counts = {"sessions": records.sessions(found), **records.counts(found, self._micros())}
            stale = records.vectors.count_stale(found, self.model)
            return {**counts, "stale": stale, "version": found.version}

    # -- vectors --------------------------------------------------------------------------------

    def without_vector(self, namespace: str, texts: Sequence[str]) -> list[str]:
        """Those of the texts, each once, that this namespace has no vector of the model for."""
        digests = {text_digest(text): text for text in texts}
        with Records.within(self.database.read()) as records:
            found = records.namespace(namespace)
            known = records.vectors.known(found, self.model, list(digests)) if found else set()
        return [text for digest, text in digests.items() if digest not in known]

    def stale(self, namespace: str, limit: int) -> list[tuple[str, str]]:
        """(id, text) of live memories that the model has not embedded yet."""
        with Records.within(self.database.read()) as records:
            found = records.namespace(namespace)
            return records.vectors.stale(found, self.model, limit) if found else []

    # -- care -----------------------------------------------------------------------------------

    def verify(self, namespace: str) -> list[str]:
        """What is wrong with a namespace: rows against their hashes, projections against the rows."""
        with Records.within(self.database.read()) as records:
            found = records.namespace(namespace)
            problems = [] if found is None else verify.row_problems(records, found, namespace)
        try:
            with self._shards.reading(namespace) as reading:
                if reading.namespace is not None:
                    fresh = self._shards.build(namespace, reading.records, reading.namespace, reading.now)
                    know(fresh, reading.records, reading.namespace, reading.shard.facets.keys)
                    problems += verify.shard_problems(reading.shard, fresh)
        except DatabaseUnreadable as error:  # rows too damaged to build projections from
            problems.append(str(error))
        return [f"{namespace}: {problem}" for problem in problems]

    def reindex(self, namespace: str) -> int:
        """Build the projections from SQL anew; returns how many memories they hold."""
        self._shards.forget(namespace)
        with self._shards.reading(namespace) as reading:
            return len(reading.shard)

    def shard_usage(self) -> ShardUsage:
        """The shards in memory; waits for nothing, not even for a model that is being loaded."""
        opened = self._opened
        return ShardUsage() if opened is None else opened.usage()

    def close(self) -> None:
        """Keep snapshots of large shards and let go of the database. A second time does nothing."""
        with self._lock:
            opened, self._opened = self._opened, None
        try:
            if opened is not None and not self.database.closed:
                opened.close()
        finally:
            self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _shards(self) -> Shards:
        with self._lock:
            if self._opened is None:
                model, dimension = self.model, self._space.dimension
                folder, snapshots = self.database.beside(_SNAPSHOTS), None
                if folder is not None:
                    snapshots = Snapshots(
                        folder, identity=self.database.identity, model=model, dimension=dimension,
                        min_rows=self._min_rows,
                    )  # fmt: skip
                self._opened = Shards(
                    self.database, snapshots, model=model, dimension=dimension, exact_limit=self._exact_limit,
                    budget_bytes=self._shard_bytes, now=self._now,
                )  # fmt: skip
            return self._opened

    def _micros(self) -> int:
        return clock.to_instant(self._now()).micros

    def _refresh(self, namespace: str) -> None:
        """Bring a shard up to date, where one was loaded."""
        with self._lock:
            opened = self._opened
        if opened is not None:
            opened.refresh(namespace)
