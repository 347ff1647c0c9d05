"""A study as a picture: a panel a measure, a line an arm, its 95 % interval around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memsvc_evals.errors import MeasurementError
from memsvc_evals.plotting import require_plots

if TYPE_CHECKING:
    from pathlib import Path

    from memsvc_evals.learning.study import Study

__all__ = ["PLOT_FILE", "plot", "require_plots"]

PLOT_FILE = "study.png"
_WIDTH, _HEIGHT = 5.5, 4.0  # inches of a panel
_DOTS = 120  # an inch


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
