"""Poisoning: of the clients that share a memory, one lies about how its tasks went.

The world is that of `planted`. One trace in twenty is the liar's: it rewards failures with 1 and successes with -1,
once ("lies") or many times over ("floods": twenty feedbacks a trace). The others tell the truth, each as a source of
its own. What a source may move a memory by in a day is bounded by `feedback_cap`; each attack is run with the cap that
is the default, and without any. The loss is against the same tasks with the same slips and nobody lying.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

from memsvc import Settings
from memsvc.testing import HashEmbedder
from memsvc_evals.learning.loop import MEMRL, Arm, agent, in_parallel, live, signed
from memsvc_evals.learning.planted import DIMENSION, Plan, Trying, fill, plant, schedule
from memsvc_evals.learning.study import Run, Study, figure
from memsvc_evals.provenance import provenance
from memsvc_evals.retrieval.metrics import mean

if TYPE_CHECKING:
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


def run_poisoning(*, plan: Plan | None = None, workers: int = 1, progress: Progress | None = None) -> Study:
    """Success by epoch under each attack, and what it costs.

    Args:
        plan: of each seed's world; tasks, order, slips and the liar's traces are the same for every attack.
        workers: processes at once; 1 is this one.
        progress: called as `("run", done, total)`.

    Raises:
        MemsvcError: what the service raises.
    """
    chosen = plan or Plan()
    runs = in_parallel(partial(_one_seed, chosen), range(chosen.seeds), workers, progress)
    attacks = ATTACKS[1:]
    means = [figure("all epochs", runs, attack.name, "mean", 0) for attack in ATTACKS]
    losses = [figure("all epochs", runs, attack.name, "mean", 0, against=HONEST.name) for attack in attacks]
    last = [figure("last epoch", runs, attack.name, "success", -1, against=HONEST.name) for attack in attacks]
    return Study(
        "poisoning",
        "Poisoning: success by epoch while one of 20 clients lies",
        runs,
        (*means, *losses, *last),
        {
            f"{attack.name}: loses less than {100 * BAR:.0f} points": -loss.value.mean < BAR
            for attack, loss in zip(attacks, losses, strict=True)
            if attack.capped
        },
        {
            "clients": CLIENTS,
            "flood": FLOOD,
            "feedback_cap": Settings.model_fields["feedback_cap"].default,
            **asdict(chosen),
        },
        provenance(HashEmbedder(DIMENSION)),
    )


def _one_seed(plan: Plan, seed: int) -> list[Run]:
    world = plant(seed, plan)
    runs = []
    for attack in ATTACKS:
        clients = _clients(seed, plan.epochs * len(world.tasks))
        arm, uncapped = Arm(MEMRL, plan.pool, plan.top_k), {} if attack.capped else {"feedback_cap": None}
        teach = partial(_reward, attack, clients)
        with agent(Trying(), arm, HashEmbedder(DIMENSION), seed, teach=teach, **uncapped) as learner:
            fill(learner.memory, world)
            success = live(learner, schedule(world, seed, plan))["success"]
        runs.append(Run(attack.name, seed, {"success": success, "mean": (mean(success),)}))
    return runs


def _reward(attack: Attack, clients: list[int], memory: Memory, trace_id: str, success: bool) -> None:
    """What the next of the clients says of its trace."""
    client = clients.pop()
    lies = client == _LIAR and attack.times > 0
    for _ in range(attack.times if lies else 1):
        memory.feedback(trace_id, -signed(success) if lies else signed(success), source=f"client {client}")


def _clients(seed: int, traces: int) -> list[int]:
    """Whose each trace is; every client has its share of them."""
    clients = [number % CLIENTS for number in range(traces)]
    random.Random(f"clients {seed}").shuffle(clients)
    return clients
