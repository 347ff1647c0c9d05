"""Work that is done later, as it waits, runs and ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from memsvc_store.values.document import Value

JobKind = Literal["extract", "reflect"]


JOB_KINDS: tuple[JobKind, ...] = ("extract", "reflect")


JobState = Literal["queued", "running", "done", "failed"]


JOB_STATES: tuple[JobState, ...] = ("queued", "running", "done", "failed")


@dataclass(frozen=True, slots=True)
class Job(Value):
    """Work that is done later: kind `extract` works out the facts of messages, `reflect` the experience of episodes.

    `memories` are the ids of what it works on.

    `queued`: to be done, not before `due_at`; with an `error` if it was tried. `running`: held by the claim
    `worker` until `leased_until`, after which anybody may take it over. `failed`: tried often enough.
    `attempts` counts how often it was taken up; `result` says what came of it.
    """

    key: int
    namespace: str
    kind: JobKind
    memories: tuple[str, ...]
    state: JobState
    attempts: int
    error: str | None
    worker: str | None
    leased_until: datetime | None
    due_at: datetime
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result: Mapping[str, Any]

    @property
    def free_at(self) -> datetime:
        """From when on anybody may take it up."""
        return self.leased_until or self.due_at

    @property
    def messages(self) -> tuple[str, ...]:
        """The messages that an extraction works on; none for other kinds."""
        return self.memories if self.kind == "extract" else ()
