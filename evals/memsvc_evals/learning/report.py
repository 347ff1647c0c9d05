"""A study as tables, and as a picture: a panel a measure, a line an arm, its 95 % interval around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memsvc_evals.errors import MeasurementError
from memsvc_evals.plotting import require_plots
from memsvc_evals.table import NOTHING, Table, percent

if TYPE_CHECKING:
    from pathlib import Path

    from memsvc_evals.learning.study import Study
    from memsvc_evals.scoring import Interval

PLOT_FILE = "study.png"
_WIDTH, _HEIGHT = 5.5, 4.0  # inches of a panel
_DOTS = 120  # an inch


def tables(study: Study) -> tuple[Table, ...]:
    """Arms by figures in per cent, differences between arms in points, seed by seed, and the promises."""
    shares = {(one.arm, one.name): one.value for one in study.figures if one.against is None}
    arms, names = (tuple(dict.fromkeys(key[at] for key in shares)) for at in (0, 1))
    seeds = len({run.seed for run in study.runs})
    differences = [
        (f"{one.arm} less {one.against}", one.name, f"{100 * one.value.mean:+.1f}{_half(one.value)}")
        for one in study.figures
        if one.against is not None
    ]
    bars = [(promise, "yes" if kept else "no") for promise, kept in study.bars.items()]
    return (
        Table.of(
            f"{study.title} (%, ± 95 % over {seeds} seeds)",
            ("arm", *names),
            [(arm, *(_percent(shares.get((arm, name))) for name in names)) for arm in arms],
        ),
        Table.of("Differences, seed by seed", ("arms", "figure", "points"), differences, names=2),
        Table.of("Bars", ("promise", "met"), bars),
    )


def plot(study: Study, folder: Path) -> Path:
    """Draw every measure that was taken at more than one point into `study.png`; where it lies.

    Raises:
        MissingDependency: matplotlib is not installed.
        MeasurementError: the file cannot be written.
    """
    measures = [measure for measure in study.measures if len(study.points(measure)) > 1]
    canvas = require_plots()(figsize=(_WIDTH * max(1, len(measures)), _HEIGHT), layout="constrained")
    canvas.suptitle(study.title)
    for place, measure in enumerate(measures, 1):
        _panel(canvas.add_subplot(1, len(measures), place), study, measure)
    path = folder / PLOT_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        canvas.savefig(path, dpi=_DOTS)
    except OSError as error:
        raise MeasurementError(f"{path}: cannot be written ({error.strerror}); give another folder") from error
    return path


def _panel(axes: Any, study: Study, measure: str) -> None:
    points = range(len(study.points(measure)))
    for arm in study.arms:
        curve = study.curve(arm, measure)
        if not curve:
            continue
        axes.plot(points, [100 * one.mean for one in curve], marker="o", markersize=3, label=arm)
        axes.fill_between(points, [100 * one.low for one in curve], [100 * one.high for one in curve], alpha=0.15)
    axes.set_title(measure)
    axes.set_xlabel("epoch")
    axes.set_ylabel("%")
    axes.set_xticks(points, study.points(measure))
    axes.legend(fontsize="small")


def _percent(value: Interval | None) -> str:
    return NOTHING if value is None else f"{percent(value.mean)}{_half(value)}"


def _half(value: Interval) -> str:
    return "" if value.half is None else f" ± {100 * value.half:.1f}"
