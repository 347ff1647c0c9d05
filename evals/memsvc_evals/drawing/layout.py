"""Where the things of a graph stand so that their names can be read. Pure, and the same each time.

Everything is in pixels, x to the right and y downwards. NetworkX's spring layout needs NumPy alone below 500 nodes;
from there on, as Kamada and Kawai's always, it would need SciPy, which a base install does not have.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memsvc_retrievers.graph.values import Graph, Thing, Tie

NAME = 26
"""Characters of a name that its label shows."""

MOST = 300
"""Things that are drawn at most."""

_ASPECT = 1.6
_ROOM = 19_000.0  # square pixels a thing
_SPARE = 2.0  # how many times the room that marks and labels fill
_STEP = 210.0  # between the things of a path
_MARGIN = 24.0
_SMALL, _LARGE, _BOLD = 12.5, 17.0, 15.0  # letters
_LETTER = 0.6  # a letter's mean width, as a part of its height
_ROUNDS, _PATIENCE, _GROWTH, _PUSH = 2_000, 25, 1.03, 0.4
_FAINT = 0.05
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Spot:
    """A thing, the middle of its mark, and the mark's radius; its label of `size` is centred below the mark."""

    thing: Thing
    x: float
    y: float
    radius: float
    size: float

    @property
    def label(self) -> str:
        """The name, cut short."""
        name = self.thing.name
        return name if len(name) <= NAME else f"{name[: NAME - 1].rstrip()}…"

    @property
    def strong(self) -> bool:
        """Whether it is one of the strongest, whose labels are bold."""
        return self.size >= _BOLD

    @property
    def baseline(self) -> float:
        """Where the label stands."""
        return self.y + self.radius + self.size


@dataclass(frozen=True, slots=True)
class Line:
    """A tie from spot to spot; `community` is that of both ends, None where they differ."""

    tie: Tie
    source: Spot
    target: Spot
    width: float
    community: int | None


@dataclass(frozen=True, slots=True)
class Drawing:
    """What stands on a sheet of this size."""

    width: float
    height: float
    spots: tuple[Spot, ...]
    lines: tuple[Line, ...]


def plain(text: str) -> str:
    """The text with a mark for whatever could not be written, or would turn the direction of what follows: names and
    memories are what somebody once said."""
    return _HIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def laid_out(graph: Graph) -> Drawing:
    """A graph on its sheet, `MOST` things of it at most, the first ones."""
    things = graph.nodes[:MOST]
    top = max((one.strength for one in things), default=0)
    share = [math.sqrt(one.strength / top) if top else 0.0 for one in things]
    spots = [
        Spot(one, 0.0, 0.0, 6 + 15 * part, _SMALL + (_LARGE - _SMALL) * part)
        for one, part in zip(things, share, strict=True)
    ]
    ties = [tie for tie in graph.edges if {tie.source, tie.target} <= {one.name for one in things}]
    middles = _apart(_in_a_row(len(spots)) if graph.view == "path" else _spring(things, ties, _area(spots)), spots)
    low, high = _bounds(middles, spots)
    placed = {
        one.thing.name: Spot(one.thing, round(x, 1), round(y, 1), round(one.radius, 1), round(one.size, 1))
        for one, (x, y) in zip(spots, (middles - low + _MARGIN).tolist(), strict=True)
    }
    width, height = (high - low + 2 * _MARGIN).tolist()
    most = max((tie.weight for tie in ties), default=1)
    lines = [_line(tie, placed[tie.source], placed[tie.target], most) for tie in ties]
    return Drawing(round(width, 1), round(height, 1), tuple(placed.values()), tuple(lines))


def _line(tie: Tie, source: Spot, target: Spot, most: int) -> Line:
    same = source.thing.community == target.thing.community
    width = 1.2 + 4.8 * (tie.weight / most) ** 0.6
    return Line(tie, source, target, round(width, 1), source.thing.community if same else None)


def _spring(things: tuple[Thing, ...], ties: list[Tie], area: float) -> NDArray[np.float64]:
    """The spring layout (Fruchterman and Reingold 1991), stretched over a sheet; shape (things, 2)."""
    names = [one.name for one in things]
    graph: nx.Graph[Any] = nx.Graph()
    graph.add_nodes_from(names)
    for tie in ties:
        graph.add_edge(tie.source, tie.target, weight=1 + math.log(tie.weight))
    for part in list(nx.connected_components(graph))[1:]:  # what is joined to nothing would drift out of the picture
        graph.add_edge(names[0], min(part, key=names.index), weight=_FAINT)
    if len(names) < 2:
        return np.zeros((len(names), 2))
    found = nx.spring_layout(graph, k=2.4 / math.sqrt(len(names)), iterations=300, seed=7)
    points = np.array([found[name] for name in names], np.float64)
    points -= points.mean(axis=0)
    size = np.array([math.sqrt(area * _ASPECT), math.sqrt(area / _ASPECT)])
    points *= size / np.maximum(np.ptp(points, axis=0), 1e-9)
    return points


def _in_a_row(count: int) -> NDArray[np.float64]:
    """Each thing of a path right of the one before, up and down by turns; shape (count, 2)."""
    return np.array([(_STEP * i, 40.0 * (i % 2)) for i in range(count)], np.float64).reshape(count, 2)


def _boxes(spots: list[Spot]) -> NDArray[np.float64]:
    """How far each mark with its label reaches from the mark's middle: left and right, up, down; shape (spots, 3)."""
    reach = [
        (max(one.radius, _LETTER * one.size * len(one.label) / 2) + 5, one.radius + 4, one.radius + one.size + 8)
        for one in spots
    ]
    return np.array(reach, np.float64).reshape(len(spots), 3)


def _area(spots: list[Spot]) -> float:
    """Room for every mark with its label, and some between them; square pixels."""
    side, up, down = _boxes(spots).T
    return max(_ROOM * len(spots), _SPARE * float((2 * side * (up + down)).sum()))


def _apart(middles: NDArray[np.float64], spots: list[Spot]) -> NDArray[np.float64]:
    """Push marks with their labels apart until none lies on another: each pair along the axis that takes less."""
    side, up, down = _boxes(spots).T
    points = middles.copy()
    points[:, 1] += 1e-3 * np.arange(len(spots))  # two at the very same place would push each other nowhere
    shift = (down - up) / 2  # boxes are compared by their own middles
    wide, tall = side[:, None] + side, ((up + down)[:, None] + (up + down)) / 2
    for turn in range(1, _ROUNDS):
        if turn % _PATIENCE == 0:  # a crowd has nowhere to go: more room for all
            points *= _GROWTH
        x, y = points[:, 0], points[:, 1] + shift
        across, along = x[:, None] - x, y[:, None] - y
        over_x, over_y = wide + 1 - np.abs(across), tall + 1 - np.abs(along)
        hit = (over_x > 0) & (over_y > 0)
        np.fill_diagonal(hit, val=False)
        if not hit.any():
            break
        sideways = hit & (over_x < over_y)
        points[:, 0] += (sideways * np.copysign(over_x, across)).sum(axis=1) * _PUSH
        points[:, 1] += ((hit & ~sideways) * np.copysign(over_y, along)).sum(axis=1) * _PUSH
    return points


def _bounds(middles: NDArray[np.float64], spots: list[Spot]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The corners of what is drawn: left and top, right and bottom."""
    if not spots:
        return np.zeros(2), np.array([600.0, 120.0])
    side, up, down = _boxes(spots).T
    low = (middles - np.stack([side, up], axis=1)).min(axis=0)
    return low, (middles + np.stack([side, down], axis=1)).max(axis=0)
