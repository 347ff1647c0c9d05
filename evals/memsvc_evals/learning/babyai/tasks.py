"""The tasks: BabyAI's levels, made from seeds, with rewards by the environment alone.

The levels were chosen for what they ask in the same words: "pick up the ball" may want a walk, a key from another room,
or two keys in turn; "open the door" a key that lies about or one that is hidden in a box. As many tasks are made of
each, so that none of them was favoured.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from memsvc.errors import MissingDependency
from memsvc_evals.learning.babyai.interpreter import carry_out
from memsvc_evals.learning.babyai.missions import Mission, Script, read_mission

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LEVELS = (
    "GoToLocal",
    "GoToImpUnlock",
    "OneRoomS8",
    "FindObjS5",
    "KeyCorridorS3R2",
    "UnlockToUnlock",
    "PickupDist",
    "PickupAbove",
    "UnblockPickup",
    "UnlockPickup",
    "UnlockPickupDist",
    "BlockedUnlockPickup",
    "OpenDoorColor",
    "Unlock",
    "UnlockLocal",
    "UnlockLocalDist",
    "KeyInBox",
    "PutNextS5N2",
    "PutNextS5N2Carrying",
)


@dataclass(frozen=True, slots=True)
class Task:
    """One layout of a level, and what is asked in it."""

    level: str
    seed: int
    intent: str

    @property
    def mission(self) -> Mission:
        """What is asked, taken apart."""
        return read_mission(self.intent)


def require_minigrid() -> Callable[..., Any]:
    """What makes an environment by its name.

    Raises:
        MissingDependency: minigrid is not installed.
    """
    try:
        import gymnasium  # half a second together, and an extra
        import minigrid  # noqa: F401  its import registers the levels
    except ImportError as error:
        raise MissingDependency("BabyAI needs minigrid: pip install 'memsvc[envs]'.") from error
    make: Callable[..., Any] = gymnasium.make
    return make


def make_tasks(seed: int, each: int, levels: Sequence[str] = LEVELS) -> tuple[Task, ...]:
    """`each` tasks of every level, level by level; other seeds have other layouts.

    Raises:
        MissingDependency: minigrid is not installed.
    """
    first = seed * each * len(levels)  # no two levels share a layout's seed: theirs would be alike, word for word
    return tuple(
        Task(level, layout, _begin(level, layout).mission)
        for at, level in enumerate(levels)
        for layout in range(first + at * each, first + (at + 1) * each)
    )


@cache
def succeeds(task: Task, script: Script) -> bool:
    """Whether a script of the mission's verb accomplishes it. A layout never changes, so that it is run only once."""
    return carry_out(_begin(task.level, task.seed), task.mission.fill(script))


def _begin(level: str, seed: int) -> Any:
    """A level as it is at its beginning."""
    environment = require_minigrid()(f"BabyAI-{level}-v0", disable_env_checker=True).unwrapped
    with contextlib.redirect_stdout(io.StringIO()):  # it prints each layout that it rejects
        environment.reset(seed=seed)
    return environment
