"""Database tasks over epochs: does an agent do better at what it does again, and at what it never did?

The tasks are split by seed: some were demonstrated (their statements are in memory from the start, as somebody else's
successes), some are done once in every epoch, and some are held out. After each attempt the agent is told only whether
it succeeded; it rewards what it was given and stores the attempt, unless it stored the very same before. Held-out tasks
are tried before the first epoch and after the last, without feedback and without storing anything.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from memsvc_evals.learning.agents import MEMRL, NO_MEMORY, RANDOM, SIMILARITY, Arm, signed
from memsvc_evals.learning.lifelong import TICKS, figures, live
from memsvc_evals.learning.llb.database import reward
from memsvc_evals.learning.llb.policy import Attempt, decide
from memsvc_evals.learning.llb.values import Table, Task
from memsvc_evals.learning.memories import Ahead, Clock, Recorder, opened
from memsvc_evals.learning.study import Run, Study, figure, in_parallel
from memsvc_evals.provenance import provenance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc import Memory
    from memsvc.episodes.found import EpisodeHit, Episodes
    from memsvc_evals.learning.llb.policy import Decision
    from memsvc_evals.learning.llb.values import LeftOut
    from memsvc_evals.progress import Progress
    from memsvc_retrievers.protocols import Embedder

NAMESPACE = "llb"
ARMS = (MEMRL, SIMILARITY, RANDOM, NO_MEMORY)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured. `held_out` is a share of all tasks, `demonstrated` of the others; k1 and k2 are the paper's."""

    seeds: int = 10
    epochs: int = 10
    held_out: float = 0.3
    demonstrated: float = 0.5
    pool: int = 10
    top_k: int = 5


@dataclass(frozen=True, slots=True)
class _Job:
    seed: int
    arm: str
    plan: Plan
    tasks: tuple[Task, ...]
    embedder: Ahead


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
    recorder = Recorder(embedder)
    recorder.embed([task.instruction for task in tasks])
    recorder.embed([task.instruction for task in tasks], purpose="query")
    ahead = recorder.ahead()
    jobs = [_Job(seed, arm, chosen, tuple(tasks), ahead) for seed in range(chosen.seeds) for arm in ARMS]
    runs = in_parallel(_run, jobs, workers, progress)
    gaps = {other: figure("last epoch", runs, MEMRL, "success", -1, against=other) for other in ARMS[1:]}
    return Study(
        "llb",
        "LifelongAgentBench, database tasks: success by epoch",
        runs,
        figures(runs, ARMS),
        {f"{MEMRL} is above {other}, last epoch": gap.value.low > 0 for other, gap in gaps.items()},
        {
            **asdict(chosen),
            "tasks": len(tasks),
            "left out": {one.id: one.reason for one in left_out},
        },
        provenance(embedder),
        TICKS,
    )


def split(tasks: Sequence[Task], seed: int, plan: Plan) -> tuple[list[Task], list[Task], list[Task]]:
    """(demonstrated, done in every epoch, held out)."""
    shuffled = random.Random(f"split {seed}").sample(tasks, len(tasks))
    held = round(plan.held_out * len(tasks))
    known = round(plan.demonstrated * (len(tasks) - held))
    return shuffled[held : held + known], shuffled[held + known :], shuffled[:held]


def _run(job: _Job) -> list[Run]:
    demonstrated, done, held_out = split(job.tasks, job.seed, job.plan)
    clock = Clock()
    with opened(job.embedder, clock) as memory:
        agent = Agent(memory, Arm(job.arm, job.plan.pool, job.plan.top_k), clock, random.Random(job.seed))
        for task in demonstrated:
            agent.remember(task, task.gold, success=True)
        curves = live(agent, done, held_out, epochs=job.plan.epochs, seed=job.seed, clock=clock)
    return [Run(job.arm, job.seed, curves)]


class Agent:
    """Does tasks with what its arm finds in memory."""

    def __init__(self, memory: Memory, arm: Arm, clock: Clock, chance: random.Random) -> None:
        self._memory, self._arm, self._clock, self._chance = memory, arm, clock, chance
        self._stored: set[tuple[str, str]] = set()

    def solves(self, task: Task) -> bool:
        """Try a task and leave no lesson behind."""
        return bool(reward(task, self._decide(task)[1].statement))

    def attempts(self, task: Task) -> bool:
        """Do a task, reward what was given for it, and store the attempt."""
        self._clock.attempt()
        given, decision = self._decide(task)
        success = bool(reward(task, decision.statement))
        if given is not None and given.trace_id is not None and self._arm.learns:
            self._memory.feedback(given.trace_id, signed(success))
        self.remember(task, decision.statement, success=success)
        return success

    def remember(self, task: Task, statement: str, *, success: bool) -> None:
        """Store an attempt, once."""
        if self._arm.name == NO_MEMORY or (task.id, statement) in self._stored:
            return
        self._stored.add((task.id, statement))
        self._memory.add_episode(
            task.instruction, _trajectory(task, statement), namespace=NAMESPACE, success=success, experience=statement
        )

    def _decide(self, task: Task) -> tuple[Episodes | None, Decision]:
        if self._arm.name == NO_MEMORY:
            return None, decide(task.instruction, task.table, [], [])
        given = self._arm.find(self._memory, NAMESPACE, task.instruction, self._chance)
        successes, failures = ([_attempt(hit) for hit in hits] for hits in (given.successes, given.failures))
        return given, decide(task.instruction, task.table, successes, failures)


def _trajectory(task: Task, statement: str) -> list[dict[str, Any]]:
    """What the agent saw and what it did."""
    return [{"table": task.table.name, "columns": task.table.columns, "rows": task.table.rows}, {"run": statement}]


def _attempt(hit: EpisodeHit) -> Attempt:
    """An episode as the policy reads it."""
    seen, did = (dict(step) for step in hit.episode.trajectory)  # type: ignore[arg-type]
    columns = tuple((name, kind) for name, kind in seen["columns"])
    table = Table(seen["table"], columns, tuple(tuple(row) for row in seen["rows"]))
    return Attempt(hit.id, hit.episode.intent, table, did["run"])
