from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from memsvc.testing import HashEmbedder
from memsvc_evals.learning.babyai.study import BabyAI, Plan, run_babyai, split
from memsvc_evals.learning.babyai.tasks import LEVELS, make_tasks, succeeds
from memsvc_evals.learning.loop import ARMS, MEMRL, NO_MEMORY, ORACLE, SIMILARITY, Agent, Arm
from memsvc_evals.learning.memories import Clock, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memsvc import Memory
    from memsvc_evals.learning.babyai.missions import Script
    from memsvc_evals.learning.babyai.tasks import Task

pytestmark = pytest.mark.slow

PLAN = Plan(levels=("OneRoomS8", "KeyInBox", "UnlockLocal"), seeds=2, epochs=3, done=2, held_out=1)
pytest.importorskip("minigrid")


@pytest.fixture
def memory() -> Iterator[Memory]:
    with opened(HashEmbedder(), Clock()) as opened_memory:
        yield opened_memory


@pytest.fixture(scope="module")
def tasks() -> dict[str, Task]:
    return {task.level: task for task in make_tasks(0, 1)}


def agent(memory: Memory, arm: str = MEMRL) -> Agent[Task, Script]:
    return Agent(BabyAI(), Arm(arm, 10, 5), memory, Clock(), random.Random(0))


def test_a_split_takes_of_every_level() -> None:
    tasks = make_tasks(1, 3)
    done, held_out = split(tasks, Plan(done=2, held_out=1))
    assert sorted([*done, *held_out], key=tasks.index) == list(tasks)
    assert [task.level for task in held_out] == list(LEVELS)


def test_a_script_that_worked_is_followed_and_rewarded(memory: Memory, tasks: dict[str, Task]) -> None:
    learner = agent(memory)
    hidden = tasks["KeyInBox"]
    learner.remember(hidden, hidden.mission.scripts[2], success=True)
    assert learner.attempts(hidden)
    [(_, utility)] = memory.top_utilities(namespace=BabyAI.namespace)
    assert utility.q == pytest.approx(0.3)
    assert len(memory.list(namespace=BabyAI.namespace)) == 1


def test_the_same_words_elsewhere_blame_it(memory: Memory, tasks: dict[str, Task]) -> None:
    learner = agent(memory)
    hidden, plain = tasks["KeyInBox"], tasks["UnlockLocal"]
    learner.remember(hidden, hidden.mission.scripts[2], success=True)
    assert not learner.attempts(plain)
    [(_, utility)] = memory.top_utilities(namespace=BabyAI.namespace)
    assert utility.q == pytest.approx(-0.3)
    assert len(memory.list(namespace=BabyAI.namespace)) == 2


def test_trying_leaves_nothing_behind(memory: Memory, tasks: dict[str, Task]) -> None:
    learner = agent(memory)
    learner.remember(tasks["KeyInBox"], tasks["KeyInBox"].mission.scripts[2], success=True)
    assert learner.solves(tasks["KeyInBox"])
    assert memory.top_utilities(namespace=BabyAI.namespace) == []
    assert len(memory.list(namespace=BabyAI.namespace)) == 1


def test_only_the_arm_that_learns_rewards(memory: Memory, tasks: dict[str, Task]) -> None:
    other = agent(memory, SIMILARITY)
    other.remember(tasks["KeyInBox"], tasks["KeyInBox"].mission.scripts[2], success=True)
    assert other.attempts(tasks["KeyInBox"])
    assert memory.top_utilities(namespace=BabyAI.namespace) == []


def test_without_memory_nothing_is_kept(memory: Memory, tasks: dict[str, Task]) -> None:
    forgetful = agent(memory, NO_MEMORY)
    forgetful.attempts(tasks["OneRoomS8"])
    assert memory.namespaces() == []


def test_a_study_has_every_arm_and_curve_and_comes_out_the_same_again() -> None:
    study = run_babyai(HashEmbedder(), plan=PLAN)
    assert study.arms == (*ARMS, ORACLE)
    assert study.points("success") == ("1", "2", "3")
    assert study.points("held out") == ("before", "after")
    succeeds.cache_clear()
    assert study.runs == run_babyai(HashEmbedder(), plan=PLAN).runs
    for run in study.runs:
        assert all(0 <= value <= 1 for curve in run.curves.values() for value in curve)
        assert list(run.curves["cumulative"]) == sorted(run.curves["cumulative"])
    assert list(study.bars) == [f"memrl is above {other}, last epoch" for other in ARMS[1:]]
