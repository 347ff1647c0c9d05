from __future__ import annotations

from dataclasses import replace

import pytest

from memsvc import Memory
from memsvc.errors import InvalidInput
from memsvc.testing import HashEmbedder
from memsvc_evals.learning.loop import MEMRL, Arm, agent
from memsvc_evals.learning.memories import Clock, opened
from memsvc_evals.learning.offpolicy import check, evaluate, logged
from memsvc_evals.learning.planted import DIMENSION, NAMESPACE, Plan, Trying, fill, plant
from memsvc_store.values.learned import Outcome

pytestmark = pytest.mark.slow

TASK = "list the users"
POOL, GIVEN = 4, 2


def explored(memory: Memory, times: int, epsilon: float) -> list[str]:
    """A namespace whose most useful episode is the least similar one; 1 for a choice with it, else 0. Its traces."""
    texts = [TASK, f"{TASK} now", f"{TASK} of shop", f"{TASK} of the old shop"]
    ids = [memory.add_episode(text, "t", namespace="ann", reward=1).id for text in texts]
    first = memory.search_episodes(TASK, namespace="ann", pool=POOL, top_k=POOL)
    memory.feedback(str(first.trace_id), 1.0, used=[ids[-1] or ""])
    found = []
    for seed in range(times):
        given = memory.search_episodes(TASK, namespace="ann", pool=POOL, top_k=GIVEN, epsilon=epsilon, seed=seed)
        found.append(str(given.trace_id))
    return found


def outcomes(memory: Memory, traces: list[str]) -> list[Outcome]:
    """As if each choice had been rewarded by whether the best episode was in it; utilities stay as they are."""
    [(best, _)] = memory.top_utilities(namespace="ann")
    kept = [memory.store.learning.trace(trace)[1] for trace in traces]
    return [Outcome(trace, (float(best in trace.used),)) for trace in kept]


def test_a_trace_keeps_how_likely_its_set_was() -> None:
    with opened(HashEmbedder(DIMENSION), Clock()) as memory:
        traces = [memory.store.learning.trace(one)[1] for one in explored(memory, 40, 0.6)]
    likely = {trace.used: trace.document["probability"] for trace in traces}
    assert len(likely) == 6  # all sets of 2 of 4
    assert sum(likely.values()) == pytest.approx(1.0)
    assert min(likely.values()) == pytest.approx(0.6 / 6)
    assert {trace.document["top_k"] for trace in traces} == {GIVEN}


def test_weights_are_judged_by_the_sets_that_they_would_have_chosen() -> None:
    with opened(HashEmbedder(DIMENSION), Clock()) as memory:
        seen = outcomes(memory, explored(memory, 150, 1.0))
    report = evaluate(seen, [0.0, 1.0])
    similar, useful = (one.estimate for one in report.weights)
    assert similar is not None
    assert useful is not None
    assert (similar.value, useful.value) == (0.0, 1.0)
    assert (report.rewarded, report.drawn) == (150, 150)
    assert report.earned.low < 0.5 < report.earned.high  # three of six sets hold the best
    assert useful.effective == pytest.approx(sum(logged(one.trace, 0.0, 1.0).target for one in seen))


def test_choices_without_chance_or_without_overlap_are_refused() -> None:
    with opened(HashEmbedder(DIMENSION), Clock()) as memory:
        greedy = outcomes(memory, explored(memory, 30, 0.0))
        with pytest.raises(InvalidInput, match="30 rewarded choices of episodes came, 0 of them drawn with chance"):
            evaluate(greedy)
    seldom = [
        replace(one, trace=replace(one.trace, document={**one.trace.document, "epsilon": 0.01})) for one in greedy
    ]
    report = evaluate(seldom, [0.5, 0.0])
    assert [one.estimate is None for one in report.weights] == [False, True]
    with pytest.raises(InvalidInput, match="overlap with each of these weights"):
        evaluate(seldom, [0.0])
    with pytest.raises(InvalidInput, match="weight came as 2"):
        evaluate(seldom, [2.0])
    older = [replace(one, trace=replace(one.trace, document={"epsilon": 0.5})) for one in greedy]
    with pytest.raises(InvalidInput, match="0 of them drawn"):
        evaluate(older)


def test_a_choice_of_nothing_is_everybodys() -> None:
    with opened(HashEmbedder(DIMENSION), Clock()) as memory:
        memory.add("hello", namespace="ann")
        given = memory.search_episodes(TASK, namespace="ann", epsilon=0.5, seed=0)
        _, trace = memory.store.learning.trace(str(given.trace_id))
    assert (logged(trace, 1.0, 0.3).probability, logged(trace, 1.0, 0.3).target) == (1.0, 1.0)


def test_checking_changes_no_utility() -> None:
    plan = Plan(clusters=2, episodes=5, helpful=2, tasks=2, pool=5)
    world = plant(0, plan)
    with agent(Trying(), Arm(MEMRL, 5, 2), HashEmbedder(DIMENSION), 0) as learner:
        fill(learner.memory, world)
        found = check(learner, world.tasks)
        assert found.estimated == pytest.approx(found.measured, abs=0.3)
        assert learner.memory.top_utilities(namespace=NAMESPACE) == []
