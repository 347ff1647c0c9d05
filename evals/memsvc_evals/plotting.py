"""Drawing without a display: matplotlib if it is there, and pictures whose bytes depend on the figures alone."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from memsvc.errors import MissingDependency

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

INK, GRID = "#010203", "#040506"
"""Stand-ins for the page's own colours: `svg` puts the text's colour and the variable --grid in their place."""
_STYLE: Mapping[str, Any] = {
    "svg.fonttype": "none",  # texts stay texts: they can be selected, found and read aloud
    "text.parse_math": False,  # a name with two dollars is no formula
    "font.family": "sans-serif",
    "font.size": 10.0,
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
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
}


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


def svg(name: str, size: tuple[float, float], draw: Callable[[Any], None], colours: Mapping[str, str]) -> str:
    """What `draw` puts on a canvas, as an `<svg>` element to stand inside a page.

    Equal figures give equal bytes. Texts are escaped by matplotlib.

    Args:
        name: unlike that of any other picture of the page; ids start with it.
        size: width and height in inches.
        colours: what CSS says in place of a colour such as "#0072b2", so that a page can be dark or light.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    figure = require_plots()
    from matplotlib import rc_context

    style: Any = {**_STYLE, "svg.hashsalt": name}  # matplotlib 3.11 types each key, 3.8 none
    with rc_context(style):
        canvas = figure(figsize=size, layout="constrained")
        draw(canvas)
        file = io.StringIO()
        canvas.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inline(file.getvalue(), name, {INK: "currentColor", GRID: "var(--grid)", **colours})


def _inline(text: str, name: str, colours: Mapping[str, str]) -> str:
    """Without the prologue of a file, its fixed size, its metadata and ids that another picture has as well."""
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg [^>]*?)width="[^"]*" ?', r"\1", text, count=1)
    text = re.sub(r'(<svg [^>]*?)height="[^"]*" ?', r"\1", text, count=1)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", text)
    for colour, css in colours.items():
        text = re.sub(rf"(: ?){colour}\b", rf"\1{css}", text, flags=re.IGNORECASE)
    return text.strip()
