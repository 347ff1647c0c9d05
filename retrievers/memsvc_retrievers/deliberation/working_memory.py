"""Working memory: a hypergraph that grows with one question, for those that need several steps (HGMem, section 3).

Its hyperedges are points. A point says what several messages say together about the people and things
that they mention; it joins the nodes of those messages in the namespace's hypergraph, and keeps them as sources.
Each step retrieves, evolves the points (update, insert, and from the second step on merge) and judges whether
they suffice. If not, each concern becomes a look-up:

- local investigation, where the concern digs into points: among memories that join one of their nodes, and the
  utterances beside them
- global exploration, where it digs into none: among memories that join no node of any point

Departures from HGMem's code, each for a reason: a point's nodes follow from its sources, so that a model can't
invent them; local and global look-ups may mix in one step, as the paper has it; merged points replace their parents
everywhere; concerns and subqueries come from one call, which saves one of four a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from memsvc_retrievers.deliberation.coverage import Coverage, Deliberated
from memsvc_retrievers.errors import InvalidReply
from memsvc_retrievers.gate.drafting import draft
from memsvc_retrievers.passages import Passage, Source, fitting, shortened, tokens
from memsvc_retrievers.prompts import answering as prompts
from memsvc_retrievers.prompts.replies import EvolveReply, JudgeReply, MergeReply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pydantic import BaseModel

    from memsvc_retrievers.choices import Style
    from memsvc_retrievers.language import LanguageModel, Prompt
    from memsvc_retrievers.prompts.replies import Concern
    from memsvc_store.values.memories import Memory, Node

    Schema = TypeVar("Schema", bound=BaseModel)

STEPS = 3
"""HGMem, section 4.3: answers were best after three."""

CONCERNS = 3
LOOK = 10
"""Memories that one look-up brings (HGMem, App. B)."""

SHOWN = 50
"""Messages that the answer sees beside the points, at most (HGMem, App. B)."""

TIES = frozenset({"thing", "addressee", "phrase", "session"})
"""Kinds of nodes that hold points together. Speakers and days join too much of a conversation to lead anywhere."""


@dataclass(frozen=True, slots=True)
class Point:
    """A hyperedge of working memory: what its sources say together."""

    text: str
    sources: tuple[Memory, ...]

    @property
    def nodes(self) -> frozenset[Node]:
        """The nodes that it joins: those of its sources, hubs left out."""
        return frozenset(node for source in self.sources for node in source.entities if node.kind in TIES)


@dataclass(frozen=True, slots=True)
class Probe:
    """One look-up: among memories that join one of the nodes `near`, and none of those `beyond`; None: no matter."""

    question: str
    near: frozenset[Node] | None = None
    beyond: frozenset[Node] | None = None


class Explore(Protocol):
    """How working memory reaches the namespace."""

    def __call__(self, probes: Sequence[Probe], limit: int) -> list[list[Memory]]:
        """For each probe the best memories, best first."""
        ...


def work_out(
    question: str,
    explore: Explore,
    model: LanguageModel,
    *,
    messages: int,
    room: int,
    style: Style = "short",
    tell: Callable[[int, int], None],
) -> Deliberated:
    """Grow a working memory, and answer from it.

    Args:
        messages: how many messages there are, for the record of what was read.
        room: estimated tokens of lines that one prompt holds.
        tell: called with steps done and steps at most.

    Raises:
        ModelError: a model that is down or refuses. A reply that can't be read ends the growing, not the answering.
        Cancelled: see `LanguageModel`.
    """
    memory = _WorkingMemory(question, model, room)
    probes = [Probe(question)]
    for step in range(1, STEPS + 1):
        looks = explore(probes, LOOK + len(memory.seen))
        memory.evolve([message for look in looks for message in memory.unseen(look)[:LOOK]])
        if step > 1:
            memory.merge()
        tell(step, STEPS)
        probes = memory.concerns() if step < STEPS else []
        if not probes:
            break
    points, problems = memory.points, tuple(memory.problems)
    coverage = Coverage(messages, len(memory.seen), len(points), len(points), problems=problems)
    drafted = draft(question, memory.passages(), model, purpose="answer", style=style)[0] if points else None
    return Deliberated(drafted, coverage)


class _WorkingMemory:
    """The points of one question, and the messages that were seen for it."""

    def __init__(self, question: str, model: LanguageModel, room: int) -> None:
        self._question, self._model, self._room = question, model, room
        self.points: list[Point] = []
        self.seen: dict[str, Memory] = {}
        self.problems: list[str] = []
        self._asked = [question]

    def unseen(self, look: Sequence[Memory]) -> list[Memory]:
        """Those of a look-up that were not shown to the model yet."""
        return [message for message in look if message.id not in self.seen]

    def evolve(self, found: Sequence[Memory]) -> None:
        """Update points and insert new ones from what was found; what rests on no line is dropped and noted."""
        first = len(self.seen) + 1
        self.seen.update((message.id, message) for message in found)
        each = self._room // (CONCERNS * LOOK)
        lines = list(self.seen.values())[first - 1 :]
        fresh = [shortened(Passage.of(message), self._question, each) for message in lines]
        if not fresh:
            return
        reply = self._ask(prompts.evolve(self._question, self._texts(), fresh, first), EvolveReply)
        if reply is None:
            return
        old = len(self.points)
        for change in reply.update:
            if 1 <= change.number <= old and change.point.strip():
                point = self.points[change.number - 1]
                self.points[change.number - 1] = _point(change.point, [*point.sources, *self._lines(change.lines)])
        for new in reply.insert:
            if (sources := self._lines(new.lines)) and new.point.strip():
                self.points.append(_point(new.point, sources))
            else:
                self.problems.append(f"a point that rests on no line was dropped: {new.point[:80]!r}")

    def merge(self) -> None:
        """Put points that belong together into the place of the first of them; none is merged twice."""
        if len(self.points) < 2:
            return
        reply = self._ask(prompts.merge(self._question, self._texts()), MergeReply)
        places: dict[int, Point | None] = dict(enumerate(self.points))
        taken: set[int] = set()
        for group in reply.merge if reply is not None else ():
            numbers = [n - 1 for n in dict.fromkeys(group.numbers) if n - 1 in places and n - 1 not in taken]
            if len(numbers) > 1 and group.point.strip():
                taken.update(numbers)
                parents = [source for number in sorted(numbers) for source in self.points[number].sources]
                places |= dict.fromkeys(numbers) | {min(numbers): _point(group.point, parents)}
        self.points = [point for point in places.values() if point is not None]

    def concerns(self) -> list[Probe]:
        """Where to look next; nowhere if the points suffice, or nothing new is asked."""
        reply = self._ask(prompts.judge(self._question, self._texts(), self._asked), JudgeReply)
        if reply is None or reply.sufficient:
            return []
        return [probe for concern in reply.concerns[:CONCERNS] if (probe := self._probe(concern)) is not None]

    def passages(self) -> list[Passage]:
        """What the answer rests on: the points, then the messages behind them and others that were seen."""
        behind = {source.id: source for point in self.points for source in point.sources}
        points = fitting([_as_passage(point) for point in self.points], self._room)
        first = list((behind | self.seen).values())[:SHOWN]
        messages = [shortened(Passage.of(message), self._question, self._room // LOOK) for message in first]
        left = self._room - sum(tokens(point.text) for point in points)
        return [*points, *sorted(fitting(messages, left), key=lambda passage: passage.said_at)]

    def _probe(self, concern: Concern) -> Probe | None:
        question = " ".join(concern.question.split())
        if not question or question.casefold() in map(str.casefold, self._asked):
            return None
        self._asked.append(question)
        targets = [self.points[number - 1] for number in concern.points if 1 <= number <= len(self.points)]
        if targets:
            return Probe(question, near=_nodes(targets))
        return Probe(question, beyond=_nodes(self.points))

    def _ask(self, prompt: Prompt, schema: type[Schema]) -> Schema | None:
        """The reply, or None if it can't be read: working memory then stays as it is."""
        [completion] = self._model.complete_many([prompt], schema=schema)
        try:
            return completion.value(schema)
        except InvalidReply as error:
            self.problems.append(str(error))
            return None

    def _lines(self, numbers: Sequence[int]) -> list[Memory]:
        lines = list(self.seen.values())
        return [lines[number - 1] for number in numbers if 1 <= number <= len(lines)]

    def _texts(self) -> list[str]:
        return [point.text for point in self.points]


def _point(text: str, sources: Iterable[Memory]) -> Point:
    return Point(text.strip(), tuple({source.id: source for source in sources}.values()))


def _nodes(points: Iterable[Point]) -> frozenset[Node]:
    return frozenset(node for point in points for node in point.nodes)


def _as_passage(point: Point) -> Passage:
    last = max(source.valid_from for source in point.sources)
    speakers = ", ".join(dict.fromkeys(source.speaker for source in point.sources))
    return Passage(point.text, last, speakers, tuple(map(Source, point.sources)))
