"""graph: how things hang together, as a table, a document or a drawing."""

from pathlib import Path
from typing import Annotated, Any

import typer

from memsvc_cli import graph_views, options, output
from memsvc_cli.opening import opened


@options.takes("graph")
def graph(
    thing: Annotated[
        str | None,
        typer.Argument(metavar="THING", help="What to begin at; without it, what is central.", show_default=False),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="Draw it into this .html or .png file.", show_default=False),
    ] = None,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
    **given: Any,
) -> None:
    """Show how people, places and other things hang together, and by which memories.

    \b
    memsvc graph -n acme/ann --out graph.html
    memsvc graph Kim -n acme/ann
    memsvc graph Kim --to Oslo -n acme/ann
    """
    path = None if out is None else Path(out)
    if path is not None:
        from memsvc_evals.drawing import drawer

        draw = drawer(path)
    with opened(db) as memory:
        found = memory.graph(thing, namespace=namespace, **given)
    summary = graph_views.summary(found)
    if path is not None:
        path.write_bytes(draw(found, graph_views.title(found, namespace), summary))
    if json:
        output.document(found)
    else:
        if found.edges or (found.nodes and found.view == "overview"):
            output.table(graph_views.graph(found))
        output.note(summary)
    if path is not None:
        output.note(f"Drawn in {path}.")
