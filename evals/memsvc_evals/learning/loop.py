"""The loop of every study of episodes: agents x seeds x rounds of tasks, each attempt rewarded.

An environment says how its tasks are done; an arm, how an agent looks up what happened before, and whether it learns
from a reward. Here an agent of an arm goes through its rounds, in a memory of its own, and its success is written down.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from memsvc.episodes.found import Episodes
from memsvc_evals import extra
from memsvc_evals.errors import MeasurementError
from memsvc_evals.learning.memories import Clock, opened
from memsvc_evals.learning.study import Study, figure
from memsvc_evals.provenance import provenance
from memsvc_evals.retrieval.metrics import mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from memsvc import Memory
    from memsvc_evals.learning.study import Figure, Run
    from memsvc_evals.progress import Progress
    from memsvc_retrievers.protocols import Embedder

MEMRL = "memrl"
"""By similarity and learned utility, with the settings' own weight and alpha; the one arm that learns from rewards."""
SIMILARITY = "similarity"
"""By similarity alone (weight 0)."""
RANDOM = "random"
"""By chance among the same pool of similar ones."""
NO_MEMORY = "no memory"
ORACLE = "oracle"
"""No agent: what somebody could do who knows which experiences help."""
ARMS = (MEMRL, SIMILARITY, RANDOM, NO_MEMORY)

TICKS = {"held out": ("before", "after")}


@dataclass(frozen=True, slots=True)
class Plan:
    """How long a study is. `pool` and `top_k` are MemRL's k1 and k2, with the paper's values."""

    seeds: int = 10
    epochs: int = 10
    pool: int = 10
    top_k: int = 5


class Intended(Protocol):
    """A task: `intent` is what is asked, and what it is looked up by. Tasks are hashable."""

    @property
    def intent(self) -> str: ...  # noqa: D102


TaskIn = TypeVar("TaskIn", bound=Intended, contravariant=True)
Task = TypeVar("Task", bound=Intended)
Action = TypeVar("Action", bound=Hashable)
Job = TypeVar("Job")
Teach = Callable[["Memory", str, bool], None]
"""Rewards the look-up with this trace's id, after the attempt went well or not."""


class Environment(Protocol[TaskIn, Action]):
    """Where tasks are done. `namespace` is where its episodes are kept."""

    @property
    def namespace(self) -> str: ...  # noqa: D102

    def decide(self, task: TaskIn, given: Episodes, chance: random.Random) -> Action:
        """What to do, with what was found."""
        ...

    def succeeds(self, task: TaskIn, action: Action) -> bool:
        """Whether that accomplishes the task."""
        ...

    def lesson(self, task: TaskIn, action: Action) -> tuple[Any, str] | None:
        """The trajectory and the experience of an attempt, as `add_episode` takes them; None keeps nothing of it."""
        ...


@dataclass(frozen=True, slots=True)
class Arm:
    """A way of looking episodes up, by its name."""

    name: str
    pool: int
    top_k: int

    def find(self, memory: Memory, namespace: str, intent: str, chance: random.Random) -> Episodes:
        """What this arm is given for a task."""
        if self.name == NO_MEMORY:
            return Episodes((), None, None, 0.0)
        options: dict[str, Any] = {"pool": self.pool, "top_k": self.top_k}
        if self.name == SIMILARITY:
            options["weight"] = 0.0
        elif self.name == RANDOM:
            options |= {"epsilon": 1.0, "seed": chance.getrandbits(32)}
        return memory.search_episodes(intent, namespace=namespace, **options)

    @property
    def learns(self) -> bool:
        """Whether its rewards are fed back."""
        return self.name == MEMRL


def signed(success: bool) -> float:
    """A success is worth 1, a failure -1.

    The released code of MemRL rewards these tasks with 1 and 0 and starts at a Q of 0.5: twice that, less 1, is a start
    at 0 and rewards of 1 and -1, and z-scores are the same.
    """
    return 1.0 if success else -1.0


def rewarded(memory: Memory, trace_id: str, success: bool) -> None:
    """The reward that is due, once."""
    memory.feedback(trace_id, signed(success))


@dataclass(slots=True)
class Agent(Generic[Task, Action]):
    """Does an environment's tasks with what its arm finds in memory."""

    environment: Environment[Task, Action]
    arm: Arm
    memory: Memory
    clock: Clock
    chance: random.Random
    teach: Teach = rewarded
    _stored: set[tuple[Task, Action]] = field(default_factory=set)

    def solves(self, task: Task) -> bool:
        """Try a task and leave no lesson behind."""
        return self.environment.succeeds(task, self._decide(task)[1])

    def attempts(self, task: Task) -> bool:
        """Do a task, reward what was given for it, and store the attempt."""
        self.clock.attempt()
        given, action = self._decide(task)
        success = self.environment.succeeds(task, action)
        if self.arm.learns and given.trace_id is not None:
            self.teach(self.memory, given.trace_id, success)
        self.remember(task, action, success=success)
        return success

    def remember(self, task: Task, action: Action, *, success: bool) -> None:
        """Store an attempt, unless the very same was stored before."""
        lesson = self.environment.lesson(task, action)
        if lesson is None or self.arm.name == NO_MEMORY or (task, action) in self._stored:
            return
        self._stored.add((task, action))
        trajectory, experience = lesson
        self.memory.add_episode(
            task.intent, trajectory, namespace=self.environment.namespace, success=success, experience=experience
        )

    def _decide(self, task: Task) -> tuple[Episodes, Action]:
        given = self.arm.find(self.memory, self.environment.namespace, task.intent, self.chance)
        return given, self.environment.decide(task, given, self.chance)


@contextmanager
def agent(
    environment: Environment[Task, Action],
    arm: Arm,
    embedder: Embedder,
    seed: int,
    *,
    teach: Teach = rewarded,
    **settings: Any,
) -> Iterator[Agent[Task, Action]]:
    """An agent with an empty memory, which is gone at the end."""
    clock = Clock()
    with opened(embedder, clock, **settings) as memory:
        yield Agent(environment, arm, memory, clock, random.Random(seed), teach)


def shuffled(tasks: Sequence[Task], epochs: int, seed: int) -> list[list[Task]]:
    """All tasks in every round, in an order of its own, which is the same for every agent of a seed."""
    return [random.Random(f"order {seed} {epoch}").sample(tasks, len(tasks)) for epoch in range(epochs)]


def live(
    learner: Agent[Task, Action], rounds: Iterable[Sequence[Task]], held_out: Sequence[Task] = ()
) -> dict[str, tuple[float, ...]]:
    """The curves `success` and `cumulative` (solved at least once) by round, and `held out` before and after."""
    success, cumulative, solved = [], [], set[Task]()
    before = [learner.solves(task) for task in held_out]
    for tasks in rounds:
        learner.clock.epoch()
        went_well = [task for task in tasks if learner.attempts(task)]
        solved.update(went_well)
        success.append(len(went_well) / len(tasks))
        cumulative.append(len(solved) / len(tasks))
    curves = {"success": tuple(success), "cumulative": tuple(cumulative)}
    if held_out:
        curves["held out"] = (mean(before), mean([learner.solves(task) for task in held_out]))
    return curves


def lifelong(name: str, title: str, runs: Sequence[Run], settings: Mapping[str, Any], embedder: Embedder) -> Study:
    """The study of such lives: every arm, and how far MemRL is above each of the others."""
    arms = tuple(dict.fromkeys(run.arm for run in runs))
    others = tuple(arm for arm in arms if arm != MEMRL)
    gaps = {arm: figure("last epoch", runs, MEMRL, "success", -1, against=arm) for arm in others if arm != ORACLE}
    found: list[Figure] = []
    for called, measure, epoch in (
        ("first epoch", "success", 0),
        ("last epoch", "success", -1),
        ("solved at least once", "cumulative", -1),
        ("held out, before", "held out", 0),
        ("held out, after", "held out", -1),
    ):
        found += [figure(called, runs, arm, measure, epoch) for arm in arms]
        if epoch:
            found += [figure(called, runs, MEMRL, measure, epoch, against=arm) for arm in others]
    bars = {f"{MEMRL} is above {arm}, last epoch": gap.value.low > 0 for arm, gap in gaps.items()}
    return Study(name, title, tuple(runs), tuple(found), bars, settings, provenance(embedder), TICKS)


def in_parallel(
    work: Callable[[Job], list[Run]], jobs: Sequence[Job], workers: int, progress: Progress | None
) -> tuple[Run, ...]:
    """Do every job, in so many processes; the runs come in the order of the jobs. One worker is this process.

    Args:
        jobs: a seed, or what else is done in one process.
        progress: called as `("run", done, total)` after each.

    Raises:
        MissingDependency: scipy, which the figures of a study need, is not installed.
        MeasurementError: a process was ended from outside.
        MemsvcError: what a job raises.
    """
    extra.require("scipy")
    tell = progress or (lambda *_: None)
    if workers == 1:
        found = []
        for count, job in enumerate(jobs, 1):
            found += work(job)
            tell("run", count, len(jobs))
        return tuple(found)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(work, job) for job in jobs]
        for count, _ in enumerate(as_completed(waiting), 1):
            tell("run", count, len(jobs))
        try:
            return tuple(run for one in waiting for run in one.result())
        except BrokenProcessPool as error:
            raise MeasurementError("a process of the study was ended from outside; run it again") from error
