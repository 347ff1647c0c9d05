"""The same drawing as a PNG, through matplotlib."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

from memsvc_evals.drawing.layout import laid_out, plain
from memsvc_evals.plotting import colour, require_plots

if TYPE_CHECKING:
    from memsvc_evals.drawing.layout import Spot
    from memsvc_retrievers.graph.values import Graph

_PIXEL = 1 / 100  # inch
_POINT = 0.72  # of a pixel
_DOTS = 170  # an inch
_HEAD = 60.0  # pixels above the drawing
_PAGE, _INK, _SOFT, _LINE = "#fbfbf9", "#1b1f23", "#5b656e", "#c3c9ce"


def plot(graph: Graph, title: str, summary: str) -> bytes:
    """The file.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    figure = require_plots()
    from matplotlib import rc_context

    drawing = laid_out(graph)
    with rc_context({"text.parse_math": False, "font.family": "sans-serif"}):  # a name with two dollars is no formula
        canvas = figure(figsize=(drawing.width * _PIXEL, (drawing.height + _HEAD) * _PIXEL), facecolor=_PAGE)
        axes = canvas.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, drawing.width)
        axes.set_ylim(drawing.height, -_HEAD)
        axes.text(24, 26 - _HEAD, plain(title), fontsize=16, fontweight="bold", color=_INK)
        axes.text(24, 48 - _HEAD, plain(summary), fontsize=9, color=_SOFT)
        for line in reversed(drawing.lines):
            ends = ([line.source.x, line.target.x], [line.source.y, line.target.y])
            look = _LINE if line.community is None else colour(line.community - 1)
            axes.plot(*ends, color=look, linewidth=line.width * _POINT, alpha=0.55, solid_capstyle="round", zorder=1)
        for spot in drawing.spots:
            _draw(axes, spot)
        file = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # letters that the font does not have are drawn as boxes
            canvas.savefig(file, format="png", dpi=_DOTS, metadata={"Software": None})
    return file.getvalue()


def _draw(axes: Any, spot: Spot) -> None:
    from matplotlib.patheffects import withStroke

    community = spot.thing.community
    axes.plot(
        spot.x, spot.y, "o" if spot.thing.kind == "person" else "s", markersize=2 * spot.radius * _POINT,
        color=_SOFT if community is None else colour(community - 1), markeredgecolor=_PAGE, zorder=2,
    )  # fmt: skip
    axes.text(
        spot.x, spot.baseline, plain(spot.label), fontsize=spot.size * _POINT,
        fontweight="bold" if spot.strong else "normal", color=_INK, ha="center", zorder=3,
        path_effects=[withStroke(linewidth=3, foreground=_PAGE)],
    )  # fmt: skip
