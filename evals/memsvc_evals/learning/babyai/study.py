"""BabyAI's levels over epochs: does an agent come to choose the script that suits a mission, by what came of it?

Nothing is demonstrated. An agent that finds nothing to follow tries a script by chance; after each attempt it is told
only whether it succeeded, rewards what it was given and stores the attempt, unless it stored the very same before.
Held-out layouts are tried before the first epoch and after the last, without feedback and without storing anything.

The same words are said of layouts that want different scripts. So memories that are equally similar are of different
use, and no agent that goes by the words alone gets on average beyond the oracle, who knows in hindsight for each
mission's words the one script that does most of the layouts in which they are said.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

from memsvc_evals.learning import loop
from memsvc_evals.learning.babyai.tasks import LEVELS, make_tasks, succeeds
from memsvc_evals.learning.loop import ARMS, ORACLE, Arm, agent, in_parallel, lifelong, live, shuffled
from memsvc_evals.learning.memories import ahead
from memsvc_evals.learning.study import Run

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from memsvc.episodes.found import Episodes
    from memsvc_evals.learning.babyai.missions import Script
    from memsvc_evals.learning.babyai.tasks import Task
    from memsvc_evals.learning.memories import Ahead
    from memsvc_evals.learning.study import Study
    from memsvc_evals.progress import Progress
    from memsvc_retrievers.protocols import Embedder


@dataclass(frozen=True, slots=True)
class Plan(loop.Plan):
    """What is measured. `done` and `held_out` are layouts of every level."""

    levels: tuple[str, ...] = LEVELS
    done: int = 6
    held_out: int = 3


class BabyAI:
    """The environment: one script is tried, and rewarded by minigrid."""

    namespace = "babyai"

    def decide(self, task: Task, given: Episodes, chance: random.Random) -> Script:
        """The script to try."""
        worked, failed = (
            [tuple(hit.episode.experience.splitlines()) for hit in hits] for hits in (given.successes, given.failures)
        )
        return task.mission.choose(worked, failed, chance)

    def succeeds(self, task: Task, action: Script) -> bool:
        """Whether the script accomplishes the mission."""
        return succeeds(task, action)

    def lesson(self, task: Task, action: Script) -> tuple[list[dict[str, str]], str]:
        """The steps that were done; the script with its slots."""
        return [{"do": step} for step in task.mission.fill(action)], "\n".join(action)


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
    # Each seed's missions in a batch of their own: its lives would differ with the number of seeds otherwise.
    jobs = [(seed, world, ahead(embedder, sorted({one.intent for one in world}))) for seed, world in enumerate(worlds)]
    runs = in_parallel(partial(_one_seed, chosen), jobs, workers, progress)
    settings = {**asdict(chosen), "missions": len({task.intent for world in worlds for task in world})}
    return lifelong("babyai", "BabyAI: success by epoch", runs, settings, embedder)


def split(tasks: Sequence[Task], plan: Plan) -> tuple[list[Task], list[Task]]:
    """(done in every epoch, held out): of each level, the first so many layouts and the others."""
    each = plan.done + plan.held_out
    done = [task for at, task in enumerate(tasks) if at % each < plan.done]
    return done, [task for at, task in enumerate(tasks) if at % each >= plan.done]


def _one_seed(plan: Plan, job: tuple[int, tuple[Task, ...], Ahead]) -> list[Run]:
    """All arms of a seed, in one process: they try the same scripts in the same layouts, each of which runs once."""
    seed, tasks, embedder = job
    done, held_out = split(tasks, plan)
    runs = []
    for name in ARMS:
        with agent(BabyAI(), Arm(name, plan.pool, plan.top_k), embedder, seed) as learner:
            runs.append(Run(name, seed, live(learner, shuffled(done, plan.epochs, seed), held_out)))
    known = (_best(done),) * plan.epochs
    return [*runs, Run(ORACLE, seed, {"success": known, "cumulative": known, "held out": (_best(held_out),) * 2})]


def _best(tasks: Sequence[Task]) -> float:
    """What share of the tasks is done by whoever knows, for each mission's words, the one script that does most."""
    same: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        same[task.intent].append(task)
    done = [
        max(sum(succeeds(task, script) for task in group) for script in group[0].mission.scripts)
        for group in same.values()
    ]
    return sum(done) / len(tasks)
