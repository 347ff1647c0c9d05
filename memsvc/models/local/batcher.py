"""The models of this process, one for each name and device: requests that arrive together join into batches, in a
thread of their model's own."""

from __future__ import annotations

import atexit
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, Queue
from time import monotonic
from typing import TYPE_CHECKING

from memsvc_retrievers.errors import ModelError, ModelUnavailable
from memsvc_store.errors import MemsvcError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memsvc.models.local.engine import Engine
    from memsvc.models.local.shapes import Reply, Request

# A batch waits for the next request this long after the latest one, and no longer than this in all (seconds).
# Twenty requests sent at once through LiteLLM arrive within 50 ms; a reply takes seconds.
GAP = 0.02
LONGEST_WAIT = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A request and the promise of its reply. The promise stays cancellable until the reply is there."""

    request: Request
    future: Future[Reply] = field(default_factory=Future)

    def settle(self, outcome: Reply | MemsvcError) -> None:
        """Keeps the promise, unless it was cancelled or kept already."""
        if self.future.done() or not self.future.set_running_or_notify_cancel():
            return
        if isinstance(outcome, MemsvcError):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


class Batcher:
    """One model and its thread. Safe to call from any thread.

    Args:
        load: loads the model; called in the thread, by the first request, and again after it failed.
        name: what errors call the model.
        gap: seconds that a batch waits for one more request.
    """

    def __init__(self, load: Callable[[], Engine], *, name: str, gap: float = GAP) -> None:
        self._load = load
        self._name = name
        self._gap = gap
        self._queue: Queue[Job | None] = Queue()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._engine: Engine | None = None
        self._thread = threading.Thread(target=self._run, name=f"memsvc-local-{name}", daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> Future[Reply]:
        """The promise of a reply, which may fail with any `MemsvcError`; cancelling it frees its place in the batch."""
        job = Job(request)
        with self._lock:
            if self._closing.is_set():
                job.settle(self._closed())
            else:
                self._queue.put(job)
        return job.future

    def close(self) -> None:
        """Stops at the next token, fails what is not done, and lets the model go."""
        with self._lock:
            if not self._closing.is_set():
                self._closing.set()
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._serve(self._gather())
        self._engine = None
        while not self._queue.empty():
            if (job := self._queue.get()) is not None:
                job.settle(self._closed())

    def _gather(self) -> list[Job]:
        """The next request, and all that follow it closely."""
        jobs = [self._queue.get()]
        latest = monotonic() + LONGEST_WAIT
        while jobs[-1] is not None and monotonic() < latest:
            try:
                jobs.append(self._queue.get(timeout=self._gap))
            except Empty:
                break
        return [job for job in jobs if job is not None]

    def _serve(self, jobs: list[Job]) -> None:
        """Settles every job, whatever happens."""
        try:
            with self._translated():
                self._generate(jobs)
        except MemsvcError as error:
            for job in jobs:
                job.settle(error)
        else:
            for job in jobs:  # those that were left because of `close`
                job.settle(self._closed())

    def _generate(self, jobs: list[Job]) -> None:
        if self._engine is None:
            self._engine = self._load()
        rows, readable = [], []
        for job in jobs:
            try:
                rows.append(self._engine.read(job.request, cancelled=self._gone(job)))
                readable.append(job)
            except MemsvcError as error:
                job.settle(error)
        self._engine.generate(rows, lambda place, outcome: readable[place].settle(outcome))

    def _gone(self, job: Job) -> Callable[[], bool]:
        return lambda: job.future.cancelled() or self._closing.is_set()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """The one border where torch's errors become ours."""
        try:
            yield
        except MemsvcError:
            raise
        except Exception as error:
            raise ModelUnavailable(
                f"The local model {self._name!r} failed ({type(error).__name__}: {error}): try again; if it stays, "
                "try device='cpu', which says more clearly what is wrong."
            ) from error

    def _closed(self) -> ModelError:
        return ModelUnavailable(f"The local model {self._name!r} was unloaded before it answered: ask again.")


_batchers: dict[tuple[str, str | None], Batcher] = {}
_lock = threading.Lock()


def batcher_of(name: str, device: str | None = None) -> Batcher:
    """The model's batcher, the same one until `unload`; its first request loads the model."""
    with _lock:
        key = (name, device)
        if key not in _batchers:
            _batchers[key] = Batcher(partial(_load, name, device), name=name)
        return _batchers[key]


def unload() -> None:
    """Ends what is under way and frees every model; the next request loads anew."""
    with _lock:
        closing = list(_batchers.values())
        _batchers.clear()
    for each in closing:
        each.close()


def _load(name: str, device: str | None) -> Engine:
    from memsvc.models.local.loading import load

    return load(name, device=device)


# A thread that is inside torch while the interpreter goes aborts the process ("terminate called without an active
# exception", five times of five).
atexit.register(unload)
