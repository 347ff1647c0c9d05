"""The job queue: each step one transaction, on the same tables as everything else.

A job is taken up with a token and a lease. Who takes it up and does not come back is overtaken when the lease is over,
and what the first one then brings is refused: `finish` stores the results and ends the job in one transaction, and
only for the claim that holds it. So a job may run twice, and applies once.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from memsvc_store.errors import NotFound
from memsvc_store.sql.records import Records
from memsvc_store.sql.rows import dump_json
from memsvc_store.values import clock
from memsvc_store.writing import episodes, facts, transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from memsvc_store.sql.database import Database
    from memsvc_store.values.drafts import Fact
    from memsvc_store.values.jobs import Job, JobKind, JobState
    from memsvc_store.values.memories import Memory
    from memsvc_store.writing.transaction import Write

ATTEMPTS = 3
"""How often a job is taken up before it is `failed`."""

LEASE = timedelta(minutes=2)
"""How long a claim holds without being renewed."""

BACKOFF = timedelta(seconds=30)
"""The wait after a first failure; after a second one four times as long."""


OPEN: tuple[JobState, ...] = ("running", "queued")
"""States of a job that is not over."""

_LET_GO = {"worker": None, "leased_until": None}


class JobQueue:
    """The jobs of one database. `model` names the vectors in use. Safe to share between threads and processes."""

    def __init__(self, database: Database, model: Callable[[], str], now: Callable[[], datetime]) -> None:
        self._database, self._model, self._now = database, model, now

    def enqueue_extraction(self, namespace: str, size: int, wait: timedelta = timedelta()) -> int:
        """Queue the messages that no job covers yet, by session in groups of `size`; returns how many new jobs.

        A group that is not full is due after `wait`, or once later messages of its session have filled it.
        Where nothing is new it costs two indexed reads and takes no lock.
        """
        return self._enqueue(namespace, "extract", size, wait)

    def enqueue_reflections(self, namespace: str) -> int:
        """Queue the episodes whose experience is by a rule and that no job covers yet, one a job; returns how many.

        Where nothing is new it costs two indexed reads and takes no lock.
        """
        return self._enqueue(namespace, "reflect", 1)

    def hurry(self, namespace: str, kind: JobKind = "extract") -> None:
        """Make groups that wait to fill due now, as they are."""
        with Records.within(self._database.write()) as records:
            jobs, found, now = records.jobs, records.namespace(namespace), clock.to_instant(self._now())
            if found is not None and (keys := [key for key, _ in jobs.filling(found, kind, now)]):
                jobs.set(found, keys, not_before=now.micros)

    def claim(self, namespace: str, limit: int = 1, kind: JobKind = "extract") -> list[Job]:
        """Take up the oldest jobs of a kind that are due, or whose worker went away."""
        at = self._now()
        now, token = clock.to_instant(at), secrets.token_hex(16)
        with Records.within(self._database.write()) as records:
            jobs, found = records.jobs, records.namespace(namespace)
            if found is None:
                return []
            jobs.give_up(found, now, ATTEMPTS, f"its worker went away {ATTEMPTS} times")
            keys = jobs.due(found, kind, now, limit)
            jobs.take(found, keys, token, now, clock.to_instant(at + LEASE))
            return jobs.find(namespace, keys=keys)

    def renew(self, job: Job) -> bool:
        """Hold a job for another lease; False if somebody else has it by now."""
        with Records.within(self._database.write()) as records:
            until = clock.to_instant(self._now() + LEASE)
            found = records.namespace(job.namespace)
            return found is not None and records.jobs.renew(found, job, until)

    def finish(
        self, job: Job, found: Sequence[Fact], *, based_on: Sequence[Memory], result: Mapping[str, Any]
    ) -> Job | None:
        """Store what a job found and end it, in one transaction; returns the job as it is now.

        If a memory that the work was `based_on` has changed meanwhile, nothing is stored and the job
        is queued again. None: somebody else has the job by now, and nothing is stored.
        """
        with transaction.writing(self._database, job.namespace, self._now()) as write:
            jobs = write.records.jobs
            if not jobs.held(write.namespace, job):
                return None
            if _unchanged(write, based_on):
                receipts = facts.add(write, found, self._model())
                stored = sum(receipt.status == "stored" for receipt in receipts)
                jobs.set(write.namespace, [job.key], **_done(write, {**result, "stored": stored}))
            else:
                jobs.set(write.namespace, [job.key], state="queued", attempts=job.attempts - 1, error=None, **_LET_GO)
            return jobs.find(job.namespace, keys=[job.key])[0]

    def finish_reflection(self, job: Job, experiences: Mapping[str, str], *, result: Mapping[str, Any]) -> Job | None:
        """Store the experiences that a job wrote (episode id -> text) and end it, in one transaction; the job as it is.

        An episode that was deleted meanwhile, or whose experience is by more than a rule by now, is left as it is.
        None: somebody else has the job by now, and nothing is stored.
        """
        with transaction.writing(self._database, job.namespace, self._now()) as write:
            jobs = write.records.jobs
            if not jobs.held(write.namespace, job):
                return None
            stored = episodes.reflect(write, experiences)
            jobs.set(write.namespace, [job.key], **_done(write, {**result, "stored": stored}))
            return jobs.find(job.namespace, keys=[job.key])[0]

    def fail(self, job: Job, error: str, *, result: Mapping[str, Any] | None = None) -> Job | None:
        """Note why a job could not be done and what the attempt cost; it is queued for later, or `failed` after the
        last attempt.
        """
        at = self._now()
        error = error.encode(errors="replace").decode().replace("\0", "")  # it may quote what a model wrote
        told = {"error": error, "result": dump_json(result or {})}
        if job.attempts >= ATTEMPTS:
            return self._let_go(job, state="failed", finished_at=clock.to_instant(at).micros, **told)
        later = clock.to_instant(at + BACKOFF * 4 ** (job.attempts - 1)).micros
        return self._let_go(job, state="queued", not_before=later, **told)

    def release(self, job: Job) -> Job | None:
        """Put a job back as if it had not been taken up."""
        return self._let_go(job, state="queued", attempts=job.attempts - 1)

    def retry(self, namespace: str) -> int:
        """Make failed jobs, and those that wait for another attempt, due now; returns how many."""
        with Records.within(self._database.write()) as records:
            found = records.namespace(namespace)
            return records.jobs.retry(found, clock.to_instant(self._now())) if found else 0

    def find(self, namespace: str | None = None, state: JobState | None = None) -> list[Job]:
        """Jobs of one namespace or of all, in one state or in any, in the order they were queued."""
        with Records.within(self._database.read()) as records:
            return records.jobs.find(namespace, state)

    def counts(self) -> dict[tuple[JobKind, JobState], int]:
        """How many jobs of each kind are in each state, over all namespaces; none are left out."""
        with Records.within(self._database.read()) as records:
            return records.jobs.counts()

    def seconds_to_next(self, namespace: str, kind: JobKind = "extract") -> float | None:
        """How long until a job of a kind may be taken up, 0 where one may be now; None where all are over."""
        with Records.within(self._database.read()) as records:
            found = records.namespace(namespace)
            due = records.jobs.next_due(found, kind) if found else None
            return None if due is None else max(0.0, (due - self._now()).total_seconds())

    def undone(self, namespace: str, kind: JobKind = "extract") -> tuple[list[Job], list[Job]]:
        """The jobs of a kind that are not over: those that may be taken up now, and those that wait: for another
        attempt, to fill, or for whoever holds them.
        """
        with Records.within(self._database.read()) as records:
            found = [job for state in OPEN for job in records.jobs.find(namespace, state) if job.kind == kind]
        now = self._now()
        return [job for job in found if job.free_at <= now], [job for job in found if job.free_at > now]

    def _enqueue(self, namespace: str, kind: JobKind, size: int, wait: timedelta = timedelta()) -> int:
        with Records.within(self._database.read()) as records:
            found = records.namespace(namespace)
            if found is None or not records.jobs.uncovered(found, kind, limit=1):
                return 0
        try:
            return self._enqueue_new(namespace, kind, size, wait)
        except NotFound:  # erased in the same moment
            return 0

    def _enqueue_new(self, namespace: str, kind: JobKind, size: int, wait: timedelta) -> int:
        with transaction.writing(self._database, namespace, self._now()) as write:
            jobs = write.records.jobs
            fresh = jobs.uncovered(write.namespace, kind)
            through = max((key for key, _, _ in fresh), default=0)
            groups = _grouped(_filled_up(write, kind, size, fresh, through), size)
            later = clock.to_instant(self._now() + wait)
            due = [write.at if len(group) == size else later for group in groups]
            jobs.insert(write.namespace, kind, groups, write.at, through=through, due=due)
            return len(groups)

    def _let_go(self, job: Job, **values: Any) -> Job | None:
        with Records.within(self._database.write()) as records:
            jobs, namespace = records.jobs, records.namespace(job.namespace)
            if namespace is None or not jobs.held(namespace, job):
                return None
            jobs.set(namespace, [job.key], **values, **_LET_GO)
            return jobs.find(job.namespace, keys=[job.key])[0]


def _done(write: Write, result: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a job that has ended well."""
    return {"state": "done", "error": None, "result": dump_json(result), "finished_at": write.at.micros, **_LET_GO}


def _unchanged(write: Write, based_on: Sequence[Memory]) -> bool:
    """Whether these memories are live and say what they said."""
    now = {
        memory.id: memory for memory in write.records.memories(write.namespace, write.name, [m.id for m in based_on])
    }
    return all(
        (current := now.get(was.id)) is not None
        and current.retired_at is None
        and (current.text, current.valid_from) == (was.text, was.valid_from)
        for was in based_on
    )


def _grouped(memories: Sequence[tuple[str, str]], size: int) -> list[list[str]]:
    """(id, session) in groups of one session, in the order in which the first of each was stored."""
    groups: list[list[str]] = []
    growing: dict[str, list[str]] = {}
    for memory, session in memories:
        if len(growing.get(session, ())) in (0, size):
            growing[session] = []
            groups.append(growing[session])
        growing[session].append(memory)
    return groups


def _filled_up(
    write: Write, kind: JobKind, size: int, fresh: Sequence[tuple[int, str, str]], through: int
) -> list[tuple[str, str]]:
    """Fill the groups that wait with what is new in their sessions; the (id, session) that are left over.

    A group that is full is due. One that has grown covers the memories up to the row `through`, as a new job would.
    """
    jobs, records = write.records.jobs, write.records
    waiting = jobs.filling(write.namespace, kind, write.at)
    first = records.memories(write.namespace, write.name, [group[0] for _, group in waiting])
    session_of = {memory.id: memory.session_id for memory in first}
    new: dict[str, list[str]] = {}
    for _, memory, session in fresh:
        new.setdefault(session, []).append(memory)
    taken: set[str] = set()
    for key, group in waiting:
        room = max(0, size - len(group))
        more = [one for one in new.get(session_of.get(group[0], ""), ()) if one not in taken][:room]
        if more:
            jobs.fill(write.namespace, key, [*group, *more], through=through)
            taken.update(more)
        if more and len(more) == room:
            jobs.set(write.namespace, [key], not_before=write.at.micros)
    return [(memory, session) for _, memory, session in fresh if memory not in taken]
