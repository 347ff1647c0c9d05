"""Planted utility: episodes whose intents are near-duplicates, and whose experiences help or mislead.

A cluster is one kind of task in many wordings. Of its episodes a few hold the script that works and the others one that
does not; nothing in the wording tells which. The agent follows rules: it tries the scripts that it is given, and
succeeds if the right one is among them, but for a slip now and then. So similarity can only guess, the oracle (given a
helpful one whenever there is one) fails only by slips, and what is between is what learning is worth.

Needs no model: the embedder is `memsvc.testing.HashEmbedder`, which sees shared words.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from memsvc.testing import HashEmbedder
from memsvc_evals.learning.agents import MEMRL, ORACLE, RANDOM, SIMILARITY, Arm, signed
from memsvc_evals.learning.memories import Clock, opened
from memsvc_evals.learning.offpolicy import check
from memsvc_evals.learning.study import Figure, Run, Study, figure, in_parallel
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
class Sizes:
    """How large the world is. `helpful` of a cluster's `episodes` help; `tasks` is how many wordings are asked of it.

    `slip` is the probability that the agent fails with the right script in hand.
    """

    clusters: int = 12
    episodes: int = 10
    helpful: int = 2
    tasks: int = 3
    slip: float = 0.05
    epochs: int = 10
    pool: int = 10
    top_k: int = 2


@dataclass(frozen=True, slots=True)
class Task:
    """One wording of a cluster's task, and the script that does it."""

    intent: str
    script: str


@dataclass(frozen=True, slots=True)
class World:
    """The tasks, and the episodes as (intent, script)."""

    tasks: tuple[Task, ...]
    episodes: tuple[tuple[str, str], ...]


def plant(seed: int, sizes: Sizes) -> World:
    """A world of its own for each seed."""
    chance = random.Random(seed)
    tasks: list[Task] = []
    episodes: list[tuple[str, str]] = []
    for cluster in range(sizes.clusters):
        kind = _kind(cluster)
        right = f"Run procedure {cluster:02}-{chance.randrange(1000):03}."
        wrong = [f"Run procedure {cluster:02}-{1000 + number}." for number in range(sizes.episodes - sizes.helpful)]
        wordings = _wordings(kind, sizes.tasks + sizes.episodes, chance)
        scripts = [right] * sizes.helpful + wrong
        chance.shuffle(scripts)
        tasks += [Task(wording, right) for wording in wordings[: sizes.tasks]]
        episodes += zip(wordings[sizes.tasks :], scripts, strict=True)
    return World(tuple(tasks), tuple(episodes))


def fill(memory: Memory, world: World) -> None:
    """Store the world's episodes. All of them went well where they come from: their outcome does not give them away."""
    for intent, script in world.episodes:
        memory.add_episode(intent, script, namespace=NAMESPACE, success=True, experience=script)


def schedule(world: World, seed: int, sizes: Sizes) -> list[list[tuple[Task, bool]]]:
    """By epoch: each task, in an order of its own, and whether the agent slips. The same for every arm of a seed."""
    chance = random.Random(f"schedule {seed}")
    return [
        [(task, chance.random() < sizes.slip) for task in chance.sample(world.tasks, len(world.tasks))]
        for _ in range(sizes.epochs)
    ]


def succeeds(task: Task, given: Episodes) -> bool:
    """Whether the agent succeeds, if it does not slip: it tries every script that it was given."""
    return any(hit.episode.experience == task.script for hit in given.successes)


def run_planted(
    *, seeds: int = 10, sizes: Sizes | None = None, workers: int = 1, progress: Progress | None = None
) -> Study:
    """Success by epoch for MemRL, similarity alone, chance and the oracle.

    Args:
        seeds: how many worlds; each has its own tasks, wordings, order and slips, the same for every arm.
        workers: processes at once; 1 is this one.
        progress: called as `("run", done, total)`.

    Raises:
        MemsvcError: what the service raises.
    """
    chosen = sizes or Sizes()
    runs = in_parallel(_one_seed, [(seed, chosen) for seed in range(seeds)], workers, progress)
    memrl, oracle = (figure("last epoch", runs, arm, "success", -1) for arm in (MEMRL, ORACLE))
    gap = figure("last epoch", runs, MEMRL, "success", -1, against=SIMILARITY)
    return Study(
        "planted",
        "Planted utility: success by epoch",
        runs,
        _figures(runs, gap),
        {
            f"{MEMRL} reaches {_BAR:.0%} of the oracle": memrl.value.mean >= _BAR * oracle.value.mean,
            f"{SIMILARITY} is clearly below {MEMRL}": gap.value.low > 0,
        },
        {"seeds": seeds, **asdict(chosen)},
        provenance(HashEmbedder(DIMENSION)),
    )


def _figures(runs: tuple[Run, ...], gap: Figure) -> tuple[Figure, ...]:
    arms = (*_MEMORY_ARMS, ORACLE)
    first = tuple(figure("first epoch", runs, arm, "success", 0) for arm in arms)
    last = tuple(figure("last epoch", runs, arm, "success", -1) for arm in arms)
    checked = tuple(figure(name, runs, MEMRL, name, 0) for name in ("measured", "estimated off policy"))
    return (*first, *last, *checked, gap, figure("last epoch", runs, MEMRL, "success", -1, against=ORACLE))


def _one_seed(job: tuple[int, Sizes]) -> list[Run]:
    seed, sizes = job
    world = plant(seed, sizes)
    runs = [Run(name, seed, _learn(name, seed, world, sizes)) for name in _MEMORY_ARMS]
    return [*runs, Run(ORACLE, seed, {"success": _oracle(seed, world, sizes)})]


def _learn(name: str, seed: int, world: World, sizes: Sizes) -> dict[str, tuple[float, ...]]:
    """Success by epoch of one arm; of the one that learns also what an estimate makes of its last state."""
    arm, clock, chance = Arm(name, sizes.pool, sizes.top_k), Clock(), random.Random(seed)
    curve = []
    with opened(HashEmbedder(DIMENSION), clock) as memory:
        fill(memory, world)
        for attempts in schedule(world, seed, sizes):
            clock.epoch()
            done = []
            for task, slips in attempts:
                clock.attempt()
                given = arm.find(memory, NAMESPACE, task.intent, chance)
                done.append(succeeds(task, given) and not slips)
                if arm.learns and given.trace_id is not None:
                    memory.feedback(given.trace_id, signed(done[-1]))
            curve.append(mean(done))
        curves = {"success": tuple(curve)}
        if arm.learns:
            found = check(memory, NAMESPACE, world.tasks, arm, succeeds, chance)
            curves |= {"estimated off policy": (found.estimated,), "measured": (found.measured,)}
    return curves


def _oracle(seed: int, world: World, sizes: Sizes) -> tuple[float, ...]:
    """Every cluster holds a helpful episode, so that only slips are left."""
    return tuple(mean([not slips for _, slips in attempts]) for attempts in schedule(world, seed, sizes))


def _kind(cluster: int) -> str:
    """What a cluster's tasks have in common; each word is that of few other clusters."""
    verb, other = _VERBS[cluster % 12], _VERBS[(5 * cluster + 1 + cluster // 12) % 12]
    thing, place = _THINGS[(7 * cluster + cluster // 12) % 12], _PLACES[(cluster + cluster // 12) % 12]
    return f"{verb} and {other} the {thing} service in the {place} region"


def _wordings(kind: str, count: int, chance: random.Random) -> list[str]:
    """Different wordings of one task, each with a filler of its own."""
    return [f"{kind} {filler}" for filler in chance.sample(_FILLERS, count)]
