"""Envelopes: what a verb gives as a bare list or number goes over HTTP in an object, so that a document can grow."""

from dataclasses import dataclass

from memsvc_store.values.learned import Move, Utility
from memsvc_store.values.shapes import Change, Hit, Job, Memory, Receipt


@dataclass(frozen=True, slots=True)
class Receipts:
    """What became of each message, in the order given."""

    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Hits, best first. `trace_id` is what `feedback` wants; null if no trace was asked for."""

    hits: tuple[Hit, ...]
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class Memories:
    """Memories in the order of their event time."""

    memories: tuple[Memory, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """The steps of a memory, oldest first."""

    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Moves:
    """The steps of a memory's utility, oldest first."""

    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Worth:
    """What a memory is worth; null before its first feedback and after a reset."""

    memory_id: str
    utility: Utility | None


@dataclass(frozen=True, slots=True)
class Worths:
    """Memories and what they are worth, in the order asked for."""

    utilities: tuple[Worth, ...]


@dataclass(frozen=True, slots=True)
class Jobs:
    """Jobs in the order they were queued."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """How many: jobs queued anew, feedbacks replayed, memories indexed."""

    count: int


@dataclass(frozen=True, slots=True)
class Threshold:
    """A cosine that was calibrated."""

    threshold: float


@dataclass(frozen=True, slots=True)
class Holds:
    """Whether a receipt is genuine and unchanged."""

    holds: bool


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Names, sorted."""

    namespaces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problems:
    """What is wrong with a database, a sentence each; empty where all is well."""

    problems: tuple[str, ...]
