"""Database tasks over epochs: does an agent do better at what it does again, and at what it never did?

The tasks are split by seed: some were demonstrated (their statements are in memory from the start, as somebody else's
successes), some are done once in every epoch, and some are held out. After each attempt the agent is told only whether
it succeeded; it rewards what it was given and stores the attempt, unless it stored the very same before. Held-out tasks
are tried before the first epoch and after the last, without feedback and without storing anything.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from memsvc_evals.learning import loop
from memsvc_evals.learning.llb.adapting import Attempt, decide
from memsvc_evals.learning.llb.database import Table
from memsvc_evals.learning.llb.tasks import reward
from memsvc_evals.learning.loop import ARMS, Arm, agent, in_parallel, lifelong, live, shuffled
from memsvc_evals.learning.memories import ahead
from memsvc_evals.learning.study import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc.episodes.found import EpisodeHit, Episodes
    from memsvc_evals.learning.llb.tasks import LeftOut, Task
    from memsvc_evals.learning.memories import Ahead
    from memsvc_evals.learning.study import Study
    from memsvc_evals.progress import Progress
    from memsvc_retrievers.protocols import Embedder


@dataclass(frozen=True, slots=True)
class Plan(loop.Plan):
    """What is measured. `held_out` is a share of all tasks, `demonstrated` of the others."""

    held_out: float = 0.3
    demonstrated: float = 0.5


class Adapting:
    """The environment: one statement is run, and rewarded by what it does in SQLite."""

    namespace = "llb"

    def decide(self, task: Task, given: Episodes, chance: random.Random) -> str:
        """The statement to run."""
        successes, failures = ([_attempt(hit) for hit in hits] for hits in (given.successes, given.failures))
        return decide(task.intent, task.table, successes, failures)

    def succeeds(self, task: Task, action: str) -> bool:
        """Whether the statement solves the task."""
        return bool(reward(task, action))

    def lesson(self, task: Task, action: str) -> tuple[list[dict[str, Any]], str]:
        """What the agent saw and what it did; the statement."""
        table = task.table
        return [{"table": table.name, "columns": table.columns, "rows": table.rows}, {"run": action}], action


def run_llb(
    tasks: Sequence[Task],
    embedder: Embedder,
    *,
    left_out: Sequence[LeftOut] = (),
    plan: Plan | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Study:
    """Success by epoch, cumulative success, and success on held-out tasks before and after.

    Args:
        embedder: makes the vector of every instruction once, ahead.
        left_out: tasks that could not be used, to be listed beside the result.
        workers: processes at once; 1 is this one.
        progress: called as `("run", done, total)`.

    Raises:
        MemsvcError: what the service raises.
    """
    chosen = plan or Plan()
    one_life = partial(_one_life, chosen, tuple(tasks), ahead(embedder, [task.intent for task in tasks]))
    jobs = [(seed, arm) for seed in range(chosen.seeds) for arm in ARMS]
    runs = in_parallel(one_life, jobs, workers, progress)
    settings = {**asdict(chosen), "tasks": len(tasks), "left out": {one.id: one.reason for one in left_out}}
    return lifelong("llb", "LifelongAgentBench, database tasks: success by epoch", runs, settings, embedder)


def split(tasks: Sequence[Task], seed: int, plan: Plan) -> tuple[list[Task], list[Task], list[Task]]:
    """(demonstrated, done in every epoch, held out)."""
    mixed = random.Random(f"split {seed}").sample(tasks, len(tasks))
    held = round(plan.held_out * len(tasks))
    known = round(plan.demonstrated * (len(tasks) - held))
    return mixed[held : held + known], mixed[held + known :], mixed[:held]


def _one_life(plan: Plan, tasks: tuple[Task, ...], embedder: Ahead, job: tuple[int, str]) -> list[Run]:
    seed, arm = job
    demonstrated, done, held_out = split(tasks, seed, plan)
    with agent(Adapting(), Arm(arm, plan.pool, plan.top_k), embedder, seed) as learner:
        for task in demonstrated:
            learner.remember(task, task.gold, success=True)
        return [Run(arm, seed, live(learner, shuffled(done, plan.epochs, seed), held_out))]


def _attempt(hit: EpisodeHit) -> Attempt:
    """An episode as the agent reads it."""
    seen: dict[str, Any] = dict(hit.episode.trajectory[0])  # type: ignore[arg-type]
    columns = tuple((name, kind) for name, kind in seen["columns"])
    table = Table(seen["table"], columns, tuple(tuple(row) for row in seen["rows"]))
    return Attempt(hit.episode.intent, table, hit.episode.experience)
