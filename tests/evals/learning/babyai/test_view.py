from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc_evals.learning.babyai.missions import read_thing
from memsvc_evals.learning.babyai.view import Item, View, look, next_to, route

if TYPE_CHECKING:
    from tests.evals.learning.babyai.conftest import Draw

WALL, BALL = Item("wall", "grey"), Item("ball", "grey")
KEY, LOCKED = Item("key", "red"), Item("door", "red", "locked")


def corridor(*items: Item | None, carried: Item | None = None) -> View:
    """A corridor of one row, walls around it; the agent stands at its left end, facing right."""
    width = len(items) + 3
    around = {(x, y): WALL for x in range(width) for y in (0, 2)} | {(0, 1): WALL, (width - 1, 1): WALL}
    there = {(x, 1): item for x, item in enumerate(items, 2) if item is not None}
    return View(around | there, width, 3, (1, 1), 0, carried)


def test_the_way_is_the_shortest() -> None:
    assert route(corridor(None, None, KEY), next_to([(4, 1)])) == [(1, 1), (2, 1), (3, 1)]
    assert route(corridor(KEY), next_to([(2, 1)])) == [(1, 1)]


def test_doors_let_through_unless_they_are_locked() -> None:
    for state, way in (("open", [(1, 1), (2, 1)]), ("closed", [(1, 1), (2, 1)]), ("locked", None)):
        assert route(corridor(Item("door", "red", state), KEY), next_to([(3, 1)])) == way


def test_objects_are_in_the_way_unless_they_may_be_moved() -> None:
    assert route(corridor(BALL, None, KEY), next_to([(4, 1)])) is None
    assert route(corridor(BALL, None, KEY), next_to([(4, 1)]), moving=True) == [(1, 1), (2, 1), (3, 1)]
    assert route(corridor(LOCKED, None, KEY), next_to([(4, 1)]), moving=True) is None


def test_no_way_leads_out_of_the_level() -> None:
    bare = View({}, 2, 1, (0, 0), 0, None)
    assert route(bare, next_to([])) is None
    assert route(bare, next_to([(1, 0)])) == [(0, 0)]


def test_a_detour_is_walked_rather_than_moving_an_object() -> None:
    seen = corridor(BALL, None, KEY)
    wide = View({tile: item for tile, item in seen.items.items() if tile[1] != 2}, 6, 3, (1, 1), 0, None)
    way = route(wide, next_to([(4, 1)]), moving=True)
    assert way is not None
    assert (2, 1) not in way


def test_things_are_found_by_what_is_said_of_them() -> None:
    seen = corridor(KEY, LOCKED, BALL, Item("key", "blue"))
    for phrase, places in (
        ("a key", [(2, 1), (5, 1)]),
        ("the blue key", [(5, 1)]),
        ("a fitting key", [(2, 1)]),
        ("a grey object", [(4, 1)]),
        ("a locked door", [(3, 1)]),
        ("a fitting door", []),
    ):
        assert seen.find(read_thing(phrase)) == places
    assert corridor(LOCKED, carried=KEY).find(read_thing("a fitting door")) == [(2, 1)]


def test_it_sees_all_but_what_is_in_boxes(draw: Draw) -> None:
    seen = look(draw("#####", "#> X#", "#LDo#", "#####"))
    assert seen.items[(3, 1)] == Item("box", "purple")
    assert (seen.items[(1, 2)].state, seen.items[(2, 2)].state) == ("locked", "closed")
    assert (seen.at, seen.heading, seen.carried) == ((1, 1), 0, None)
    assert seen.empty() == {(1, 1), (2, 1)}
