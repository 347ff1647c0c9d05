"""Poisoning: of the clients that share a memory, one lies about how its tasks went.

The world is that of `planted`. One trace in twenty is the liar's: it rewards failures with 1 and successes with -1,
once ("lies") or many times over ("floods": twenty feedbacks a trace). The others tell the truth, each as a source of
its own. What a source may move a memory by in a day is bounded by `feedback_cap`; each attack is run with the cap that
is the default, and without any. The loss is against the same tasks with the same slips and nobody lying.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from memsvc import Settings
from memsvc.testing import HashEmbedder
from memsvc_evals.learning.agents import MEMRL, Arm, signed
from memsvc_evals.learning.memories import Clock, opened
from memsvc_evals.learning.planted import DIMENSION, NAMESPACE, Sizes, fill, plant, schedule, succeeds
from memsvc_evals.learning.study import Figure, Run, Study, figure, in_parallel
from memsvc_evals.provenance import provenance
from memsvc_evals.retrieval.metrics import mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memsvc import Memory
    from memsvc_evals.progress import Progress

CLIENTS = 20
"""One of them is the liar, so that 5 % of the traces are its own."""
FLOOD = 20
BAR = 0.03
"""The loss in success that is still acceptable, with the cap on."""
_LIAR = 0


@dataclass(frozen=True, slots=True)
class Attack:
    """How many feedbacks the liar gives to each of its traces, 0 for the truth told once; and whether a cap is on."""

    name: str
    times: int
    capped: bool


HONEST = Attack("nobody lies", 0, capped=True)
ATTACKS = (
    HONEST,
    Attack("lies, cap on", 1, capped=True),
    Attack("lies, cap off", 1, capped=False),
    Attack("floods, cap on", FLOOD, capped=True),
    Attack("floods, cap off", FLOOD, capped=False),
)


def run_poisoning(
    *, seeds: int = 10, sizes: Sizes | None = None, workers: int = 1, progress: Progress | None = None
) -> Study:
    """Success by epoch under each attack, and what it costs.

    Args:
        seeds: how many worlds; tasks, order, slips and the liar's traces are the same for every attack.
        workers: processes at once; 1 is this one.
        progress: called as `("run", done, total)`.

    Raises:
        MemsvcError: what the service raises.
    """
    chosen = sizes or Sizes()
    jobs = [(seed, attack, chosen) for seed in range(seeds) for attack in ATTACKS]
    runs = in_parallel(_one, jobs, workers, progress)
    losses = {attack.name: _loss(runs, attack) for attack in ATTACKS if attack is not HONEST}
    return Study(
        "poisoning",
        "Poisoning: success by epoch while one of 20 clients lies",
        runs,
        _figures(runs, losses),
        {
            f"{attack.name}: loses less than {100 * BAR:.0f} points": -losses[attack.name].value.mean < BAR
            for attack in ATTACKS
            if attack is not HONEST and attack.capped
        },
        {
            "seeds": seeds,
            "clients": CLIENTS,
            "flood": FLOOD,
            "feedback_cap": Settings.model_fields["feedback_cap"].default,
            **asdict(chosen),
        },
        provenance(HashEmbedder(DIMENSION)),
    )


def _figures(runs: tuple[Run, ...], losses: Mapping[str, Figure]) -> tuple[Figure, ...]:
    means = [figure("all epochs", runs, attack.name, "mean", 0) for attack in ATTACKS]
    last = [
        figure("last epoch", runs, attack.name, "success", -1, against=HONEST.name)
        for attack in ATTACKS
        if attack is not HONEST
    ]
    return (*means, *losses.values(), *last)


def _loss(runs: tuple[Run, ...], attack: Attack) -> Figure:
    return figure("all epochs", runs, attack.name, "mean", 0, against=HONEST.name)


def _one(job: tuple[int, Attack, Sizes]) -> list[Run]:
    seed, attack, sizes = job
    world, clock, arm = plant(seed, sizes), Clock(), Arm(MEMRL, sizes.pool, sizes.top_k)
    clients = _clients(seed, sizes.epochs * len(world.tasks))
    chance = random.Random(seed)
    curve = []
    with opened(HashEmbedder(DIMENSION), clock, **({} if attack.capped else {"feedback_cap": None})) as memory:
        fill(memory, world)
        for attempts in schedule(world, seed, sizes):
            clock.epoch()
            done = []
            for task, slips in attempts:
                clock.attempt()
                given = arm.find(memory, NAMESPACE, task.intent, chance)
                done.append(succeeds(task, given) and not slips)
                if given.trace_id is not None:
                    _reward(memory, given.trace_id, clients.pop(), attack, success=done[-1])
            curve.append(mean(done))
    return [Run(attack.name, seed, {"success": tuple(curve), "mean": (mean(curve),)})]


def _reward(memory: Memory, trace_id: str, client: int, attack: Attack, *, success: bool) -> None:
    lies = client == _LIAR and attack.times > 0
    for _ in range(attack.times if lies else 1):
        memory.feedback(trace_id, -signed(success) if lies else signed(success), source=f"client {client}")


def _clients(seed: int, traces: int) -> list[int]:
    """Whose each trace is; every client has its share of them."""
    clients = [number % CLIENTS for number in range(traces)]
    random.Random(f"clients {seed}").shuffle(clients)
    return clients
