"""The worker: does the jobs of one kind that are queued, in this thread or in the background.

What a job asks the model, and what becomes of the reply, is its `Task`'s to say. Jobs are taken up a few at a time, so
that their calls are one batch. The error of one job is written to it, and the others go on. A model or a database that
is away stops the run: what was not done goes back as if it had never been taken up. A worker that is killed leaves jobs
behind that are taken over when their lease ends.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from memsvc.errors import (
    Cancelled,
    DatabaseBusy,
    DatabaseError,
    DatabaseUnreadable,
    MemsvcError,
    MissingDependency,
    ModelInaccessible,
    ModelUnavailable,
    QuotaExhausted,
    SettingsError,
    StorageFull,
)
from memsvc.settings import HOW_TO_SET
from memsvc.work.background import Background
from memsvc.work.outcomes import spent
from memsvc_retrievers.ledger import Ledger
from memsvc_retrievers.recorder import Recorder
from memsvc_store.writing.job_queue import LEASE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memsvc.errors import ModelError
    from memsvc_retrievers.language import Completion, LanguageModel, Watch
    from memsvc_store.store import Store
    from memsvc_store.values.jobs import Job, JobKind
    from memsvc_store.writing.job_queue import JobQueue

    OnEvent = Callable[[Job], None]

BATCH = 8
"""Jobs that are taken up at a time: as many calls as served models answer side by side."""

RENEW_SECONDS = LEASE.total_seconds() / 4
"""After how long a claim is renewed while calls are under way."""

AWAY_SECONDS = 60.0
"""How long the background waits for a model that is away."""

logger = logging.getLogger(__name__)

_AWAY = (ModelUnavailable, ModelInaccessible)
"""What is wrong with the model and not with what it was asked: no job is to blame."""

_DATABASE_AWAY = (DatabaseBusy, DatabaseUnreadable, StorageFull)
"""What is wrong with the database and not with what it was to write. A value that it refuses is the job's own fault."""


class HasJob(Protocol):
    """What one job is done from."""

    @property
    def job(self) -> Job:
        """The job."""
        ...


M = TypeVar("M", bound=HasJob)


class Task(Protocol[M]):
    """One kind of job. `name` is what the log calls it."""

    kind: JobKind
    name: str

    def enqueue(self, namespace: str) -> int:
        """Queue what is new in a namespace; how many jobs."""
        ...

    def gather(self, namespace: str, jobs: Sequence[Job]) -> list[M]:
        """What each of the jobs is done from, in order."""
        ...

    def ask(self, model: LanguageModel, materials: Sequence[M], watch: Watch) -> list[Completion | None]:
        """The first call of each, as one batch; None where nothing is left to ask about."""
        ...

    def finish(self, model: LanguageModel, material: M, completion: Completion | None, watch: Watch) -> Job | None:
        """Store what came of a job and end it; the job as it is now, None if another worker has it.

        Raises:
            MemsvcError: it cannot be done; the error is written to the job.
        """
        ...


class Worker(Generic[M]):
    """Does the jobs of one kind. `model` gives the language model, None where there is none."""

    def __init__(self, store: Store, task: Task[M], model: Callable[[], LanguageModel | None]) -> None:
        self._queue, self._namespaces = store.jobs, store.namespaces
        self._task, self._model = task, model
        self._background = Background(task.name, self._see_to)

    def close(self) -> None:
        """Stop after the calls under way; what was not done is put back."""
        self._background.close()

    def start(self) -> None:
        """See to every namespace in the background: what a process left undone that ended is done now."""
        for namespace in self._namespaces():
            self._background.wake(namespace)

    def wake(self, namespace: str) -> None:
        """Queue what is new in a namespace and see to it in the background; returns at once.

        It is stored already. If it cannot be queued now, the next call finds it: what is
        covered by jobs is read from the database.
        """
        try:
            self._task.enqueue(namespace)
        except DatabaseError as error:
            logger.warning("what is new in %s is stored and will be queued later: %s", namespace, error)
        self._background.wake(namespace)

    def catch_up(
        self,
        namespaces: Sequence[str],
        on_event: OnEvent | None = None,
        on_queued: Callable[[int], None] | None = None,
    ) -> list[Job]:
        """Queue what is new and do what is queued, now; `on_queued` is called with how many jobs that is.

        Raises:
            SettingsError, ModelUnavailable, ModelInaccessible, DatabaseError: see `do`.
        """
        self._required_model()
        for namespace in namespaces:
            self._task.enqueue(namespace)
            self._queue.hurry(namespace, self._task.kind)
        if on_queued is not None:
            on_queued(sum(len(self._queue.undone(namespace, self._task.kind)[0]) for namespace in namespaces))
        return self.do(namespaces, on_event=on_event)

    def do(self, namespaces: Sequence[str], *, limit: int | None = None, on_event: OnEvent | None = None) -> list[Job]:
        """Do the jobs of these namespaces that are due, until none is left, in this thread; the jobs as they ended.

        Args:
            limit: how many at most.
            on_event: called with each job when it has ended; what it raises ends the run.

        Raises:
            SettingsError: no language model is configured.
            ModelUnavailable: the model is away; what was not done was put back.
            ModelInaccessible: its server does nothing for this key or under this name; likewise.
            QuotaExhausted: its tokens of the day are taken; likewise.
            DatabaseUnreadable, DatabaseBusy, StorageFull, EmbedderError, MissingDependency: likewise.
        """
        model = self._required_model()
        ended: list[Job] = []

        def note(job: Job) -> None:
            ended.append(job)
            if on_event is not None:
                on_event(job)

        for namespace in namespaces:
            while jobs := self._claimed(namespace, BATCH if limit is None else min(BATCH, limit - len(ended))):
                self._batch(model, namespace, jobs, note)
        return ended

    def _claimed(self, namespace: str, room: int) -> list[Job]:
        return [] if room <= 0 or self._background.stopped else self._queue.claim(namespace, room, self._task.kind)

    def _see_to(self, namespace: str) -> float | None:
        """Do one batch: what else is due comes after the other namespaces that wait."""
        self._task.enqueue(namespace)
        try:
            self.do([namespace], limit=BATCH)
        except (*_AWAY, QuotaExhausted) as error:
            seconds = float(error.retry_after) if isinstance(error, QuotaExhausted) else AWAY_SECONDS
            logger.warning("%s of %s waits %.0f s: %s", self._task.name, namespace, seconds, error)
            return seconds
        return self._queue.seconds_to_next(namespace, self._task.kind)

    def _batch(self, model: LanguageModel, namespace: str, jobs: Sequence[Job], note: Callable[[Job], None]) -> None:
        """Do jobs together, and note each as it ended. What was not done when this ends is put back."""
        lease = _Lease(self._queue, jobs, lambda: self._background.stopped)
        try:
            self._together(model, namespace, jobs, lease, note)
        except _AWAY as error:
            left = f"{len(lease.held)} {self._task.name} jobs were put back, to be done when it answers"
            raise type(error)(f"{error}; {left}") from error
        finally:
            for job in lease.held.values():
                self._queue.release(job)

    def _together(
        self, model: LanguageModel, namespace: str, jobs: Sequence[Job], lease: _Lease, note: Callable[[Job], None]
    ) -> None:
        materials = self._task.gather(namespace, jobs)
        away: ModelError | None = None
        for material, completion in zip(materials, self._task.ask(model, materials, lease), strict=True):
            if completion is not None and isinstance(completion.error, _AWAY):
                away = completion.error
                continue
            ended = self._one(model, material, completion, lease)
            del lease.held[material.job.key]
            if ended is not None:
                note(ended)
        if away is not None:
            raise away

    def _one(self, model: LanguageModel, material: M, completion: Completion | None, lease: _Lease) -> Job | None:
        """Do the rest of one job; None if another worker has taken it over."""
        recorder = Recorder(model)
        try:
            return self._task.finish(recorder, material, completion, lease)
        except (Cancelled, MissingDependency, QuotaExhausted, *_AWAY, *_DATABASE_AWAY):
            raise
        except MemsvcError as error:
            first = () if completion is None else (completion.call,)
            cost = spent(material.job, Ledger((*first, *recorder.ledger.calls)))
            return self._queue.fail(material.job, f"{type(error).__name__}: {error}", result=cost)

    def _required_model(self) -> LanguageModel:
        model = self._model()
        if model is None:
            raise SettingsError(f"no language model is configured, and {self._task.name} needs one; {HOW_TO_SET}")
        return model


class _Lease:
    """Watches the calls of a batch: keeps its claims while they are under way, and stops them when told."""

    def __init__(self, queue: JobQueue, jobs: Sequence[Job], stopped: Callable[[], bool]) -> None:
        self.held = {job.key: job for job in jobs}
        self._queue, self._stopped = queue, stopped
        self._renewed = time.monotonic()

    def finished(self, completion: Completion) -> None:
        """Nothing: what a call found is stored when its turn comes."""

    def cancelled(self) -> bool:
        """Whether to stop; prolongs the claims in time."""
        if time.monotonic() - self._renewed > RENEW_SECONDS:
            self._renewed = time.monotonic()
            for job in self.held.values():
                self._queue.renew(job)
        return self._stopped()
