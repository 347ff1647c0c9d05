"""The values of learning: what was used, what came of it, and what a memory is worth since.

A trace says what a look-up gave; a feedback rewards it; each feedback moves the utilities (Q-values) of the
memories that are credited. The log of feedback is the truth: utilities and moves follow from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from memsvc_store.values.document import Value

TraceKind = Literal["search", "ask", "episodes"]
TRACE_KINDS: tuple[TraceKind, ...] = ("search", "ask", "episodes")
Why = Literal["unknown", "deleted", "retired"]


class Considered(NamedTuple):
    """One candidate of a look-up; `probability` is that of its being chosen."""

    memory_id: str
    similarity: float
    q: float
    probability: float


@dataclass(frozen=True, slots=True)
class Trace(Value):
    """What one look-up considered and gave. `id` is random (32 hex digits): who knows it may reward it.

    `used` are the ids that the caller was given, in order, `cited` those that the answer rests on. `weight` is that of
    utility in the ranking, None where it took no part. `document` holds the rest, as JSON can hold it. `session_id` is
    the session on whose behalf it was, if one was named.
    """

    id: str
    kind: TraceKind
    query: str
    at: datetime
    used: tuple[str, ...]
    cited: tuple[str, ...] = ()
    pool: tuple[Considered, ...] = ()
    weight: float | None = None
    document: Mapping[str, Any] = field(default_factory=dict)
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class TraceSummary(Value):
    """A trace in a list of them. `used`: how many memories were given; `rewards`: those of its feedback, in order."""

    id: str
    kind: TraceKind
    query: str
    at: datetime
    used: int
    rewards: tuple[float, ...]
    session_id: str | None


@dataclass(frozen=True, slots=True)
class Utility(Value):
    """What a memory is worth by the rewards of its uses: its Q-value, in [-1, 1], over `visits` feedbacks."""

    q: float
    visits: int
    reward_average: float
    last_reward: float
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Feedback:
    """A reward for what a trace gave. `source` names who gives it; under one `key` it counts once.

    `credited` are the memories that it moves, by the rule `alpha`; within `window` the balance of `source`'s steps
    stays within `cap` (None: no bound).
    """

    trace_id: str
    reward: float
    credited: tuple[str, ...]
    alpha: float
    cap: float | None
    window: timedelta
    source: str = "default"
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """One credited memory at the moment of a feedback: all that its next utility may depend on.

    `utility` is None before the first visit and after a reset. `balance` is where the source's steps have moved the
    memory within the window, up less down; 0 where there is no cap.
    """

    memory_id: str
    utility: Utility | None
    reward: float
    alpha: float
    cap: float | None
    balance: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Move(Value):
    """One step of a memory's Q-value. A reset has neither reward nor trace."""

    memory_id: str
    source: str
    at: datetime
    before: float
    after: float
    reward: float | None
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class FeedbackReceipt(Value):
    """What a feedback did. `duplicate`: its key was there before, and these are the moves it made then.

    `skipped` names the credited memories that were not moved, and why. `note` says so where the ranking stays as it is,
    since the settings give utility no part in it.
    """

    status: Literal["applied", "duplicate"]
    moves: tuple[Move, ...]
    skipped: tuple[tuple[str, Why], ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A trace and the rewards that it was given, in order, at least one."""

    trace: Trace
    rewards: tuple[float, ...]


Decide = Callable[[Situation], Utility]
