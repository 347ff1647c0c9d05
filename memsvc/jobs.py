"""The worker: does the jobs that are queued, in this thread or in the background.

Jobs are taken up a few at a time, so that their calls are one batch. The error of one job is written to it, and the
others go on. A model or a database that is away stops the run: what was not done goes back as if it had never been
taken up. A worker that is killed leaves jobs behind that are taken over when their lease ends.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memsvc.background import Background
from memsvc.errors import (
    Cancelled,
    DatabaseError,
    MemsvcError,
    MissingDependency,
    ModelUnavailable,
    SettingsError,
)
from memsvc.extraction import Extractor
from memsvc.settings import HOW_TO_SET
from memsvc_store.job_queue import LEASE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memsvc.extraction import Material
    from memsvc.models.embedding.checked import CheckedEmbedder
    from memsvc.settings import Settings
    from memsvc_retrievers.language import Completion, LanguageModel
    from memsvc_store.job_queue import JobQueue
    from memsvc_store.shapes import Job
    from memsvc_store.store import Store

    OnEvent = Callable[[Job], None]

BATCH = 8
"""Jobs that are taken up at a time: as many calls as served models answer side by side."""

RENEW_SECONDS = LEASE.total_seconds() / 4
"""After how long a claim is renewed while calls are under way."""

AWAY_SECONDS = 60.0
"""How long the background waits for a model that is away."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ExtractionSummary:
    """What came of a run. `done`, `put_back` and `failed` count jobs, an attempt each; `stored` new facts.

    `put_back` are those whose messages changed meanwhile, and those that will be tried again after an error. Of the
    candidates, `added` were new, `updated` and `deleted` replaced an old fact, `unchanged` were known,
    and `dropped` could not be used.
    """

    done: int = 0
    put_back: int = 0
    failed: int = 0
    stored: int = 0
    added: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    dropped: int = 0
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @classmethod
    def of(cls, jobs: Sequence[Job]) -> ExtractionSummary:
        """The sums over jobs as they ended."""
        states = Counter({"done": "done", "queued": "put_back", "failed": "failed"}[job.state] for job in jobs)
        sums: Counter[str] = Counter()
        for job in jobs:
            sums.update({name: int(value) for name, value in job.result.items()})
        return cls(**states, **sums)


class ExtractionWorker:
    """Works out the facts of one store. `model` gives the language model, None where there is none."""

    def __init__(
        self, store: Store, embedder: CheckedEmbedder, model: Callable[[], LanguageModel | None], settings: Settings
    ) -> None:
        self._queue, self._namespaces = store.jobs, store.namespaces
        self._model, self._size = model, settings.extract_messages
        self._extractor = Extractor(store, embedder, settings.max_text_chars)
        self._background = Background("extraction", self._see_to)

    def close(self) -> None:
        """Stop after the calls under way; what was not done is put back."""
        self._background.close()

    def start(self) -> None:
        """See to every namespace in the background: what a process left undone that ended is done now."""
        for namespace in self._namespaces():
            self._background.wake(namespace)

    def wake(self, namespace: str) -> None:
        """Queue what is new in a namespace and see to it in the background; returns at once.

        The messages are stored already. If they cannot be queued now, the next call finds them: what is
        covered by jobs is read from the database.
        """
        try:
            self._queue.enqueue_extraction(namespace, self._size)
        except DatabaseError as error:
            logger.warning("messages of %s are stored and will be queued later: %s", namespace, error)
        self._background.wake(namespace)

    def extract(self, namespaces: Sequence[str], on_event: OnEvent | None = None) -> ExtractionSummary:
        """Queue what is new and do what is queued, now.

        Raises:
            SettingsError, ModelUnavailable, DatabaseError: see `run`.
        """
        self._required_model()
        for namespace in namespaces:
            self._queue.enqueue_extraction(namespace, self._size)
        return self.run(namespaces, on_event=on_event)

    def run(
        self, namespaces: Sequence[str], *, limit: int | None = None, on_event: OnEvent | None = None
    ) -> ExtractionSummary:
        """Do the jobs of these namespaces that are due, until none is left, in this thread.

        Args:
            limit: how many at most.
            on_event: called with each job when it has ended; what it raises ends the run.

        Raises:
            SettingsError: no language model is configured.
            ModelUnavailable: the model is away; what was not done was put back.
            DatabaseError, EmbedderError, MissingDependency: likewise.
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
        return ExtractionSummary.of(ended)

    def _claimed(self, namespace: str, room: int) -> list[Job]:
        return [] if room <= 0 or self._background.stopped else self._queue.claim(namespace, room)

    def _see_to(self, namespace: str) -> float | None:
        self._queue.enqueue_extraction(namespace, self._size)
        try:
            self.run([namespace])
        except ModelUnavailable as error:
            logger.warning("extraction of %s waits %.0f s: %s", namespace, AWAY_SECONDS, error)
            return AWAY_SECONDS
        return self._queue.seconds_to_next(namespace)

    def _batch(self, model: LanguageModel, namespace: str, jobs: Sequence[Job], note: Callable[[Job], None]) -> None:
        """Do jobs together, and note each as it ended. What was not done when this ends is put back."""
        lease = _Lease(self._queue, jobs, lambda: self._background.stopped)
        try:
            self._do(model, namespace, jobs, lease, note)
        except ModelUnavailable as error:
            left = f"{len(lease.held)} extraction jobs were put back, to be done when it answers"
            raise ModelUnavailable(f"{error}; {left}") from error
        finally:
            for job in lease.held.values():
                self._queue.release(job)

    def _do(
        self, model: LanguageModel, namespace: str, jobs: Sequence[Job], lease: _Lease, note: Callable[[Job], None]
    ) -> None:
        materials = self._extractor.gather(namespace, jobs)
        asked = [material for material in materials if material.messages]
        completions = self._extractor.ask(model, asked, lease)
        found = {material.job.key: one for material, one in zip(asked, completions, strict=True)}
        away: ModelUnavailable | None = None
        for material in materials:
            completion = found.get(material.job.key)
            if completion is not None and isinstance(completion.error, ModelUnavailable):
                away = completion.error
                continue
            ended = self._one(model, material, completion, lease)
            del lease.held[material.job.key]
            if ended is not None:
                note(ended)
        if away is not None:
            raise away

    def _one(
        self, model: LanguageModel, material: Material, completion: Completion | None, lease: _Lease
    ) -> Job | None:
        """Do the rest of one job; None if another worker has taken it over."""
        try:
            if completion is None:  # every message of it was deleted
                return self._extractor.finish(material, (), {})
            return self._extractor.apply(model, material, completion, lease)
        except (Cancelled, DatabaseError, MissingDependency, ModelUnavailable):
            raise
        except MemsvcError as error:
            return self._queue.fail(material.job, f"{type(error).__name__}: {error}")

    def _required_model(self) -> LanguageModel:
        model = self._model()
        if model is None:
            raise SettingsError(f"no language model is configured, and extraction needs one; {HOW_TO_SET}")
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
