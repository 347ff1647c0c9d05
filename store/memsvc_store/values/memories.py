"""Messages, memories and episodes as they are kept: plain, frozen, and ignorant of where.

Event time (`said_at`, `valid_from`, `valid_to`) is when something was said or true, with the
offset from UTC that its author gave. Transaction time (`stored_at`, `created_at`, `retired_at`)
is when memsvc learned or retired it, always in UTC.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from sys import intern
from typing import Annotated, Any, Literal, NamedTuple, Self, overload

from pydantic import PlainSerializer, WithJsonSchema

from memsvc_store.errors import DatabaseUnreadable
from memsvc_store.values.document import Value

Kind = Literal["message", "fact", "episode"]


KINDS: tuple[Kind, ...] = ("message", "fact", "episode")


Operation = Literal["add", "update", "delete", "retire", "embed", "cool", "warm", "erase"]


ExperienceBy = Literal["rule", "model", "caller"]


EXPERIENCE_BY: tuple[ExperienceBy, ...] = ("rule", "model", "caller")


FactBy = Literal["model", "caller"]


FACT_BY: tuple[FactBy, ...] = ("model", "caller")


Trajectory = str | list[Any]


class Node(NamedTuple):
    """A member of hyperedges: `kind` is speaker, addressee, thing, phrase, session or day."""

    kind: str
    name: str


class Nodes(Sequence[Node]):
    """The members of one hyperedge, kept as SQL holds them (JSON: kind, name, kind, name, ...) and read when looked at.

    Most look-ups never look: reading them took a fifth of the time that fetching a hit takes.
    """

    __slots__ = ("_nodes", "stored")

    def __init__(self, stored: str) -> None:
        self.stored = stored
        self._nodes: tuple[Node, ...] | None = None

    @classmethod
    def of(cls, nodes: Iterable[Node]) -> Self:
        """The nodes, ready to be stored."""
        return cls(json.dumps([part for node in nodes for part in node], ensure_ascii=False))

    @overload
    def __getitem__(self, index: int) -> Node: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Node, ...]: ...
    def __getitem__(self, index: int | slice) -> Node | tuple[Node, ...]:
        return self._read()[index]

    def __len__(self) -> int:
        return len(self._read())

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, Sequence) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._read())

    def __repr__(self) -> str:
        return repr(self._read())

    def _read(self) -> tuple[Node, ...]:
        if self._nodes is None:
            try:
                parts = iter(json.loads(self.stored))
                self._nodes = tuple(Node(intern(kind), name) for kind, name in zip(parts, parts, strict=True))
            except (ValueError, TypeError) as error:
                raise DatabaseUnreadable(f"a hyperedge is damaged ({self.stored[:40]!r}); restore a backup") from error
        return self._nodes


def _written(nodes: Sequence[Node]) -> list[dict[str, str]]:
    if isinstance(nodes, Nodes):
        nodes = Nodes(nodes.stored)  # a shard's own would keep what it read: 2 KB a memory that no budget counts
    return [{"kind": kind, "name": name} for kind, name in nodes]


_NODE = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in Node._fields},
    "required": list(Node._fields),
}


Entities = Annotated[
    Sequence[Node],
    PlainSerializer(_written),
    WithJsonSchema({"type": "array", "items": _NODE}, mode="serialization"),
]


"""The nodes of a hyperedge. In JSON a node is an object, and is read back by name."""


@dataclass(frozen=True, slots=True)
class Message(Value):
    """One utterance, verbatim and immutable.

    `position` counts from 0 inside its session, `occurrence` among those with the same session, speaker, text and time.
    """

    id: str
    session_id: str
    position: int
    speaker: str
    role: str
    text: str
    said_at: datetime
    stored_at: datetime
    metadata: Mapping[str, Any]
    occurrence: int = 0


@dataclass(frozen=True, slots=True)
class Memory(Value):
    """One retrievable unit. A message's memory has the id of its message.

    `sources` are the ids of the messages it came from (none for an episode), `entities` the nodes of its hyperedge.
    `fact_by` says who worked a fact out: a `model`, from its messages, or the `caller`, from whatever it knew; None for
    other kinds. From `expires_at` on no look-up, listing or answer has it.
    `cold`: no look-up finds it, to make room; deliberation and listings do. `echo_of`: the same, since it repeats that
    memory, which a look-up had just given its session; that one may be gone since. `role` is that of whoever said it,
    of a fact that of its last message, None for an episode.
    """

    id: str
    namespace: str
    kind: Kind
    text: str
    session_id: str
    position: int
    speaker: str
    entities: Entities
    sources: tuple[str, ...]
    valid_from: datetime
    valid_to: datetime | None
    created_at: datetime
    retired_at: datetime | None
    metadata: Mapping[str, Any]
    cold: bool = False
    echo_of: str | None = None
    role: str | None = None
    fact_by: FactBy | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session(Value):
    """A conversation: when its first and its last message were said (UTC), how many there are, and who spoke, in the
    order of their first words; of the messages that were not deleted.
    """

    id: str
    first_at: datetime
    last_at: datetime
    messages: int
    speakers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Episode(Value):
    """A task attempt: its memory, whose text is the intent as it stands now, and what came of it.

    `intent` and `happened_at` are as they were first given; a correction changes the memory alone.
    """

    memory: Memory
    intent: str
    happened_at: datetime
    trajectory: Trajectory
    experience: str
    experience_by: ExperienceBy
    reward: float | None
    success: bool | None
    occurrence: int = 0

    @property
    def id(self) -> str:
        """The id of its memory."""
        return self.memory.id


@dataclass(frozen=True, slots=True)
class Change(Value):
    """One step in the life of a memory. `before` holds the fields that the step replaced.

    Of metadata it holds the keys that were given, null where there was none.
    `cool` took it out of the look-ups to make room, `warm` brought it back.
    A fact's `retire` says `why` there (replaced, source deleted, source corrected), and `by` which memory; or that what
    it was replaced by was erased. `erase` is a step of no memory's: it stands where steps of erased ones stood.
    """

    version: int
    at: datetime
    operation: Operation
    memory_id: str
    before: Mapping[str, Any]
