"""One measured number beside its baseline and the bar that it is held to."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Ours = TypeVar("Ours")
Plain = TypeVar("Plain")
Judged = Literal["ratio at least", "ratio at most", "value at least", "value at most"]


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
