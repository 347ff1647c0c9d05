from __future__ import annotations

import os
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from memsvc.errors import MissingDependency
from memsvc.testing import HashEmbedder
from memsvc_evals import MeasurementError, extra
from memsvc_evals.learning.loop import (
    MEMRL,
    NO_MEMORY,
    RANDOM,
    SIMILARITY,
    Arm,
    agent,
    in_parallel,
    live,
    shuffled,
    signed,
)
from memsvc_evals.learning.memories import Clock, opened
from memsvc_evals.learning.study import Run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memsvc import Memory
    from memsvc.episodes.found import Episodes

INTENT = "mend the torn net of the old boat"


@pytest.fixture
def memory() -> Iterator[Memory]:
    with opened(HashEmbedder(256), Clock()) as opened_memory:
        for number, filler in enumerate("today soon now later".split()):
            opened_memory.add_episode(f"{INTENT} {filler}", f"Step {number}.", namespace="a", success=True)
        yield opened_memory


def found(arm: str, memory: Memory, seed: int = 0) -> list[str]:
    given = Arm(arm, pool=4, top_k=2).find(memory, "a", INTENT, random.Random(seed))
    return [hit.id for hit in given.hits]


def test_without_feedback_utility_changes_nothing(memory: Memory) -> None:
    assert found(MEMRL, memory) == found(SIMILARITY, memory)


def test_only_memrl_turns_away_from_what_failed(memory: Memory) -> None:
    first, second = found(SIMILARITY, memory)
    given = Arm(MEMRL, 4, 2).find(memory, "a", INTENT, random.Random(0))
    for _ in range(3):
        memory.feedback(given.trace_id or "", signed(success=False), used=[first])
    assert found(SIMILARITY, memory) == [first, second]
    assert found(MEMRL, memory)[0] == second


def test_chance_is_seeded_and_reaches_the_whole_pool(memory: Memory) -> None:
    assert found(RANDOM, memory, 1) == found(RANDOM, memory, 1)
    assert len({tuple(found(RANDOM, memory, seed)) for seed in range(20)}) > 1
    assert len({one for seed in range(20) for one in found(RANDOM, memory, seed)}) == 4


def test_only_memrl_learns() -> None:
    assert [Arm(name, 4, 2).learns for name in (MEMRL, SIMILARITY, RANDOM)] == [True, False, False]
    assert (signed(success=True), signed(success=False)) == (1.0, -1.0)


@dataclass(frozen=True)
class Door:
    intent: str
    key: int


class Doors:
    """Each key that was shown to work is tried; else any of three."""

    namespace = "doors"

    def decide(self, task: Door, given: Episodes, chance: random.Random) -> int:
        return next((int(hit.episode.experience) for hit in given.successes), chance.randrange(3))

    def succeeds(self, task: Door, action: int) -> bool:
        return action == task.key

    def lesson(self, task: Door, action: int) -> tuple[str, str]:
        return f"try key {action}", str(action)


DOORS = [Door("open the red door", 0), Door("lift the heavy gate", 1), Door("unlock a small chest", 2)]


def test_an_agent_keeps_what_works_and_is_measured_before_and_after() -> None:
    with agent(Doors(), Arm(MEMRL, 3, 3), HashEmbedder(), 1) as learner:
        curves = live(learner, shuffled(DOORS[:1], 8, 1), DOORS[:1])
        assert curves["success"][-1] == curves["cumulative"][-1] == 1.0
        assert curves["held out"][1] == 1.0
        assert len(learner.memory.list(namespace="doors")) <= 3  # the same attempt is stored once
        assert learner.memory.top_utilities(namespace="doors")


def test_without_memory_nothing_is_kept_or_given() -> None:
    with agent(Doors(), Arm(NO_MEMORY, 3, 3), HashEmbedder(), 1) as forgetful:
        assert "held out" not in live(forgetful, shuffled(DOORS, 2, 1))
        assert forgetful.memory.namespaces() == []


def test_rewards_go_to_whoever_teaches() -> None:
    told: list[bool] = []
    with agent(Doors(), Arm(MEMRL, 3, 3), HashEmbedder(), 1, teach=lambda *said: told.append(said[2])) as learner:
        learner.remember(DOORS[0], 0, success=True)
        learner.attempts(DOORS[0])
        learner.solves(DOORS[0])
        assert learner.memory.top_utilities(namespace="doors") == []
    assert told == [True]


def test_an_order_depends_on_seed_and_epoch_alone() -> None:
    many = [Door(str(number), 0) for number in range(9)]
    rounds = shuffled(many, 3, 5)
    assert rounds == shuffled(many, 3, 5) != shuffled(many, 3, 6)
    assert rounds[0] != rounds[1]
    assert all(set(tasks) == set(many) for tasks in rounds)


def test_a_study_without_scipy_says_so_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda package: None)
    with pytest.raises(MissingDependency, match=r"scipy: pip install 'memsvc\[evals\]'"):
        in_parallel(vanish, [1], 1, None)


def work(job: int) -> list[Run]:
    return [Run("square", job, {"value": (float(job * job),)})]


def vanish(job: int) -> list[Run]:
    os._exit(job)


def divide(job: int) -> list[Run]:
    return [Run("part", job, {"value": (1 / job,)})]


@pytest.mark.parametrize("workers", [1, 2])
def test_runs_come_in_the_order_of_their_jobs(workers: int) -> None:
    seen: list[tuple[str, int, int]] = []
    runs = in_parallel(work, [3, 1, 2], workers, lambda *said: seen.append(said))
    assert [run.curves["value"] for run in runs] == [(9.0,), (1.0,), (4.0,)]
    assert seen == [("run", 1, 3), ("run", 2, 3), ("run", 3, 3)]


def test_a_process_that_was_ended_is_an_error_of_ours() -> None:
    with pytest.raises(MeasurementError, match="ended from outside"):
        in_parallel(vanish, [1, 2], 2, None)


def test_what_a_job_raises_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        in_parallel(divide, [0], 2, None)
