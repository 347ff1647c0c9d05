"""Levels that are drawn by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Done = Callable[[Any], bool]
    Draw = Callable[..., Any]


@pytest.fixture
def draw() -> Draw:
    """Makes an environment of rows of tiles, whose mission is accomplished as soon as `done` holds.

    # wall, > the agent, facing right; R a red key, L a red door that is locked; D a blue door that is closed;
    o a grey ball, b a green box; X a purple box with a red key in it; B a blue key, M a blue door that is locked.
    """
    pytest.importorskip("minigrid")
    from minigrid.core.grid import Grid
    from minigrid.core.mission import MissionSpace
    from minigrid.core.world_object import Ball, Box, Door, Key, Wall
    from minigrid.minigrid_env import MiniGridEnv

    legend = {
        "#": Wall,
        "R": lambda: Key("red"),
        "B": lambda: Key("blue"),
        "L": lambda: Door("red", is_locked=True),
        "M": lambda: Door("blue", is_locked=True),
        "D": lambda: Door("blue"),
        "o": lambda: Ball("grey"),
        "b": lambda: Box("green"),
        "X": lambda: Box("purple", Key("red")),
    }

    class Drawn(MiniGridEnv):  # type: ignore[misc, unused-ignore]
        def __init__(self, rows: tuple[str, ...], done: Done, moves: int) -> None:
            self.rows, self.done = rows, done
            space = MissionSpace(mission_func=lambda: "")
            super().__init__(space, width=len(rows[0]), height=len(rows), max_steps=moves)

        def _gen_grid(self, width: int, height: int) -> None:
            self.grid, self.mission = Grid(width, height), ""
            for y, row in enumerate(self.rows):
                for x, letter in enumerate(row):
                    if letter in legend:
                        self.grid.set(x, y, legend[letter]())
                    elif letter == ">":
                        self.agent_pos, self.agent_dir = (x, y), 0

        def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
            seen, _, _, truncated, more = super().step(action)
            done = self.done(self)
            return seen, float(done), done, truncated, more

    def make(*rows: str, done: Done = lambda _: False, moves: int = 100) -> Any:
        level = Drawn(rows, done, moves)
        level.reset(seed=0)
        return level

    return make
