"""What a measurement works with: how much is measured, databases of its own, the raw parts to run against, a race.

A value and its baseline take turns in one run, so that a busy moment hits both.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from memsvc_evals.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from memsvc import Memory, Settings
    from memsvc_evals.progress import Count
    from memsvc_retrievers.protocols import Embedder

Ours = TypeVar("Ours")
Plain = TypeVar("Plain")
Judged = Literal["ratio at least", "ratio at most", "value at least", "value at most"]

_FILL = 500  # messages to a call while a namespace is filled outside of the clock
_PATIENCE = 120.0  # seconds for one process


@dataclass(frozen=True, slots=True)
class Measurement:
    """A value and its baseline, in the same unit and from the same run.

    `ratio` is value / baseline. `ok` says whether the bar is met: `judged` tells which of the two
    is held against it, and from which side.
    """

    name: str
    value: float
    baseline: float
    unit: str
    bar: float
    judged: Judged
    what: str

    @property
    def ratio(self) -> float:
        """value / baseline."""
        return self.value / self.baseline

    @property
    def ok(self) -> bool:
        """Whether the bar is met."""
        held = self.ratio if self.judged.startswith("ratio") else self.value
        return held >= self.bar if self.judged.endswith("least") else held <= self.bar

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON holds it."""
        return {**asdict(self), "ratio": self.ratio, "ok": self.ok}


@dataclass(frozen=True, slots=True)
class Race:
    """Two ways to do the same, run in turns, with the seconds that each took.

    Either goes first every other time, so that neither always finds the other's data in the caches.
    """

    ours: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)

    def run(self, ours: Callable[[], Ours], plain: Callable[[], Plain]) -> tuple[Ours, Plain]:
        """Run both once; returns what both gave."""
        if len(self.ours) % 2:
            second = _timed(plain, self.plain)
            return _timed(ours, self.ours), second
        return _timed(ours, self.ours), _timed(plain, self.plain)


def _timed(run: Callable[[], Ours], times: list[float]) -> Ours:
    began = time.perf_counter()
    given = run()
    times.append(time.perf_counter() - began)
    return given


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured. Counts of messages unless they say otherwise."""

    batch: int = 100
    batches: int = 15
    memories: int = 10_000
    queries: int = 200
    cold_memories: int = 1_000
    cold_runs: int = 5
    home: int = 1_000
    namespaces: int = 1_000
    per_namespace: int = 10
    log: int = 600
    deliberations: int = 5
    latency: float = 0.5  # seconds


FULL = Sizes()
QUICK = Sizes(
    batches=5, memories=1_000, queries=50, cold_memories=300, cold_runs=3, home=300, namespaces=50, deliberations=2
)


@dataclass(frozen=True, slots=True)
class Workbench:
    """A temporary folder and what to do in it. `embedder` is None for the one that the settings name."""

    folder: Path
    sizes: Sizes
    embedder: Embedder | None
    count: Count

    def path(self, name: str) -> Path:
        """Where the database of this name lies."""
        return self.folder / f"{name}.db"

    def open(self, name: str, settings: Settings | None = None) -> Memory:
        """The database of this name."""
        from memsvc import Memory

        return Memory.open(self.path(name), settings=settings, embedder=self.embedder)

    def fill(self, memory: Memory, namespace: str, messages: Sequence[dict[str, Any]], stage: str) -> None:
        """Add messages outside of the clock."""
        for start in range(0, len(messages), _FILL):
            part = messages[start : start + _FILL]
            memory.add(part, namespace=namespace)
            self.count.add(stage, len(part))


def flat_look_up(rows: int, embedder: Embedder, k: int) -> Callable[[str], object]:
    """Embeds a question and finds its `k` nearest of `rows` random unit vectors; only their shape costs time."""
    import faiss
    import numpy as np

    vectors = np.random.default_rng(0).standard_normal((rows, embedder.dimension), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = faiss.IndexFlatIP(embedder.dimension)
    index.add(vectors)

    def look_up(question: str) -> object:
        vector = embedder.embed([question], purpose="query")
        # On one thread, which is this look-up at its best: with two, on two busy cores, 10,000 rows
        # took 12 ms instead of 0.4 ms, most of it spent waiting for the other thread.
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        try:
            return index.search(vector, k)
        finally:
            faiss.omp_set_num_threads(threads)

    return look_up


def python(*arguments: str) -> None:
    """Run this Python with the arguments, to its end.

    Raises:
        MeasurementError: it failed, with the end of what it wrote to stderr, or took too long.
    """
    command = [sys.executable, *arguments]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PATIENCE)
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip()[-500:]
        raise MeasurementError(f"{' '.join(arguments[:3])} ended with {error.returncode}: {said}") from error
    except subprocess.TimeoutExpired as error:
        raise MeasurementError(f"{' '.join(arguments[:3])} took more than {_PATIENCE:.0f} s") from error
