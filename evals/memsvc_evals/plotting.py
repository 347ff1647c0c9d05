"""Drawing without a display: matplotlib if it is there, and pictures whose bytes depend on the figures alone."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from memsvc.errors import MissingDependency

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

INK, GRID, PAPER = "#1b1f23", "#d5d9dc", "#ffffff"
LIGHT = ("#0072b2", "#c8500a", "#00805e", "#a2408a", "#8a6400", "#4a4ab8", "#56646f", "#b3173f")
DARK = ("#56b4e9", "#ff8f50", "#2fcba0", "#e59bcb", "#f0c04a", "#a9abff", "#b7c3cc", "#ff84a4")
"""Okabe and Ito's colours, darkened and lightened until each has a contrast of 3:1 with its background."""
_MARKS = "osD^vPXh"
_STYLE: Mapping[str, Any] = {
    "svg.fonttype": "none",  # a quarter of the bytes of letters that are drawn
    "text.parse_math": False,  # a name with two dollars is no formula
    "font.family": "sans-serif",
    "font.size": 10.0,
    "figure.facecolor": PAPER,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GRID,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
}


def colour(place: int) -> str:
    """Of the thing at a place; they come again after eight."""
    return LIGHT[place % len(LIGHT)]


def mark(place: int) -> str:
    """Of the thing at a place; a colour that comes again has another mark, so that print and the colour-blind tell them
    apart."""
    return _MARKS[(place + place // len(LIGHT)) % len(_MARKS)]


def require_plots() -> type[Any]:
    """The class that draws.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # half a second, and an extra
    except ImportError as error:
        raise MissingDependency("Plots need matplotlib: pip install 'memsvc[evals]'.") from error
    return Figure  # type: ignore[no-any-return, unused-ignore]


def svg(size: tuple[float, float], draw: Callable[[Any], None]) -> bytes:
    """What `draw` puts on a canvas of so many inches, as an SVG file. Equal figures give equal bytes.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    figure = require_plots()
    from matplotlib import rc_context

    style: Any = {**_STYLE, "svg.hashsalt": "memsvc"}  # matplotlib 3.11 types each key, 3.8 none
    with rc_context(style):
        canvas = figure(figsize=size, layout="constrained")
        draw(canvas)
        file = io.BytesIO()
        canvas.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()
