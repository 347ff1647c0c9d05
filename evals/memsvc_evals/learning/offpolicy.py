"""What a way of choosing would earn, estimated from the log of one that explores, beside what it really earns.

The log is kept by MemRL with epsilon: with that probability it chooses any k2 of the pool of k1, all sets alike likely.
The estimate is for the same without chance (`memsvc_learners.offpolicy`, self-normalised importance sampling). That it
agrees with the measurement is what makes the estimate worth having where nothing can be measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memsvc_evals.retrieval.metrics import mean
from memsvc_learners.offpolicy import Logged, snips

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from memsvc import Memory
    from memsvc.episodes import Episodes
    from memsvc_evals.learning.agents import Arm
    from memsvc_evals.learning.planted import Task

EPSILON = 0.5
TIMES = 5
"""How often each task is done for the log."""


@dataclass(frozen=True, slots=True)
class Check:
    """A policy's success, estimated from another's log, and measured."""

    estimated: float
    measured: float


def check(
    memory: Memory,
    namespace: str,
    tasks: Sequence[Task],
    arm: Arm,
    succeeds: Callable[[Task, Episodes], bool],
    chance: random.Random,
) -> Check:
    """Log, estimate and measure, with the utilities as they are: nothing is rewarded."""
    log = []
    for task in [task for task in tasks for _ in range(TIMES)]:
        given = memory.search_episodes(
            task.intent,
            namespace=namespace,
            pool=arm.pool,
            top_k=arm.top_k,
            epsilon=EPSILON,
            seed=chance.getrandbits(32),
        )
        made = probability(explored=given.explored, epsilon=EPSILON, pool=arm.pool, top_k=arm.top_k)
        log.append(Logged(made, float(succeeds(task, given)), target=float(not given.explored)))
    measured = [succeeds(task, arm.find(memory, namespace, task.intent, chance)) for task in tasks]
    return Check(snips(log).value, mean(measured))


def probability(*, explored: bool, epsilon: float, pool: int, top_k: int) -> float:
    """With which the set was chosen: `epsilon / C(pool, top_k)`, and for the best set `1 - epsilon` more."""
    by_chance = epsilon / math.comb(pool, top_k)
    return by_chance if explored else by_chance + 1 - epsilon
