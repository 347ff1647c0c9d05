"""Carries a script out, move by move.

A script is taken at its word: its steps are done one after the other, and the attempt is over, and lost, with the
first that cannot be done (no such thing in reach, hands full or empty, a door that stays locked, nothing in the way
that could be cleared). Whether the mission was done is said by the environment alone, within its own limit of moves.

    go to X                walk next to the nearest X, through doors that are not locked, and face it
    pick up X              go to it and take it; wants empty hands
    open X                 go to a box, or a door that is not open, and toggle it; a locked door opens with its key
    drop it                lay what is carried on the nearest empty tile
    put it next to X       lay what is carried on an empty tile next to X
    clear the way to X     take away, one by one, what lies on the shortest way to X; wants empty hands
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memsvc_evals.errors import MeasurementError
from memsvc_evals.learning.babyai.missions import read_thing
from memsvc_evals.learning.babyai.view import HEADINGS, beside, look, next_to, route

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator, Sequence

    from memsvc_evals.learning.babyai.missions import Thing
    from memsvc_evals.learning.babyai.view import Point, View

    Look = Callable[[], View]
    Moves = Generator[int, None, bool]  # the moves of a step; at its end, whether it could be done

LEFT, RIGHT, FORWARD, PICK_UP, DROP, TOGGLE = range(6)
"""minigrid's numbers for moves."""

_TURNS = ((), (RIGHT,), (RIGHT, RIGHT), (LEFT,))


def carry_out(env: Any, steps: Sequence[str]) -> bool:
    """Do the steps in a minigrid environment that was just reset; whether its mission was accomplished.

    Raises:
        MeasurementError: a step that is not in the language.
    """
    for move in _script(lambda: look(env), steps):
        _, reward, terminated, truncated, _ = env.step(move)
        if terminated or truncated:
            return bool(reward > 0)
    return False


def _script(look: Look, steps: Sequence[str]) -> Iterator[int]:
    for step in steps:
        if not (yield from _step(look, step)):
            return


def _step(look: Look, step: str) -> Moves:
    if step == "drop it":
        return (yield from _lay(look, look().empty()))
    for words, does in _VERBS.items():
        if step.startswith(words):
            return (yield from does(look, read_thing(step.removeprefix(words).strip())))
    raise MeasurementError(f"{step!r} is no step; it should begin with {', '.join(_VERBS)} or be 'drop it'")


def _go_to(look: Look, thing: Thing) -> Moves:
    return (yield from _approach(look, look().find(thing)))


def _pick_up(look: Look, thing: Thing) -> Moves:
    return (yield from _take(look, look().find(thing)))


def _open(look: Look, thing: Thing) -> Moves:
    seen = look()
    shut = [place for place in seen.find(thing) if seen.items[place].state != "open"]
    if not (yield from _approach(look, shut)):
        return False
    before = look()
    yield TOGGLE
    return look().items != before.items


def _put_next_to(look: Look, thing: Thing) -> Moves:
    seen = look()
    return (yield from _lay(look, seen.empty() & {tile for place in seen.find(thing) for tile in beside(place)}))


def _clear(look: Look, thing: Thing) -> Moves:
    cleared = False
    while way := route(look(), next_to(look().find(thing)), moving=True):
        blocking = [place for place in way[1:] if place in look().items and look().items[place].movable]
        if not blocking:
            return cleared
        if not (yield from _take(look, blocking[:1])):
            return False
        if not (yield from _lay(look, look().empty() - set(way))):
            return False
        cleared = True
    return False


_VERBS: dict[str, Callable[[Look, Thing], Moves]] = {
    "go to": _go_to,
    "pick up": _pick_up,
    "open": _open,
    "put it next to": _put_next_to,
    "clear the way to": _clear,
}


def _take(look: Look, places: Collection[Point]) -> Moves:
    if look().carried is not None or not (yield from _approach(look, places)):
        return False
    yield PICK_UP
    return look().carried is not None


def _lay(look: Look, tiles: Collection[Point]) -> Moves:
    if look().carried is None or not (yield from _approach(look, tiles)):
        return False
    yield DROP
    return look().carried is None


def _approach(look: Look, places: Collection[Point]) -> Moves:
    """Walk next to the nearest of these and face it."""
    way = route(look(), next_to(places))
    if way is None:
        return False
    for place in way[1:]:
        yield from _face(look(), place)
        if place in (items := look().items) and items[place].state == "closed":
            yield TOGGLE
        yield FORWARD
    seen = look()
    yield from _face(seen, next(place for place in beside(seen.at) if place in places))
    return True


def _face(seen: View, place: Point) -> Iterator[int]:
    step = (place[0] - seen.at[0], place[1] - seen.at[1])
    yield from _TURNS[(HEADINGS.index(step) - seen.heading) % 4]
