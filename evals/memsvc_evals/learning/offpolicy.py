"""What other ways of choosing episodes would earn, estimated from the log of one that explores.

The log is kept with epsilon: with that probability `search_episodes` chooses any k2 of the pool of k1, all sets alike
likely; a trace keeps the pool, and how likely the set was that was chosen. The estimate
(`memsvc_learners.offpolicy`, self-normalised importance sampling) is for the same pool without chance, at some weight
(lambda) of learned utility. `check` holds it against what that way of choosing really earns, where it can be measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsvc.errors import InvalidInput
from memsvc_evals.retrieval.metrics import mean
from memsvc_learners.offpolicy import Estimate, Logged, snips
from memsvc_retrievers.fast.ranking import two_phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_evals.learning.loop import Action, Agent, Task
    from memsvc_store.values.learned import Outcome, Trace

EPSILON = 0.5
TIMES = 5
"""How often each task is done for the log."""

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)

LEAST = 10
"""Fair samples that a log must be worth for an estimate: below, an interval of normal theory says nothing."""


@dataclass(frozen=True, slots=True)
class Check:
    """A policy's success, estimated from another's log, and measured."""

    estimated: float
    measured: float


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a weight would earn; no estimate where the log is worth fewer than `LEAST` choices of it."""

    weight: float
    estimate: Estimate | None


@dataclass(frozen=True, slots=True)
class Report:
    """Rewarded choices of one namespace: how many, how many of them drawn with chance, and what they speak for.

    `earned`: the mean reward of those drawn with chance, as they were made.
    """

    rewarded: int
    drawn: int
    earned: Estimate
    weights: tuple[Weighed, ...]


def evaluate(outcomes: Sequence[Outcome], weights: Sequence[float] = WEIGHTS) -> Report:
    """What the weights would have earned, from traces of `search_episodes` and their rewards.

    A trace with several rewards counts once, with their mean. Choices that were made without epsilon, or by a version
    that did not keep their probability, are left out.

    Raises:
        InvalidInput: too few choices were drawn with chance, or no weight would have made enough of them.
    """
    drawn = [(one.trace, mean(one.rewards)) for one in outcomes if _by_chance(one.trace)]
    if len(drawn) < LEAST:
        raise InvalidInput(
            f"{len(outcomes)} rewarded choices of episodes came, {len(drawn)} of them drawn with chance; an estimate "
            f"takes {LEAST}: give search_episodes an epsilon above 0 for some weeks, and reward what it gave"
        )
    weighed = tuple(Weighed(weight, _estimated(drawn, weight)) for weight in weights)
    if not any(one.estimate for one in weighed):
        raise InvalidInput(
            f"{len(drawn)} choices were drawn with chance, and the overlap with each of these weights is worth fewer "
            f"than {LEAST} of them; log more, with a larger epsilon or a smaller pool"
        )
    return Report(len(outcomes), len(drawn), snips([Logged(1.0, reward, 1.0) for _, reward in drawn]), weighed)


def _by_chance(trace: Trace) -> bool:
    return trace.document.get("epsilon", 0.0) > 0.0 and "probability" in trace.document


def _estimated(drawn: Sequence[tuple[Trace, float]], weight: float) -> Estimate | None:
    log = [logged(trace, reward, weight) for trace, reward in drawn]
    if not any(one.target for one in log):
        return None
    found = snips(log)
    return found if found.effective >= LEAST else None


def logged(trace: Trace, reward: float, weight: float) -> Logged:
    """A choice as it was made, and whether the same would be made without chance at this weight."""
    similarity = np.array([one.similarity for one in trace.pool], np.float64)
    q = np.array([one.q for one in trace.pool], np.float64)
    in_order = -np.arange(len(q))  # keys that leave the pool as it stands
    choice = two_phase(similarity, q, in_order, threshold=None, k1=len(q), k2=trace.document["top_k"], weight=weight)
    same = {trace.pool[place].memory_id for place in choice.order} == set(trace.used)
    return Logged(trace.document["probability"], reward, target=float(same))


def check(learner: Agent[Task, Action], tasks: Sequence[Task]) -> Check:
    """Log, estimate and measure, with the utilities as they are: nothing is rewarded."""
    log, arm, environment = [], learner.arm, learner.environment
    for task in [task for task in tasks for _ in range(TIMES)]:
        given = learner.memory.search_episodes(
            task.intent,
            namespace=environment.namespace,
            pool=arm.pool,
            top_k=arm.top_k,
            epsilon=EPSILON,
            seed=learner.chance.getrandbits(32),
        )
        _, trace = learner.memory.store.learning.trace(str(given.trace_id))
        success = environment.succeeds(task, environment.decide(task, given, learner.chance))
        log.append(logged(trace, float(success), given.weight))
    return Check(snips(log).value, mean([learner.solves(task) for task in tasks]))
