"""extract, reflect, jobs, retry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc import ingest
from memsvc.errors import InvalidInput
from memsvc.verbs.parts import Parts
from memsvc_store.errors import shown
from memsvc_store.shapes import JOB_STATES

if TYPE_CHECKING:
    from collections.abc import Callable

    from memsvc.outcomes import ExtractionSummary
    from memsvc_store.shapes import Job, JobState


class Improving(Parts):
    """The verbs of work that is done later."""

    def extract(
        self,
        *,
        namespace: str | None = None,
        on_event: Callable[[Job], None] | None = None,
        on_queued: Callable[[int], None] | None = None,
    ) -> ExtractionSummary:
        """Work out the facts of messages that were not worked through yet, now; of one namespace or of all.

        Messages are safe whatever happens: a job that fails is tried again later, and at last shows as
        `failed` in `jobs`.

        Args:
            on_event: called with each job when it has ended; what it raises ends the work.
            on_queued: called once, with how many jobs there are to do.

        Raises:
            SettingsError: no language model is configured.
            ModelUnavailable: the model is away; what was not done stays queued.
            ModelInaccessible: its server refuses the key, or knows no such model; likewise.
        """
        return self._extraction.extract(self._namespaces(namespace), on_event, on_queued)

    def reflect(self, *, namespace: str | None = None, on_event: Callable[[Job], None] | None = None) -> list[Job]:
        """Have the model write the experience of episodes that only a rule has summed up, now; the jobs as they ended.

        Raises:
            SettingsError: no language model is configured.
            ModelUnavailable: the model is away; what was not done stays queued.
        """
        return self._reflection.catch_up(self._namespaces(namespace), on_event)

    def jobs(self, *, namespace: str | None = None, state: JobState | None = None) -> list[Job]:
        """The jobs of one namespace or of all, in the order they were queued.

        Raises:
            InvalidInput: a state that is none of queued, running, done, failed.
        """
        if state is not None and state not in JOB_STATES:
            raise InvalidInput(f"state came as {shown(state)}; give one of {', '.join(JOB_STATES)}")
        return self.store.jobs.find(None if namespace is None else ingest.checked_namespace(namespace), state)

    def retry(self, *, namespace: str | None = None) -> int:
        """Queue failed jobs anew, and those that wait after an error, as if they had never been tried; how many."""
        names = self._namespaces(namespace)
        count = sum(self.store.jobs.retry(name) for name in names)
        for name in names:
            self._wake(name)
        return count
