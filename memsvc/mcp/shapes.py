"""What the tools that recall give: little enough for a model's context, and each with the sentence that it is data.

Times are to the second, which is what a model can use. The other tools give the library's own receipts. Pydantic reads
these annotations, so that what they name is imported for real.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from memsvc.asking.answer import Answer
from memsvc.episodes.found import EpisodeHit, Episodes
from memsvc.lookup.instructions import flags
from memsvc.lookup.traces import Hits
from memsvc.mcp.quoting import NOTICE
from memsvc.times import local
from memsvc_retrievers.graph.values import Graph, Thing, Tie, View
from memsvc_store.values.hits import Flag
from memsvc_store.values.memories import FactBy, Memory, Session


def _local(moment: datetime | None, timezone: str | None) -> datetime | None:
    return None if moment is None else local(moment, timezone)


@dataclass(frozen=True, slots=True)
class Quote:
    """A memory, verbatim. `until`: when it ended. `flags` warn of its text: `instruction-like`. `relevance` is the
    probability that it bears on what was looked for; null where nothing was. A fact rests on the messages `sources`, if
    on any, and was worked out by `fact_by`.
    """

    id: str
    kind: str
    speaker: str
    said_at: datetime
    session_id: str
    text: str
    flags: tuple[Flag, ...]
    until: datetime | None = None
    relevance: float | None = None
    sources: tuple[str, ...] = ()
    fact_by: FactBy | None = None
    expires_at: datetime | None = None
    namespace: str | None = None

    @classmethod
    def of(cls, memory: Memory, timezone: str | None = None, relevance: float | None = None) -> Self:
        """A memory as it is quoted; its time in this zone, or as its author's clock had it."""
        return cls(
            memory.id, memory.kind, memory.speaker, local(memory.valid_from, timezone).replace(microsecond=0),
            memory.session_id, memory.text, flags(memory.text), _local(memory.valid_to, timezone), relevance,
            memory.sources if memory.kind == "fact" else (), memory.fact_by, _local(memory.expires_at, timezone),
            memory.namespace,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recalled:
    """Memories that were found. `trace_id` is what `give_feedback` wants. `notes` say of filters that they name a
    speaker or session that there is none of.
    """

    notice: str = field(init=False, default=NOTICE)
    memories: tuple[Quote, ...]
    trace_id: str | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, hits: Hits, timezone: str | None = None) -> Self:
        """What a search found, best first."""
        return cls(tuple(Quote.of(hit.memory, timezone, hit.relevance) for hit in hits), hits.trace_id, hits.notes)


@dataclass(frozen=True, slots=True)
class Talks:
    """Conversations, the latest first. Their names and their speakers' are what callers called them."""

    notice: str = field(init=False, default=NOTICE)
    sessions: tuple[Session, ...]

    @classmethod
    def of(cls, found: Iterable[Session]) -> Self:
        """A page of sessions."""
        return cls(
            tuple(
                replace(one, first_at=one.first_at.replace(microsecond=0), last_at=one.last_at.replace(microsecond=0))
                for one in found
            )
        )


@dataclass(frozen=True, slots=True)
class Deleted:
    """A memory that no look-up and no list shows any more."""

    id: str


@dataclass(frozen=True, slots=True)
class Ground:
    """A quote that an answer rests on, word for word from the memory `id`. `dates`: what its relative dates mean."""

    id: str
    speaker: str
    said_at: datetime
    quote: str
    flags: tuple[Flag, ...]
    until: datetime | None = None
    dates: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer. `process` says how it came about. `extractive`: no model reasoned over it, it is what was said, the
    best first; `abstained`: the memories hold no answer.
    """

    notice: str = field(init=False, default=NOTICE)
    answer: str
    process: str
    evidence: tuple[Ground, ...]
    trace_id: str | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, answer: Answer, timezone: str | None = None) -> Self:
        """An answer with its grounds."""
        grounds = tuple(
            Ground(
                one.id,
                one.speaker,
                local(one.said_at, timezone).replace(microsecond=0),
                one.quote,
                flags(one.quote),
                _local(one.valid_to, timezone),
                one.dates,
            )
            for one in answer.evidence
        )
        return cls(answer.text, answer.process, grounds, answer.trace_id, answer.notes)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An earlier attempt at a task: what was asked, what came of it, and what to take from it."""

    id: str
    intent: str
    success: bool | None
    reward: float | None
    experience: str
    flags: tuple[Flag, ...]

    @classmethod
    def of(cls, hit: EpisodeHit) -> Self:
        """An episode as it is quoted."""
        episode, intent = hit.episode, hit.episode.memory.text
        return cls(
            episode.id, intent, episode.success, episode.reward, episode.experience,
            flags(f"{intent}\n{episode.experience}"),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attempts:
    """Attempts at similar tasks, best first: those that succeeded to follow, the others to avoid."""

    notice: str = field(init=False, default=NOTICE)
    attempts: tuple[Attempt, ...]
    trace_id: str | None = None

    @classmethod
    def of(cls, episodes: Episodes) -> Self:
        """What a search for episodes found."""
        return cls(tuple(Attempt.of(hit) for hit in episodes.hits), episodes.trace_id)


@dataclass(frozen=True, slots=True)
class Joint:
    """The latest memory that joins two things; `text` is how it begins."""

    id: str
    text: str
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """Two things, how many memories join them, and the latest of these."""

    source: str
    target: str
    memories: int
    latest: Joint

    @classmethod
    def of(cls, tie: Tie) -> Self:
        """A tie as it is quoted."""
        latest = tie.memories[0]
        return cls(tie.source, tie.target, tie.weight, Joint(latest.id, latest.text, flags(latest.text)))


@dataclass(frozen=True, slots=True)
class Picture:
    """How things hang together. `ties` are in order: of a path its steps, else the strongest first."""

    notice: str = field(init=False, default=NOTICE)
    view: View
    things: tuple[Thing, ...]
    ties: tuple[Joined, ...]
    not_shown: int

    @classmethod
    def of(cls, graph: Graph) -> Self:
        """A graph; of neighbours only the thing's own ties."""
        own = [tie for tie in graph.edges if graph.view != "neighbours" or tie.source == graph.thing]
        shown = len(graph.nodes) - (graph.view == "neighbours")
        not_shown = 0 if graph.view == "path" else graph.things - shown
        return cls(graph.view, graph.nodes, tuple(map(Joined.of, own)), not_shown)
