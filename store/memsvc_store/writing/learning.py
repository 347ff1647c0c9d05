"""What a store keeps of its own use: traces, feedback, utilities, calibrations; each step one transaction.

The arithmetic is the caller's: a `Decide` is a pure function from one memory's situation to its next utility. It is
called under the namespace's lock when a feedback comes in, and again in the order of the log when all is rebuilt.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from memsvc_store.errors import NotFound
from memsvc_store.sql.records import Records, there
from memsvc_store.sql.trace_rows import missing
from memsvc_store.values.clock import from_instant, to_instant
from memsvc_store.values.learned import Outcome
from memsvc_store.writing import feedback, transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from memsvc_store.sql.database import Database
    from memsvc_store.sql.rows import Namespace
    from memsvc_store.values.learned import (
        Decide,
        Feedback,
        FeedbackReceipt,
        Move,
        Trace,
        TraceKind,
        TraceSummary,
        Utility,
    )


class Learning:
    """The learning of one database. Safe to share between threads and processes.

    Every method raises `NotFound` where there is no such namespace, unless it says otherwise.
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database, self._now = database, now

    # -- traces ---------------------------------------------------------------------------------

    def add_trace(self, namespace: str, trace: Trace) -> None:
        """Store a trace; returns once it is on disk. It is no write of the namespace: no version is taken.

        Raises:
            NotFound: no such namespace, or something that the trace names was erased meanwhile.
        """
        with Records.within(self._database.write()) as records:
            found = there(records, namespace, kept=True)
            _check_known(records, found, trace)
            records.traces.insert(found, trace)

    def trace(self, trace_id: str, namespace: str | None = None) -> tuple[str, Trace]:
        """A trace, with the namespace that it is of.

        Raises:
            NotFound: no such trace, or if a namespace is given, none in it; the two are not told apart.
        """
        with Records.within(self._database.read()) as records:
            found = records.traces.find(trace_id, namespace)
        if found is None:
            raise missing(trace_id, namespace)
        return found

    def traces(self, namespace: str, kind: TraceKind | None = None, limit: int | None = None) -> list[Trace]:
        """Traces of one kind or of all, the newest first."""
        with self._reading(namespace) as (records, found):
            return records.traces.page(found, kind, limit)

    def summaries(
        self, namespace: str, kind: TraceKind | None = None, *, limit: int, offset: int = 0
    ) -> list[TraceSummary]:
        """A page of the traces with their rewards, the newest first; none where there is no such namespace."""
        with Records.within(self._database.read()) as records:
            found = records.namespace(namespace)
            if found is None:
                return []
            page = records.traces.summaries(found, kind, limit, offset)
            rewards = records.utilities.rewards(found, [one.id for one in page])
            return [replace(one, rewards=rewards.get(one.id, ())) for one in page]

    def told(self, namespace: str, sessions: Sequence[str], since: datetime, latest: int) -> list[Trace]:
        """What sessions were told after a moment: so many look-ups on their behalf, the latest ones, oldest first.

        Nothing where there is no such namespace.
        """
        with Records.within(self._database.read()) as records:
            found = records.namespace(namespace)
            return [] if found is None else records.traces.told(found, sessions, to_instant(since), latest)

    def outcomes(self, namespace: str, kind: TraceKind = "ask") -> list[Outcome]:
        """Traces that were rewarded, with their rewards, the oldest first."""
        with self._reading(namespace) as (records, found):
            traces = records.traces.page(found, kind, None)[::-1]
            rewards = records.utilities.rewards(found, [trace.id for trace in traces])
        return [Outcome(trace, rewards[trace.id]) for trace in traces if trace.id in rewards]

    def uses(self, namespace: str, latest: int) -> dict[str, list[datetime]]:
        """Memory id -> when the latest look-ups gave it to a caller, oldest first; others are absent."""
        found: defaultdict[str, list[datetime]] = defaultdict(list)
        with self._reading(namespace) as (records, here):
            for at, ids in records.traces.used(here, latest):
                for memory_id in dict.fromkeys(ids):
                    found[memory_id].append(from_instant(at))
        return dict(found)

    # -- utilities ------------------------------------------------------------------------------

    def learn(self, namespace: str, given: Feedback, decide: Decide) -> FeedbackReceipt:
        """Move the utilities of the memories that a feedback credits, and log it; once a key. Durable on return.

        Credited memories that are gone or never were are skipped and named. `decide` gets each of the others as it
        stands under the namespace's lock.

        Raises:
            NotFound: no such namespace, or no such trace in it.
            InvalidInput: the key names another feedback.
        """
        with transaction.writing(self._database, namespace, self._now()) as write:
            return feedback.learn(write, given, decide)

    def reset(self, namespace: str, memory_id: str) -> Move:
        """Take a memory's utility back to what it was before its first visit; its history stays.

        Raises:
            NotFound: no such live memory.
        """
        with transaction.writing(self._database, namespace, self._now()) as write:
            return feedback.reset(write, memory_id)

    def replay(self, namespace: str, decide: Decide) -> int:
        """Work all utilities and moves out anew from the log, each by the rule of its time; how many rows it has."""
        with transaction.writing(self._database, namespace, self._now()) as write:
            return feedback.replay(write, decide)

    def utility(self, namespace: str, memory_id: str) -> Utility | None:
        """What a memory is worth, deleted ones too; None before its first visit and after a reset.

        Raises:
            NotFound: this namespace never had such a memory.
        """
        with self._reading(namespace) as (records, found):
            _known(records, found, namespace, memory_id)
            return records.utilities.of(found, [memory_id]).get(memory_id)

    def utilities(self, namespace: str) -> dict[str, Utility]:
        """Memory id -> what it is worth; deleted memories too, those without a visit are absent."""
        with self._reading(namespace) as (records, found):
            return records.utilities.all(found)

    def top_utilities(self, namespace: str, limit: int, *, ascending: bool = False) -> list[tuple[str, Utility]]:
        """(id, utility) of the live memories that are worth most, or least."""
        with self._reading(namespace) as (records, found):
            return records.utilities.top(found, limit, ascending=ascending)

    def moves(self, namespace: str, memory_id: str) -> list[Move]:
        """Every step of a memory's utility, the oldest first; deleted memories too.

        Raises:
            NotFound: this namespace never had such a memory.
        """
        with self._reading(namespace) as (records, found):
            _known(records, found, namespace, memory_id)
            return records.utilities.moves(found, memory_id=memory_id)

    # -- calibrations ---------------------------------------------------------------------------

    def set_calibration(self, namespace: str, name: str, document: Mapping[str, Any]) -> None:
        """Keep what was worked out for a namespace, instead of what was there under the name."""
        with Records.within(self._database.write()) as records:
            found = there(records, namespace)
            records.traces.set_calibration(found, name, document, to_instant(self._now()))

    def calibration(self, namespace: str, name: str) -> Mapping[str, Any] | None:
        """What was worked out under a name; None where nothing was, or there is no such namespace."""
        with Records.within(self._database.read()) as records:
            found = records.namespace(namespace)
            return None if found is None else records.traces.calibration(found, name)

    @contextmanager
    def _reading(self, namespace: str) -> Iterator[tuple[Records, Namespace]]:
        with Records.within(self._database.read()) as records:
            yield records, there(records, namespace)


def _known(records: Records, namespace: Namespace, name: str, memory_id: str) -> None:
    if memory_id not in records.utilities.live(namespace, [memory_id]):
        raise NotFound(f"no memory {memory_id!r} was ever in namespace {name!r}; `list` gives the ids there are")


def _check_known(records: Records, namespace: Namespace, trace: Trace) -> None:
    """Nothing, if all that a new trace names is there: a look-up that began before an erasure may end after it.

    Raises:
        NotFound: it names what was erased.
    """
    named = {*trace.used, *trace.cited, *(one.memory_id for one in trace.pool)}
    if named - records.utilities.live(namespace, sorted(named)).keys():
        raise NotFound("a trace names memories that were erased since; it was not kept")
