"""extract, reflect, jobs, retry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc import checks
from memsvc.errors import InvalidInput
from memsvc.verbs.parts import Parts
from memsvc_store.errors import shown
from memsvc_store.values.jobs import JOB_STATES

if TYPE_CHECKING:
    from collections.abc import Callable

    from memsvc.work.outcomes import ExtractionSummary
    from memsvc_store.values.jobs import Job, JobState


class Improving(Parts):
    """The verbs of work that is done later."""

    def extract(
        self,
        *,
        namespace: str | None = None,
        on_event: Callable[[Job], None] | None = None,
        on_queued: Callable[[int], None] | None = None,
    ) -> ExtractionSummary:
        from memsvc.work.outcomes import ExtractionSummary

        names = self._namespaces(namespace)
        ended = self._extraction.catch_up(names, on_event, on_queued)
        left = [job for name in names for job in self.store.jobs.undone(name)[1]]
        return ExtractionSummary.of(ended).with_left(left)

    def reflect(self, *, namespace: str | None = None, on_event: Callable[[Job], None] | None = None) -> list[Job]:
        return self._reflection.catch_up(self._namespaces(namespace), on_event)

    def jobs(self, *, namespace: str | None = None, state: JobState | None = None) -> list[Job]:
        if state is not None and state not in JOB_STATES:
            raise InvalidInput(f"state came as {shown(state)}; give one of {', '.join(JOB_STATES)}")
        return self.store.jobs.find(None if namespace is None else checks.checked_namespace(namespace), state)

    def retry(self, *, namespace: str | None = None) -> int:
        names = self._namespaces(namespace)
        count = sum(self.store.jobs.retry(name) for name in names)
        for name in names:
            self._wake(name)
        return count
