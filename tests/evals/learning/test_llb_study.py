from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from memsvc.testing import HashEmbedder
from memsvc_evals.learning.llb.study import Adapting, Plan, run_llb, split
from memsvc_evals.learning.llb.tasks import LeftOut
from memsvc_evals.learning.loop import ARMS, MEMRL, NO_MEMORY, Agent, Arm
from memsvc_evals.learning.memories import Clock, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memsvc import Memory
    from memsvc_evals.learning.llb.tasks import Task

    Tasks = dict[str, Task]

pytestmark = pytest.mark.slow

PLAN = Plan(seeds=2, epochs=2, held_out=0.4, demonstrated=0.7, pool=4, top_k=2)


@pytest.fixture
def memory() -> Iterator[Memory]:
    with opened(HashEmbedder(), Clock()) as opened_memory:
        yield opened_memory


def agent(memory: Memory, arm: str = MEMRL) -> Agent[Task, str]:
    return Agent(Adapting(), Arm(arm, 4, 2), memory, Clock(), random.Random(0))


def test_a_split_covers_every_task_once(tasks: Tasks) -> None:
    parts = split(tuple(tasks.values()), 0, PLAN)
    assert sorted(task.id for part in parts for task in part) == sorted(tasks)
    assert [len(part) for part in parts] == [2, 1, 2]
    assert parts == split(tuple(tasks.values()), 0, PLAN)


def test_what_was_demonstrated_is_carried_over_and_rewarded(memory: Memory, tasks: Tasks) -> None:
    learner = agent(memory)
    learner.remember(tasks["long"], tasks["long"].gold, success=True)
    assert learner.attempts(tasks["rich"])
    [(moved, utility)] = memory.top_utilities(namespace=Adapting.namespace)
    assert memory.get(moved, namespace=Adapting.namespace).text == tasks["long"].intent
    assert utility.q == pytest.approx(0.3)
    held = {one.text for one in memory.list(namespace=Adapting.namespace)}
    assert held == {tasks["long"].intent, tasks["rich"].intent}


def test_a_failure_is_stored_once_and_blamed(memory: Memory, tasks: Tasks) -> None:
    learner = agent(memory)
    learner.remember(tasks["long"], tasks["long"].gold, success=True)
    for stored in (2, 3, 3):  # what it was shown, carried over; the fallback; the fallback again
        assert not learner.attempts(tasks["moor"])
        assert len(memory.list(namespace=Adapting.namespace)) == stored
    assert all(utility.q < 0 for _, utility in memory.top_utilities(namespace=Adapting.namespace))


def test_trying_leaves_nothing_behind(memory: Memory, tasks: Tasks) -> None:
    learner = agent(memory)
    learner.remember(tasks["long"], tasks["long"].gold, success=True)
    assert learner.solves(tasks["rich"])
    assert len(memory.list(namespace=Adapting.namespace)) == 1
    assert memory.top_utilities(namespace=Adapting.namespace) == []


def test_without_memory_nothing_is_kept(memory: Memory, tasks: Tasks) -> None:
    forgetful = agent(memory, NO_MEMORY)
    forgetful.remember(tasks["long"], tasks["long"].gold, success=True)
    assert not forgetful.attempts(tasks["rich"])
    assert forgetful.attempts(tasks["longest"])
    assert memory.namespaces() == []


def test_what_was_solved_once_stays_solved(memory: Memory, tasks: Tasks) -> None:
    learner = agent(memory)
    for name in ("long", "moor"):
        learner.remember(tasks[name], tasks[name].gold, success=True)
    for _ in range(3):
        assert learner.attempts(tasks["rich"])
        assert learner.attempts(tasks["weaken"])


def test_a_study_has_every_arm_and_curve(tasks: Tasks) -> None:
    chosen = tuple(tasks.values())
    study = run_llb(chosen, HashEmbedder(), left_out=[LeftOut("x", "why")], plan=PLAN)
    assert study.arms == ARMS
    assert study.points("success") == ("1", "2")
    assert study.points("held out") == ("before", "after")
    assert study.settings["left out"] == {"x": "why"}
    for run in study.runs:
        assert all(0 <= value <= 1 for curve in run.curves.values() for value in curve)
        assert list(run.curves["cumulative"]) == sorted(run.curves["cumulative"])
    plain = study.curve(NO_MEMORY, "held out")
    assert plain[0] == plain[1]


def test_a_task_of_another_kind_than_what_was_shown_is_not_solved(memory: Memory, tasks: Tasks) -> None:
    learner = agent(memory)
    learner.remember(tasks["weaken"], tasks["weaken"].gold, success=True)
    learner.remember(tasks["longest"], tasks["longest"].gold, success=True)
    assert not any(learner.attempts(tasks["rich"]) for _ in range(3))
