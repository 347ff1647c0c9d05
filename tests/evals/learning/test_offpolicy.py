from __future__ import annotations

import random

import pytest

from memsvc.testing import HashEmbedder
from memsvc_evals.learning.agents import MEMRL, Arm
from memsvc_evals.learning.memories import Clock, opened
from memsvc_evals.learning.offpolicy import check, probability
from memsvc_evals.learning.planted import DIMENSION, NAMESPACE, Sizes, fill, plant, succeeds


def test_the_probabilities_of_all_sets_sum_to_one() -> None:
    chosen = {"epsilon": 0.3, "pool": 4, "top_k": 2}
    by_chance = probability(explored=True, epsilon=0.3, pool=4, top_k=2)
    best = probability(explored=False, epsilon=0.3, pool=4, top_k=2)
    assert by_chance == pytest.approx(0.3 / 6), chosen
    assert best + 5 * by_chance == pytest.approx(1.0)


def test_checking_changes_no_utility() -> None:
    sizes = Sizes(clusters=2, episodes=5, helpful=2, tasks=2, pool=5)
    world = plant(0, sizes)
    with opened(HashEmbedder(DIMENSION), Clock()) as memory:
        fill(memory, world)
        found = check(memory, NAMESPACE, world.tasks, Arm(MEMRL, 5, 2), succeeds, random.Random(0))
        assert found.estimated == pytest.approx(found.measured, abs=0.3)
        assert memory.top_utilities(namespace=NAMESPACE) == []
