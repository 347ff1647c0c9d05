"""What a question about the hypergraph is answered with: things, the ties between them, and the memories that tie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from memsvc_store.values.document import Value

ThingKind = Literal["person", "thing", "word", "phrase", "session", "day"]
THING_KINDS: tuple[ThingKind, ...] = get_args(ThingKind)
"""`person`: who speaks or is spoken to. `thing`: any other name, such as a place. `word`: a word that only
its place in a sentence gives a capital, a weekday or a month. `phrase`: two neighbouring content words, stemmed."""

NAMED: tuple[ThingKind, ...] = ("person", "thing")
"""What a picture shows unless it is told otherwise. Each memory has a session, a day, and a dozen phrases: they would
join everything to everything."""

View = Literal["overview", "neighbours", "path"]

LIMIT = 40
"""Things that are shown unless it is told otherwise: as many names as can be read in one drawing."""

CONSIDERED = 300
"""Things that an overview compares with each other, the most mentioned: every pair is looked at, 45,000 of them."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A memory that joins two things; `text` is how it begins."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Thing:
    """A node: its name as the memories spell it, and how many live memories join it.

    A session, day or phrase has its kind before its name (`day:2026-03-02`), by which it can be asked for.
    `strength` is the sum of the weights of its ties with the things that were considered (its weighted degree).
    `community` is the number of its community; None where it has none.
    """

    name: str
    kind: ThingKind
    memories: int
    strength: int
    community: int | None


@dataclass(frozen=True, slots=True)
class Tie:
    """An edge: two things by name, `weight`: how many memories join both, and the latest of these, the last first."""

    source: str
    target: str
    weight: int
    memories: tuple[Mention, ...]


@dataclass(frozen=True, slots=True)
class Community:
    """Things that are joined to each other more than to the rest, the most central first; shown ones only."""

    number: int
    things: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Graph(Value):
    """A part of the hypergraph, as things and ties.

    overview: `nodes` are the most central things, `edges` each one's strongest ties, the strongest first.
    neighbours: `nodes` are the thing and what it is joined to, most-joined first; `edges` its own ties (those whose
    `source` is `thing`) in the same order, then the strongest ties among its neighbours.
    path: `nodes` are the things on the way, `edges` its steps in order; both are empty where no path joins the two.

    `thing` and `to` are the names that were asked for, as the memories spell them; None where none was.
    `things` is how many there are to show (in the namespace, or joined to the thing), and `considered` how many of
    them were compared, the most mentioned. `memories` is how many live memories there are, and `read` how many of
    them were looked at, the latest.
    """

    view: View
    thing: str | None
    to: str | None
    kinds: tuple[ThingKind, ...]
    nodes: tuple[Thing, ...]
    edges: tuple[Tie, ...]
    communities: tuple[Community, ...]
    things: int
    considered: int
    memories: int
    read: int
