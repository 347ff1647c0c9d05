"""Planted utility: episodes whose intents are near-duplicates, and whose experiences help or mislead.

A cluster is one kind of task in many wordings. Of its episodes a few hold the script that works and the others one that
does not; nothing in the wording tells which. The agent follows rules: it tries the scripts that it is given, and
succeeds if the right one is among them, but for a slip now and then. So similarity can only guess, the oracle (given a
helpful one whenever there is one) fails only by slips, and what is between is what learning is worth.

Needs no model: the embedder is `memsvc.testing.HashEmbedder`, which sees shared words.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from memsvc.testing import HashEmbedder
from memsvc_evals.learning import loop
from memsvc_evals.learning.loop import MEMRL, ORACLE, RANDOM, SIMILARITY, Arm, agent, in_parallel, live
from memsvc_evals.learning.offpolicy import check
from memsvc_evals.learning.study import Run, Study, figure
from memsvc_evals.provenance import provenance
from memsvc_evals.retrieval.metrics import mean

if TYPE_CHECKING:
    from memsvc import Memory
    from memsvc.episodes.found import Episodes
    from memsvc_evals.progress import Progress

NAMESPACE = "planted"
DIMENSION = 256
_MEMORY_ARMS = (MEMRL, SIMILARITY, RANDOM)
_BAR = 0.9  # of the oracle's last epoch

_VERBS = "restart rotate migrate archive rebuild verify drain resize restore audit throttle replicate".split()
_THINGS = "billing ingest search ledger mail video map payroll sensor ticket label voice".split()
_PLACES = "northern southern eastern western central coastal upper lower inner outer older newer".split()
_FILLERS = (
    "please today quickly carefully now soon tonight kindly properly finally again once "
    "first next here manually safely later promptly quietly fully early gladly directly"
).split()


@dataclass(frozen=True, slots=True)
class Plan(loop.Plan):
    """How large the world is. `helpful` of a cluster's `episodes` help; `tasks` is how many wordings are asked of it.

    `slip` is the probability that the agent fails with the right script in hand.
    """

    top_k: int = 2
    clusters: int = 12
    episodes: int = 10
    helpful: int = 2
    tasks: int = 3
    slip: float = 0.05


@dataclass(frozen=True, slots=True)
class Task:
    """One wording of a cluster's task, the script that does it, and whether the agent will slip."""

    intent: str
    script: str
    slips: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """The tasks, and the episodes as (intent, script)."""

    tasks: tuple[Task, ...]
    episodes: tuple[tuple[str, str], ...]


class Trying:
    """The environment: the agent tries every script that it is given, and keeps nothing of it."""

    namespace = NAMESPACE

    def decide(self, task: Task, given: Episodes, chance: random.Random) -> tuple[str, ...]:
        """All scripts, best first."""
        return tuple(hit.episode.experience for hit in given.successes)

    def succeeds(self, task: Task, action: tuple[str, ...]) -> bool:
        """Whether the right one is among them, and the agent does not slip."""
        return task.script in action and not task.slips

    def lesson(self, task: Task, action: tuple[str, ...]) -> None:
        """Nothing: what there is to know is planted."""


def plant(seed: int, plan: Plan) -> World:
    """A world of its own for each seed."""
    chance = random.Random(seed)
    tasks: list[Task] = []
    episodes: list[tuple[str, str]] = []
    for cluster in range(plan.clusters):
        kind = _kind(cluster)
        right = f"Run procedure {cluster:02}-{chance.randrange(1000):03}."
        wrong = [f"Run procedure {cluster:02}-{1000 + number}." for number in range(plan.episodes - plan.helpful)]
        wordings = _wordings(kind, plan.tasks + plan.episodes, chance)
        scripts = [right] * plan.helpful + wrong
        chance.shuffle(scripts)
        tasks += [Task(wording, right) for wording in wordings[: plan.tasks]]
        episodes += zip(wordings[plan.tasks :], scripts, strict=True)
    return World(tuple(tasks), tuple(episodes))


def fill(memory: Memory, world: World) -> None:
    """Store the world's episodes. All of them went well where they come from: their outcome does not give them away."""
    for intent, script in world.episodes:
        memory.add_episode(intent, script, namespace=NAMESPACE, success=True, experience=script)


def schedule(world: World, seed: int, plan: Plan) -> list[list[Task]]:
    """By epoch: each task, in an order of its own, and whether the agent slips. The same for every arm of a seed."""
    chance = random.Random(f"schedule {seed}")
    return [
        [replace(task, slips=chance.random() < plan.slip) for task in chance.sample(world.tasks, len(world.tasks))]
        for _ in range(plan.epochs)
    ]


def run_planted(*, plan: Plan | None = None, workers: int = 1, progress: Progress | None = None) -> Study:
    """Success by epoch for MemRL, similarity alone, chance and the oracle.

    Args:
        plan: each seed is a world with its own tasks, wordings, order and slips, the same for every arm.
        workers: processes at once; 1 is this one.
        progress: called as `("run", done, total)`.

    Raises:
        MemsvcError: what the service raises.
    """
    chosen = plan or Plan()
    runs = in_parallel(partial(_one_seed, chosen), range(chosen.seeds), workers, progress)
    arms = (*_MEMORY_ARMS, ORACLE)
    first = {arm: figure("first epoch", runs, arm, "success", 0) for arm in arms}
    last = {arm: figure("last epoch", runs, arm, "success", -1) for arm in arms}
    checked = [figure(name, runs, MEMRL, name, 0) for name in ("measured", "estimated off policy")]
    gap, left = (figure("last epoch", runs, MEMRL, "success", -1, against=arm) for arm in (SIMILARITY, ORACLE))
    return Study(
        "planted",
        "Planted utility: success by epoch",
        runs,
        (*first.values(), *last.values(), *checked, gap, left),
        {
            f"{MEMRL} reaches {_BAR:.0%} of the oracle": last[MEMRL].value.mean >= _BAR * last[ORACLE].value.mean,
            f"{SIMILARITY} is clearly below {MEMRL}": gap.value.low > 0,
        },
        asdict(chosen),
        provenance(HashEmbedder(DIMENSION)),
    )


def _one_seed(plan: Plan, seed: int) -> list[Run]:
    """Every arm in the world of a seed; the oracle fails only by slips, since every cluster holds a helpful episode."""
    world = plant(seed, plan)
    rounds = schedule(world, seed, plan)
    runs = []
    for name in _MEMORY_ARMS:
        with agent(Trying(), Arm(name, plan.pool, plan.top_k), HashEmbedder(DIMENSION), seed) as learner:
            fill(learner.memory, world)
            curves = {"success": live(learner, rounds)["success"]}
            if learner.arm.learns:
                found = check(learner, world.tasks)
                curves |= {"estimated off policy": (found.estimated,), "measured": (found.measured,)}
        runs.append(Run(name, seed, curves))
    return [*runs, Run(ORACLE, seed, {"success": tuple(mean([not task.slips for task in tasks]) for tasks in rounds)})]


def _kind(cluster: int) -> str:
    """What a cluster's tasks have in common; each word is that of few other clusters."""
    verb, other = _VERBS[cluster % 12], _VERBS[(5 * cluster + 1 + cluster // 12) % 12]
    thing, place = _THINGS[(7 * cluster + cluster // 12) % 12], _PLACES[(cluster + cluster // 12) % 12]
    return f"{verb} and {other} the {thing} service in the {place} region"


def _wordings(kind: str, count: int, chance: random.Random) -> list[str]:
    """Different wordings of one task, each with a filler of its own."""
    return [f"{kind} {filler}" for filler in chance.sample(_FILLERS, count)]
