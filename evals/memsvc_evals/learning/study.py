"""What a study found: a run a seed and arm, each with its curves over epochs, and the figures drawn from them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memsvc_evals.errors import MeasurementError
from memsvc_evals.scoring import Interval, differences, student

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

STUDY_FILE = "study.json"


@dataclass(frozen=True, slots=True)
class Run:
    """One arm on one seed: measure -> its value by epoch."""

    arm: str
    seed: int
    curves: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of an arm, a share from 0 to 1, or its difference to another arm on the same seeds."""

    name: str
    arm: str
    value: Interval
    against: str | None = None


@dataclass(frozen=True, slots=True)
class Study:
    """A finished study.

    `figures` are what is reported; `bars` say of each promise whether it was kept. `settings` and `provenance` are
    what it was done with. `ticks` name the points of a curve where they are not epochs 1, 2, 3...
    """

    name: str
    title: str
    runs: tuple[Run, ...]
    figures: tuple[Figure, ...]
    bars: Mapping[str, bool]
    settings: Mapping[str, Any]
    provenance: Mapping[str, Any]
    ticks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def arms(self) -> tuple[str, ...]:
        """In the order in which they were given."""
        return tuple(dict.fromkeys(run.arm for run in self.runs))

    @property
    def measures(self) -> tuple[str, ...]:
        """Every curve's name."""
        return tuple(dict.fromkeys(name for run in self.runs for name in run.curves))

    def curve(self, arm: str, measure: str) -> tuple[Interval, ...]:
        """By epoch, over seeds; empty where this arm was not measured so."""
        curves = [run.curves[measure] for run in self.runs if run.arm == arm and measure in run.curves]
        return tuple(student(values) for values in zip(*curves, strict=True))

    def points(self, measure: str) -> tuple[str, ...]:
        """What the points of a curve are called."""
        length = max(len(run.curves.get(measure, ())) for run in self.runs)
        return self.ticks.get(measure) or tuple(str(epoch) for epoch in range(1, length + 1))

    def to_dict(self) -> dict[str, Any]:
        """The study, as JSON holds it."""
        return {
            "study": self.name,
            "settings": dict(self.settings),
            "provenance": dict(self.provenance),
            "figures": [
                {"name": one.name, "arm": one.arm, "against": one.against, **one.value.to_dict()}
                for one in self.figures
            ],
            "bars": dict(self.bars),
            "runs": [
                {"arm": run.arm, "seed": run.seed, **{name: list(curve) for name, curve in run.curves.items()}}
                for run in self.runs
            ],
        }

    def save(self, folder: Path) -> Path:
        """Write `study.json` into a folder, which is made if need be; where it lies.

        Raises:
            MeasurementError: it cannot be written there.
        """
        path = folder / STUDY_FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise MeasurementError(f"{folder}: cannot be written ({error.strerror}); give another folder") from error
        return path


def of_arm(runs: Sequence[Run], arm: str, measure: str, epoch: int) -> list[float]:
    """One epoch's values of an arm, in the order of its seeds; -1 is the last epoch."""
    return [run.curves[measure][epoch] for run in sorted(runs, key=lambda run: run.seed) if run.arm == arm]


def figure(name: str, runs: Sequence[Run], arm: str, measure: str, epoch: int, against: str | None = None) -> Figure:
    """An arm's mean at an epoch, or of its differences to another arm, seed by seed."""
    values = of_arm(runs, arm, measure, epoch)
    if against is None:
        return Figure(name, arm, student(values))
    return Figure(name, arm, student(differences(values, of_arm(runs, against, measure, epoch))), against)
