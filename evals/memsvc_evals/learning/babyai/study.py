"""BabyAI's levels over epochs: does an agent come to choose the script that suits a mission, by what came of it?

Nothing is demonstrated. An agent that finds nothing to follow tries a script by chance; after each attempt it is told
only whether it succeeded, rewards what it was given and stores the attempt, unless it stored the very same before.
Held-out layouts are tried before the first epoch and after the last, without feedback and without storing anything.

The same words are said of layouts that want different scripts. So memories that are equally similar are of different
use, and no agent that goes by the words alone gets on average beyond the oracle, who knows in hindsight for each
mission's words the one script that does most of the layouts in which they are said.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from memsvc_evals.learning.agents import MEMRL, NO_MEMORY, ORACLE, RANDOM, SIMILARITY, Arm, signed
from memsvc_evals.learning.babyai.policy import decide
from memsvc_evals.learning.babyai.tasks import LEVELS, make_tasks, succeeds
from memsvc_evals.learning.lifelong import TICKS, figures, live
from memsvc_evals.learning.memories import Ahead, Clock, Recorder, opened
from memsvc_evals.learning.study import Run, Study, figure, in_parallel
from memsvc_evals.provenance import provenance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc import Memory
    from memsvc.episodes.found import EpisodeHit, Episodes
    from memsvc_evals.learning.babyai.missions import Script
    from memsvc_evals.learning.babyai.tasks import Task
    from memsvc_evals.progress import Progress
    from memsvc_retrievers.protocols import Embedder

NAMESPACE = "babyai"
ARMS = (MEMRL, SIMILARITY, RANDOM, NO_MEMORY)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured. `done` and `held_out` are layouts of every level; k1 and k2 are the paper's."""

    levels: tuple[str, ...] = LEVELS

    seeds: int = 10
    epochs: int = 10
    done: int = 6
    held_out: int = 3
    pool: int = 10
    top_k: int = 5


@dataclass(frozen=True, slots=True)
class _Job:
    seed: int
    plan: Plan
    tasks: tuple[Task, ...]
    embedder: Ahead


def run_babyai(
    embedder: Embedder, *, plan: Plan | None = None, workers: int = 1, progress: Progress | None = None
) -> Study:
    """Success by epoch, cumulative success, and success on held-out layouts before and after.

    Args:
        embedder: makes the vectors of every seed's missions, ahead.
        workers: processes at once; 1 is this one.
        progress: called as `("run", done, total)`.

    Raises:
        MissingDependency: minigrid is not installed.
        MemsvcError: what the service raises.
    """
    chosen = plan or Plan()
    worlds = [make_tasks(seed, chosen.done + chosen.held_out, chosen.levels) for seed in range(chosen.seeds)]
    jobs = [_Job(seed, chosen, world, _ahead(embedder, world)) for seed, world in enumerate(worlds)]
    runs = in_parallel(_one_seed, jobs, workers, progress)
    gaps = {other: figure("last epoch", runs, MEMRL, "success", -1, against=other) for other in ARMS[1:]}
    return Study(
        "babyai",
        "BabyAI: success by epoch",
        runs,
        figures(runs, (*ARMS, ORACLE)),
        {f"{MEMRL} is above {other}, last epoch": gap.value.low > 0 for other, gap in gaps.items()},
        {**asdict(chosen), "missions": len({task.text for world in worlds for task in world})},
        provenance(embedder),
        TICKS,
    )


def _ahead(embedder: Embedder, world: Sequence[Task]) -> Ahead:
    """The vectors of one seed's missions. A vector's last bits depend on its batch, and ties on last bits: a seed's
    lives would differ with the number of seeds if all were embedded together."""
    recorder = Recorder(embedder)
    missions = sorted({task.text for task in world})
    recorder.embed(missions)
    recorder.embed(missions, purpose="query")
    return recorder.ahead()


def split(tasks: Sequence[Task], plan: Plan) -> tuple[list[Task], list[Task]]:
    """(done in every epoch, held out): of each level, the first so many layouts and the others."""
    each = plan.done + plan.held_out
    done = [task for at, task in enumerate(tasks) if at % each < plan.done]
    return done, [task for at, task in enumerate(tasks) if at % each >= plan.done]


def _one_seed(job: _Job) -> list[Run]:
    """All arms of a seed, in one process: they try the same scripts in the same layouts, each of which runs once."""
    done, held_out = split(job.tasks, job.plan)
    runs = [Run(name, job.seed, _learn(name, job, done, held_out)) for name in ARMS]
    known = (_best(done),) * job.plan.epochs
    curves = {"success": known, "cumulative": known, "held out": (_best(held_out),) * 2}
    return [*runs, Run(ORACLE, job.seed, curves)]


def _learn(name: str, job: _Job, done: Sequence[Task], held_out: Sequence[Task]) -> dict[str, tuple[float, ...]]:
    clock = Clock()
    with opened(job.embedder, clock) as memory:
        agent = Agent(memory, Arm(name, job.plan.pool, job.plan.top_k), clock, random.Random(job.seed))
        return live(agent, done, held_out, epochs=job.plan.epochs, seed=job.seed, clock=clock)


def _best(tasks: Sequence[Task]) -> float:
    """What share of the tasks is done by whoever knows, for each mission's words, the one script that does most."""
    same: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        same[task.text].append(task)
    done = [
        max(sum(succeeds(task, script) for task in group) for script in group[0].mission.scripts)
        for group in same.values()
    ]
    return sum(done) / len(tasks)


class Agent:
    """Does tasks with what its arm finds in memory."""

    def __init__(self, memory: Memory, arm: Arm, clock: Clock, chance: random.Random) -> None:
        self._memory, self._arm, self._clock, self._chance = memory, arm, clock, chance
        self._stored: set[tuple[Task, Script]] = set()

    def solves(self, task: Task) -> bool:
        """Try a task and leave no lesson behind."""
        return succeeds(task, self._decide(task)[1])

    def attempts(self, task: Task) -> bool:
        """Do a task, reward what was given for it, and store the attempt."""
        self._clock.attempt()
        given, script = self._decide(task)
        success = succeeds(task, script)
        if given is not None and given.trace_id is not None and self._arm.learns:
            self._memory.feedback(given.trace_id, signed(success))
        self.remember(task, script, success=success)
        return success

    def remember(self, task: Task, script: Script, *, success: bool) -> None:
        """Store an attempt, once."""
        if self._arm.name == NO_MEMORY or (task, script) in self._stored:
            return
        self._stored.add((task, script))
        did = [{"do": step} for step in task.mission.fill(script)]
        self._memory.add_episode(task.text, did, namespace=NAMESPACE, success=success, experience="\n".join(script))

    def _decide(self, task: Task) -> tuple[Episodes | None, Script]:
        if self._arm.name == NO_MEMORY:
            return None, decide(task.mission, [], [], self._chance)
        given = self._arm.find(self._memory, NAMESPACE, task.text, self._chance)
        successes, failures = ([_script(hit) for hit in hits] for hits in (given.successes, given.failures))
        return given, decide(task.mission, successes, failures, self._chance)


def _script(hit: EpisodeHit) -> Script:
    """An episode as the policy reads it."""
    return tuple(hit.episode.experience.splitlines())
