"""A life of an agent: tasks that come again in every epoch, and tasks that are held out, before and after."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol, TypeVar

from memsvc_evals.learning.study import figure
from memsvc_evals.retrieval.metrics import mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_evals.learning.memories import Clock
    from memsvc_evals.learning.study import Figure, Run

Task = TypeVar("Task", contravariant=True)

TICKS = {"held out": ("before", "after")}


class Agent(Protocol[Task]):
    """Who does the tasks."""

    def solves(self, task: Task) -> bool:
        """Try a task and leave no lesson behind."""
        ...

    def attempts(self, task: Task) -> bool:
        """Do a task and learn from it."""
        ...


def live(
    agent: Agent[Task], done: Sequence[Task], held_out: Sequence[Task], *, epochs: int, seed: int, clock: Clock
) -> dict[str, tuple[float, ...]]:
    """The curves `success` and `cumulative` (solved at least once) by epoch, and `held out` before and after.

    Every epoch has an order of its own, the same for every agent of a seed.
    """
    success, cumulative, solved = [], [], set[int]()
    before = mean([agent.solves(task) for task in held_out])
    for epoch in range(epochs):
        clock.epoch()
        order = random.Random(f"order {seed} {epoch}").sample(range(len(done)), len(done))
        went_well = [at for at in order if agent.attempts(done[at])]
        solved.update(went_well)
        success.append(len(went_well) / len(done))
        cumulative.append(len(solved) / len(done))
    after = mean([agent.solves(task) for task in held_out])
    return {"success": tuple(success), "cumulative": tuple(cumulative), "held out": (before, after)}


def figures(runs: Sequence[Run], arms: Sequence[str]) -> tuple[Figure, ...]:
    """What is reported of such lives: every arm, and how far the first is above each of the others."""
    found: list[Figure] = []
    for name, measure, epoch in (
        ("first epoch", "success", 0),
        ("last epoch", "success", -1),
        ("solved at least once", "cumulative", -1),
        ("held out, before", "held out", 0),
        ("held out, after", "held out", -1),
    ):
        found += [figure(name, runs, arm, measure, epoch) for arm in arms]
        if epoch:
            found += [figure(name, runs, arms[0], measure, epoch, against=other) for other in arms[1:]]
    return tuple(found)
