from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from memsvc.episodes.found import Episodes
from memsvc.testing import HashEmbedder
from memsvc_evals.learning.loop import MEMRL, ORACLE, RANDOM, SIMILARITY
from memsvc_evals.learning.memories import Clock, opened
from memsvc_evals.learning.planted import DIMENSION, NAMESPACE, Plan, Task, Trying, fill, plant, run_planted, schedule
from memsvc_evals.learning.study import Study

pytestmark = pytest.mark.slow

TINY = Plan(seeds=2, clusters=3, episodes=6, helpful=1, tasks=2, slip=0.0, epochs=4, pool=6, top_k=1)


@pytest.fixture(scope="module")
def study() -> Study:
    return run_planted(plan=TINY)


def succeeds(task: Task, given: Episodes) -> bool:
    return Trying().succeeds(task, Trying().decide(task, given, random.Random(0)))


def last(study: Study, arm: str) -> float:
    return study.curve(arm, "success")[-1].mean


def test_each_cluster_holds_its_helpful_episodes_in_wordings_of_their_own() -> None:
    world = plant(0, Plan())
    intents = [intent for intent, _ in world.episodes] + [task.intent for task in world.tasks]
    assert len(set(intents)) == len(intents) == 12 * (10 + 3)
    for task in world.tasks:
        assert sum(script == task.script for _, script in world.episodes) == 2


def test_a_world_and_its_schedule_depend_on_the_seed_alone() -> None:
    assert plant(1, TINY) == plant(1, TINY) != plant(2, TINY)
    world = plant(1, TINY)
    assert schedule(world, 1, TINY) == schedule(world, 1, TINY) != schedule(world, 2, TINY)
    assert all(set(tasks) == set(world.tasks) for tasks in schedule(world, 1, TINY))
    slippery = replace(TINY, slip=1.0)
    assert all(task.slips for tasks in schedule(world, 1, slippery) for task in tasks)


def test_intents_of_a_cluster_are_near_duplicates() -> None:
    world = plant(0, Plan())
    with opened(HashEmbedder(DIMENSION), Clock()) as memory:
        fill(memory, world)
        for task in world.tasks:
            hits = memory.search_episodes(task.intent, namespace=NAMESPACE, pool=10, top_k=10).hits
            kind = task.intent.rsplit(" ", 1)[0]
            assert all(hit.episode.intent.startswith(kind) and hit.similarity > 0.8 for hit in hits)


def test_the_agent_succeeds_only_with_the_right_script() -> None:
    world = plant(0, TINY)
    with opened(HashEmbedder(DIMENSION), Clock()) as memory:
        fill(memory, world)
        task = world.tasks[0]
        everything = memory.search_episodes(task.intent, namespace=NAMESPACE, pool=18, top_k=18)
        assert succeeds(task, everything)
        assert not succeeds(replace(task, slips=True), everything)
        memory.delete(next(h.id for h in everything.hits if h.episode.experience == task.script), namespace=NAMESPACE)
        assert not succeeds(task, memory.search_episodes(task.intent, namespace=NAMESPACE, pool=18, top_k=18))


def test_learning_beats_similarity_and_chance(study: Study) -> None:
    assert study.arms == (MEMRL, SIMILARITY, RANDOM, ORACLE)
    assert last(study, ORACLE) == 1.0
    assert last(study, MEMRL) > max(last(study, SIMILARITY), last(study, RANDOM)) + 0.3
    assert study.curve(MEMRL, "success")[-1].mean > study.curve(MEMRL, "success")[0].mean


def test_slips_are_all_that_the_oracle_fails_by() -> None:
    found = run_planted(plan=Plan(seeds=1, clusters=2, episodes=3, helpful=1, tasks=2, slip=1.0, epochs=1, top_k=1))
    assert [last(found, arm) for arm in found.arms] == [0.0] * 4


def test_the_off_policy_estimate_agrees_with_the_measurement(study: Study) -> None:
    values = {one.name: one.value.mean for one in study.figures if one.arm == MEMRL}
    assert values["estimated off policy"] == pytest.approx(values["measured"], abs=0.15)


def test_the_same_twice(study: Study) -> None:
    def told(found: Study) -> dict[str, Any]:
        return {name: value for name, value in found.to_dict().items() if name != "provenance"}

    assert told(run_planted(plan=TINY)) == told(study)


def test_bars_are_judged_by_the_figures(study: Study) -> None:
    assert set(study.bars) == {"memrl reaches 90% of the oracle", "similarity is clearly below memrl"}
    assert study.bars["memrl reaches 90% of the oracle"] == (last(study, MEMRL) >= 0.9 * last(study, ORACLE))
