from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from memsvc_evals import MeasurementError
from memsvc_evals.learning.babyai.interpreter import carry_out

if TYPE_CHECKING:
    from tests.evals.learning.babyai.conftest import Draw

KEY, DOOR, DROP = "pick up a fitting key", "open a fitting door", "drop it"


def holds(kind: str) -> Any:
    return lambda env: env.carrying is not None and env.carrying.type == kind


def opened(x: int, y: int) -> Any:
    return lambda env: env.grid.get(x, y).is_open


def lies(kind: str, x: int, y: int) -> Any:
    return lambda env: env.grid.get(x, y) is not None and env.grid.get(x, y).type == kind


@pytest.mark.parametrize(
    ("steps", "works"),
    [
        (("pick up the ball",), False),
        ((KEY, "pick up the ball"), False),
        ((KEY, DOOR, "pick up the ball"), False),
        ((KEY, DOOR, DROP, "pick up the ball"), True),
        ((DOOR, "pick up the ball"), False),
    ],
    ids=["locked", "hands full at the door", "hands full at the ball", "as it should be", "no key"],
)
def test_a_ball_behind_a_locked_door(draw: Draw, steps: tuple[str, ...], works: bool) -> None:
    level = draw("########", "#>  #  #", "#   L o#", "#  R#  #", "########", done=holds("ball"))
    assert carry_out(level, steps) is works


@pytest.mark.parametrize(
    ("steps", "works"),
    [(("open the door",), False), ((KEY, "open the door"), False), (("open a box", KEY, "open the door"), True)],
)
def test_a_key_in_a_box(draw: Draw, steps: tuple[str, ...], works: bool) -> None:
    assert carry_out(draw("#####", "#>  L", "#  X#", "#####", done=opened(4, 1)), steps) is works


@pytest.mark.parametrize(
    ("steps", "works"),
    [
        ((KEY, DOOR), False),
        (("clear the way to a locked door", KEY, DOOR), True),
        ((KEY, "clear the way to a locked door", DOOR), False),
    ],
    ids=["blocked", "cleared first", "hands full"],
)
def test_a_door_that_is_blocked(draw: Draw, steps: tuple[str, ...], works: bool) -> None:
    assert carry_out(draw("######", "#>   #", "# R oL", "#    #", "######", done=opened(5, 2)), steps) is works


def test_all_that_blocks_is_cleared_off_the_way(draw: Draw) -> None:
    level = draw("########", "#  #####", "#>o o R#", "########", done=holds("key"))
    assert carry_out(level, ("clear the way to the key", "pick up the key"))


def test_nothing_to_clear_ends_the_attempt(draw: Draw) -> None:
    level = draw("#####", "#> R#", "#####", done=holds("key"))
    assert not carry_out(level, ("clear the way to the key", "pick up the key"))
    assert level.step_count == 0


def test_two_doors_one_after_the_other(draw: Draw) -> None:
    steps = (KEY, DOOR, DROP, KEY, DOOR, DROP, "pick up the ball")
    level = draw("##########", "#  #>  #R#", "#o L B M #", "#  #   # #", "##########", done=holds("ball"))
    assert carry_out(level, steps)


def test_what_is_put_next_to_something_lies_there(draw: Draw) -> None:
    level = draw("######", "#>o b#", "######", done=lies("ball", 3, 1))
    assert carry_out(level, ("pick up the ball", "put it next to the box"))


def test_it_goes_through_closed_doors_and_faces_what_it_came_for(draw: Draw) -> None:
    level = draw("#######", "#> D  #", "####  #", "####o #", "#######", done=lambda env: (*env.front_pos,) == (4, 3))
    assert carry_out(level, ("go to the ball",))


def test_an_open_door_is_not_opened_again(draw: Draw) -> None:
    level = draw("####", "#> D", "####")
    assert not carry_out(level, ("open the door", "open the door"))
    assert level.grid.get(3, 1).is_open


def test_moves_are_limited_by_the_environment(draw: Draw) -> None:
    rows = ("######", "#>   R", "######")
    assert carry_out(draw(*rows, done=holds("key"), moves=4), ("pick up the key",))
    assert not carry_out(draw(*rows, done=holds("key"), moves=3), ("pick up the key",))


def test_a_step_of_no_meaning_is_an_error(draw: Draw) -> None:
    with pytest.raises(MeasurementError, match="'sing' is no step"):
        carry_out(draw("###", "#>#", "###"), ("sing",))
