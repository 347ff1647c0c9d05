"""The graph of things as a picture: where everything stands, and that as one HTML file or as a PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from memsvc_retrievers.graph.values import Graph


def drawer(path: Path) -> Callable[[Graph, str, str], bytes]:
    """What draws into such a file, of a graph, its title and the line below; what it lacks is told before any work.

    Raises:
        InvalidInput: neither .html nor .png.
        MissingDependency: a PNG, and matplotlib is not installed.
    """
    suffix = path.suffix.lower()
    if suffix in (".html", ".htm"):
        from memsvc_evals.drawing.page import page

        return page
    if suffix == ".png":
        from memsvc_evals.plotting import require_plots

        require_plots()
        from memsvc_evals.drawing.plot import plot

        return plot
    raise InvalidInput(f"the drawing's file came as {str(path)!r}; give a name that ends in .html or .png")
