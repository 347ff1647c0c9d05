"""What the agent knows of a level, and how it finds its way there.

It sees the whole floor plan: walls, doors with their colors and whether they are locked, and every object that lies
about. It does not see into boxes. The planner is a shortest-path search over what is seen, and no more; BabyAI's own
bot, which knows the instruction's inner form, is not used.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from memsvc_evals.learning.babyai.missions import Thing

Point = tuple[int, int]

HEADINGS: tuple[Point, ...] = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""Right, down, left, up: minigrid's numbers for directions, in which turning right adds one."""

_MOVABLE = ("ball", "box", "key")
_DETOUR = 100  # steps that are walked rather than moving one object out of the way; no level is as wide


@dataclass(frozen=True, slots=True)
class Item:
    """What lies on a tile. `state` is a door's: `open`, `closed` or `locked`."""

    kind: str
    color: str
    state: str | None = None

    @property
    def movable(self) -> bool:
        """Whether it can be picked up."""
        return self.kind in _MOVABLE


@dataclass(frozen=True, slots=True)
class View:
    """A level as it is seen: the tiles that are not empty, and the agent. x grows to the right, y down."""

    items: Mapping[Point, Item]
    width: int
    height: int
    at: Point
    heading: int
    carried: Item | None

    def holds(self, tile: Point) -> bool:
        """Whether a tile is part of the level."""
        return 0 <= tile[0] < self.width and 0 <= tile[1] < self.height

    def empty(self) -> set[Point]:
        """Tiles on which something can be laid down."""
        tiles = ((x, y) for x in range(self.width) for y in range(self.height))
        return {tile for tile in tiles if tile not in self.items}

    def find(self, thing: Thing) -> list[Point]:
        """Where something lies that is as it was called."""
        return [place for place, item in self.items.items() if self._is(item, thing)]

    def _is(self, item: Item, thing: Thing) -> bool:
        if thing.color not in (None, item.color) or not (item.kind == thing.kind or (not thing.kind and item.movable)):
            return False
        if thing.quality == "locked":
            return item.state == "locked"
        return thing.quality is None or self._fits(item)

    def _fits(self, item: Item) -> bool:
        """A key fits if there is a locked door of its color; a locked door, if its key is in hand."""
        if item.kind == "key":
            return any(other.state == "locked" and other.color == item.color for other in self.items.values())
        return item.state == "locked" and self.carried == Item("key", item.color)


def look(env: Any) -> View:
    """What there is to see in a minigrid environment now."""
    tiles = ((x, y) for x in range(env.grid.width) for y in range(env.grid.height))
    items = {tile: _item(cell) for tile in tiles if (cell := env.grid.get(*tile)) is not None}
    x, y = env.agent_pos
    carried = None if env.carrying is None else _item(env.carrying)
    return View(items, env.grid.width, env.grid.height, (int(x), int(y)), int(env.agent_dir), carried)


def _item(cell: Any) -> Item:
    if cell.type != "door":
        return Item(cell.type, cell.color)
    return Item("door", cell.color, "open" if cell.is_open else "locked" if cell.is_locked else "closed")


def beside(place: Point) -> Iterator[Point]:
    """The four tiles next to one."""
    return ((place[0] + right, place[1] + down) for right, down in HEADINGS)


def route(view: View, wanted: Callable[[Point], bool], *, moving: bool = False) -> list[Point] | None:
    """The shortest way from the agent to a tile that is wanted, both ends included; None if there is none.

    It leads over empty tiles and through doors that are not locked, and if `moving` also over objects that could be
    taken out of the way, as few as possible.
    """
    came: dict[Point, Point | None] = {}
    waiting: list[tuple[int, int, Point, Point | None]] = [(0, 0, view.at, None)]
    pushed = 0  # among equals, first come first served: ways are the same on every machine
    while waiting:
        cost, _, place, before = heapq.heappop(waiting)
        if place in came:
            continue
        came[place] = before
        if wanted(place):
            return _way(came, place)
        for tile in beside(place):
            step = _cost(view.items.get(tile), moving)
            if step is not None and view.holds(tile) and tile not in came:
                pushed += 1
                heapq.heappush(waiting, (cost + step, pushed, tile, place))
    return None


def next_to(places: Collection[Point]) -> Callable[[Point], bool]:
    """Whether a tile is next to one of these."""
    return {tile for place in places for tile in beside(place)}.__contains__


def _cost(item: Item | None, moving: bool) -> int | None:
    if item is None or item.state in ("open", "closed"):
        return 1
    return _DETOUR if moving and item.movable else None


def _way(came: Mapping[Point, Point | None], end: Point) -> list[Point]:
    way: list[Point] = []
    place: Point | None = end
    while place is not None:
        way.append(place)
        place = came[place]
    return way[::-1]
