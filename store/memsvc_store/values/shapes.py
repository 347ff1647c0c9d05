"""The values that every room shares: plain, frozen, and ignorant of where they are kept.

Event time (`said_at`, `valid_from`, `valid_to`) is when something was said or true, with the
offset from UTC that its author gave. Transaction time (`stored_at`, `created_at`, `retired_at`)
is when memsvc learned or retired it, always in UTC.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from sys import intern
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self, overload

from pydantic import PlainSerializer, WithJsonSchema, computed_field

from memsvc_store.errors import DatabaseUnreadable
from memsvc_store.values.document import Value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["message", "fact", "episode"]
KINDS: tuple[Kind, ...] = ("message", "fact", "episode")
Operation = Literal["add", "update", "delete", "retire", "embed", "cool", "warm", "erase"]
JobKind = Literal["extract", "reflect"]
JOB_KINDS: tuple[JobKind, ...] = ("extract", "reflect")
JobState = Literal["queued", "running", "done", "failed"]
JOB_STATES: tuple[JobState, ...] = ("queued", "running", "done", "failed")
ExperienceBy = Literal["rule", "model", "caller"]
EXPERIENCE_BY: tuple[ExperienceBy, ...] = ("rule", "model", "caller")
FactBy = Literal["model", "caller"]
FACT_BY: tuple[FactBy, ...] = ("model", "caller")
Flag = Literal["instruction-like"]
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
class Draft:
    """A message on its way into the store, checked but not yet written.

    `key` is the writer's own name for it: a second write under the same key is a duplicate. Where the key tells
    nothing, `occurrence` says which one it is of several with the same session, speaker, text and time, counted from 0;
    None: the next of them in this call. `anew`: none of those that are there already, whatever it says.
    `timed`: its time was given with it. `echo_of` is the memory that it repeats, if its session was just given that.
    `vector` belongs to the model that the write names; None leaves the memory to be embedded
    later. `corrected`, `valid_from` and `valid_to` are set when an export is read back and the
    memory had been changed since it was said; the raw log still gets `text` and `said_at`. It gets `verbatim` in the
    place of `metadata` where that is set: what look-ups give is then lighter.
    """

    text: str
    speaker: str
    role: str
    session_id: str
    said_at: datetime
    entities: tuple[Node, ...] = ()
    vector: "NDArray[np.float32] | None" = None
    key: str | None = None
    occurrence: int | None = None
    anew: bool = False
    timed: bool = True
    echo_of: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    verbatim: Mapping[str, Any] | None = None
    corrected: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    expires_at: datetime | None = None

    @property
    def memory_text(self) -> str:
        """The text that look-ups see."""
        return self.text if self.corrected is None else self.corrected


@dataclass(frozen=True, slots=True)
class Fact:
    """What was worked out, on its way into the store. Its id follows from `text` and `sources`.

    `sources` are ids of live messages, at least one where a model worked it out (`by`). `speaker`, `session_id` and
    `valid_from` are those of the one said last, unless the caller says otherwise. `replaces` are ids of facts that are
    retired because this one says what is true now.
    """

    text: str
    sources: tuple[str, ...]
    speaker: str
    session_id: str
    valid_from: datetime
    valid_to: datetime | None = None
    entities: tuple[Node, ...] = ()
    vector: "NDArray[np.float32] | None" = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    replaces: tuple[str, ...] = ()
    by: FactBy = "model"
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EpisodeDraft:
    """A task attempt on its way into the store. Its id follows from intent, trajectory, outcome and time.

    `intent` is what was asked: the text of its memory, which look-ups see. `trajectory` is what was done, verbatim: a
    text, or a list of what JSON can hold. `experience` is what to take from it, `experience_by` whom it is from.
    `key`, `occurrence`, `anew`, `vector`, `corrected`, `valid_from` and `valid_to` are as in `Draft`.
    """

    intent: str
    trajectory: Trajectory
    experience: str
    experience_by: ExperienceBy
    session_id: str
    happened_at: datetime
    reward: float | None = None
    success: bool | None = None
    speaker: str = "agent"
    entities: tuple[Node, ...] = ()
    vector: "NDArray[np.float32] | None" = None
    key: str | None = None
    occurrence: int | None = None
    anew: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    corrected: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    expires_at: datetime | None = None

    @property
    def memory_text(self) -> str:
        """The text that look-ups see."""
        return self.intent if self.corrected is None else self.corrected


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


@dataclass(frozen=True, slots=True)
class Receipt(Value):
    """What a write did with one message, fact or episode, in the order given.

    `stored`: it is on disk under `id`. `duplicate`: it was written before, under `id`; if it was deleted since, it
    stays deleted and `reason` says so. `echo`: it is on disk under `id`, and has no place in the ranking of look-ups,
    since it repeats the memory `echo_of`, which a look-up had just given its session. `rejected`: it was not stored,
    and `reason` says why.
    """

    status: Literal["stored", "duplicate", "echo", "rejected"]
    id: str | None = None
    reason: str | None = None
    echo_of: str | None = None


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


@dataclass(frozen=True, slots=True)
class Filter:
    """Which memories a look-up may return. `None` lets everything pass.

    `since` and `until` bound `valid_from`, both inclusive. `as_of` keeps what was valid at that
    moment: `valid_from <= as_of < valid_to`. `current_at` leaves out what had ended by then, `valid_to <= current_at`;
    `include_ended` is what was said of that, None for nothing. `where` are conditions on metadata, as JSON
    (`where.py`); of the `tags` its key of that name has one. `given` keeps what is in nobody's words but those it was
    given in: messages, and facts of the `caller`.
    """

    since: datetime | None = None
    until: datetime | None = None
    as_of: datetime | None = None
    current_at: datetime | None = None
    include_ended: bool | None = None
    session_id: tuple[str, ...] | None = None
    speaker: tuple[str, ...] | None = None
    role: tuple[str, ...] | None = None
    kind: tuple[Kind, ...] | None = None
    tags: tuple[str, ...] | None = None
    where: str | None = None
    given: bool = False

    @property
    def metadata(self) -> str | None:
        """What it asks of metadata in all, as JSON."""
        if self.tags is None:
            return self.where
        tagged = json.dumps({"tags": {"$in": self.tags}}, ensure_ascii=False)
        return tagged if self.where is None else f'{{"$and": [{tagged}, {self.where}]}}'

    def __bool__(self) -> bool:
        """Whether it narrows anything."""
        return self != NO_FILTER


NO_FILTER = Filter()


@dataclass(frozen=True, slots=True)
class Parts(Value):
    """What each ingredient added to a hit's score; `final` is their sum.

    `dense`: likeness of meaning. `lexical`: BM25. `graph`: the walk over the hypergraph. `prior`:
    what holds for any question (short or merely asking utterances rank lower). `utility`: learned.
    """

    dense: float
    lexical: float
    graph: float
    prior: float
    utility: float = 0.0

    @property
    def final(self) -> float:
        """The score that the hit is ranked by."""
        return self.dense + self.lexical + self.graph + self.prior + self.utility


@dataclass(frozen=True, slots=True)
class Blend(Value):
    """How similarity and learned utility were blended for one candidate: `(1 - weight) z_similarity + weight z_q`.

    Both z-scores are taken within the pool of candidates (MemRL, section 4.2).
    """

    z_similarity: float
    q: float
    z_q: float
    weight: float


@dataclass(frozen=True, slots=True)
class Hit(Value):
    """One memory that a look-up found, with the parts of its score. `rank` counts from 1.

    `similarity` is the cosine of its text with the question. `relevance` is the probability, from 0 to 1, that it
    bears on the question; it means the same in every namespace, which a score does not. `blend` says how its learned
    utility came in, None where nothing was learned about the candidates. `flags` warn of the text: `instruction-like`
    where it reads like an instruction to a model. It is data all the same, never to obey.
    """

    memory: Memory
    rank: int
    parts: Parts
    similarity: float
    relevance: float
    blend: Blend | None = None
    flags: tuple[Flag, ...] = ()

    @property
    def id(self) -> str:
        """The memory's id."""
        return self.memory.id

    @property
    def text(self) -> str:
        """The memory's text."""
        return self.memory.text

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorator of a property
    @property
    def score(self) -> float:
        """The score that it was ranked by."""
        return self.parts.final
