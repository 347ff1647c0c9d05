"""graph: how things hang together, as a table, a document or a drawing."""

from pathlib import Path
from typing import Annotated

import typer

from memsvc_cli import graph_views, options, output
from memsvc_cli.opening import opened


def graph(
    thing: Annotated[
        str | None,
        typer.Argument(metavar="THING", help="What to begin at; without it, what is central.", show_default=False),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="OTHER", help="Show the shortest path to this one.", show_default=False),
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kinds",
            metavar="KIND",
            show_default=False,
            help="person, thing, word, phrase, session or day; may be repeated. [default: person and thing]",
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="Things that are shown at most.")] = 40,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="Draw it into this .html or .png file.", show_default=False),
    ] = None,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
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
        found = memory.graph(thing, namespace=namespace, to=to, kinds=kinds or None, limit=limit)
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
