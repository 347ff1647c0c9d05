"""Envelopes: what a verb gives as a bare list or number goes over HTTP in an object, so that a document can grow."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Self

from memsvc.contract import receipts as lists
from memsvc.lookup import notes as lists_of
from memsvc.lookup.traces import Hits
from memsvc_store.values.document import Value
from memsvc_store.values.drafts import Receipt
from memsvc_store.values.hits import Hit
from memsvc_store.values.jobs import Job
from memsvc_store.values.learned import Move, TraceSummary, Utility
from memsvc_store.values.memories import Change, Memory, Session


class Envelope(Value):
    """An object around what a verb gives: `of` puts it in, `value` takes it out. It has one field."""

    __slots__ = ()

    @classmethod
    def of(cls, value: Any) -> Self:
        """The value in its envelope."""
        return cls(value)  # type: ignore[call-arg]  # the field of the dataclass that this becomes

    def value(self) -> Any:
        """The value, as the verb gave it."""
        [field] = fields(self)  # type: ignore[arg-type]
        return getattr(self, field.name)


class Listed(Envelope):
    """An envelope around a list."""

    __slots__ = ()

    @classmethod
    def of(cls, value: Iterable[Any]) -> Self:
        """The list in its envelope."""
        return super().of(tuple(value))

    def value(self) -> list[Any]:
        """The list, as the verb gave it."""
        return list(super().value())


@dataclass(frozen=True, slots=True)
class Receipts(Listed):
    """What became of each message, in the order given."""

    receipts: tuple[Receipt, ...]

    def value(self) -> lists.Receipts:
        """The list, as the verb gave it."""
        return lists.Receipts(self.receipts)


@dataclass(frozen=True, slots=True)
class Found(Envelope):
    """Hits, best first. `trace_id` is what `feedback` wants; null if no trace was asked for. `notes` say of filters
    that they name a speaker or session that there is none of.
    """

    hits: tuple[Hit, ...]
    trace_id: str | None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, value: Hits) -> Self:
        """Hits as they are sent."""
        return cls(tuple(value), value.trace_id, value.notes)

    def value(self) -> Hits:
        """Hits as `search` gives them."""
        return Hits(self.hits, self.trace_id, self.notes)


@dataclass(frozen=True, slots=True)
class Memories(Listed):
    """Memories in the order asked for. `notes` say of filters that they name a speaker or session that there is none
    of.
    """

    memories: tuple[Memory, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, value: lists_of.Memories) -> Self:  # type: ignore[override]  # no other list has notes
        """Memories as they are sent."""
        return cls(tuple(value), value.notes)

    def value(self) -> lists_of.Memories:
        """Memories as `list` gives them."""
        return lists_of.Memories(self.memories, self.notes)


@dataclass(frozen=True, slots=True)
class Sessions(Listed):
    """Sessions, the one with the latest message first."""

    sessions: tuple[Session, ...]


@dataclass(frozen=True, slots=True)
class Traces(Listed):
    """Look-ups that were kept, newest first."""

    traces: tuple[TraceSummary, ...]


@dataclass(frozen=True, slots=True)
class Ids(Listed):
    """Ids, sorted."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changes(Listed):
    """The steps of a memory, oldest first."""

    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Moves(Listed):
    """The steps of a memory's utility, oldest first."""

    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Worth(Envelope):
    """What a memory is worth; null before its first feedback and after a reset."""

    memory_id: str
    utility: Utility | None

    @classmethod
    def of(cls, value: tuple[str, Utility | None]) -> Self:
        """A memory and what it is worth."""
        return cls(*value)

    def value(self) -> Utility | None:
        """What `utility` gives."""
        return self.utility


@dataclass(frozen=True, slots=True)
class Worths(Envelope):
    """Memories and what they are worth, in the order asked for."""

    utilities: tuple[Worth, ...]

    @classmethod
    def of(cls, value: Iterable[tuple[str, Utility]]) -> Self:
        """Pairs as they are sent."""
        return cls(tuple(map(Worth.of, value)))

    def value(self) -> list[tuple[str, Utility | None]]:
        """Pairs as `top_utilities` gives them."""
        return [(one.memory_id, one.utility) for one in self.utilities]


@dataclass(frozen=True, slots=True)
class Jobs(Listed):
    """Jobs in the order they were queued."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Count(Envelope):
    """How many: jobs queued anew, feedbacks replayed, memories indexed."""

    count: int


@dataclass(frozen=True, slots=True)
class Threshold(Envelope):
    """A cosine that was calibrated."""

    threshold: float


@dataclass(frozen=True, slots=True)
class Holds(Envelope):
    """Whether a receipt is genuine and unchanged."""

    holds: bool


@dataclass(frozen=True, slots=True)
class Namespaces(Listed):
    """Names, sorted."""

    namespaces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problems(Listed):
    """What is wrong with a database, a sentence each; empty where all is well."""

    problems: tuple[str, ...]
