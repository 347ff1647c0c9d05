"""How a graph looks as rows and in words."""

from typing import TYPE_CHECKING

from memsvc_cli.views import plural
from memsvc_evals.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from memsvc import Graph
    from memsvc_retrievers.graph.values import Tie

_WITH = 3


def graph(found: "Graph") -> Table:
    """A row a thing; of neighbours and paths with the latest memory that joins."""
    if found.view == "overview":
        return _central(found)
    return _steps(found) if found.view == "path" else _joined(found)


def title(found: "Graph", namespace: str) -> str:
    """What a drawing is called."""
    if found.view == "path":
        return f"From {found.thing} to {found.to}"
    return f"What {found.thing} is joined to" if found.thing else f"Overview of {namespace}"


def summary(found: "Graph") -> str:
    """What is shown of how much, in a sentence or three."""
    memories = plural(found.memories, "memory", "memories")
    if found.view == "path":
        steps = plural(len(found.edges), "step") if found.nodes else "No path joins the two"
        return f"{steps}, by way of {' and '.join(found.kinds)}; {memories} in all.{_left_out(found)}"
    shown = len(found.nodes) - (found.view == "neighbours")
    counted = plural(found.things, "thing") if shown == found.things else f"{shown:,} of {found.things:,} things"
    joined = f" joined to {found.thing}" if found.view == "neighbours" else ""
    return f"{counted}{joined}; {memories} in all.{_left_out(found)}"


def _left_out(found: "Graph") -> str:
    said = ""
    if found.considered < found.things:
        said += f" Only the {found.considered:,} most mentioned were compared."
    if found.read < found.memories:
        said += f" Only the latest {found.read:,} memories were read."
    return said


def _central(found: "Graph") -> Table:
    columns = [
        Column("#", right=True, style="dim"), Column("thing", style="cyan", wrap=True), Column("kind"),
        Column("memories", right=True), Column("strength", right=True, style="bold"),
        Column("community", right=True), Column("strongest ties", wrap=True),
    ]  # fmt: skip
    rows = []
    for number, one in enumerate(found.nodes, 1):
        near = [
            (tie.target if tie.source == one.name else tie.source, tie.weight)
            for tie in found.edges
            if one.name in (tie.source, tie.target)
        ]
        rows.append([
            str(number), one.name, one.kind, f"{one.memories:,}", f"{one.strength:,}", str(one.community or ""),
            ", ".join(f"{name} {weight:,}" for name, weight in near[:_WITH]),
        ])  # fmt: skip
    return Table(columns, rows)


def _joined(found: "Graph") -> Table:
    kinds = {one.name: one.kind for one in found.nodes}
    return Table.each(
        enumerate([tie for tie in found.edges if tie.source == found.thing], 1),
        (Column("#", right=True, style="dim"), lambda one: str(one[0])),
        (Column("thing", style="cyan", wrap=True), lambda one: one[1].target),
        (Column("kind"), lambda one: kinds[one[1].target]),
        *_TIE,
    )


def _steps(found: "Graph") -> Table:
    return Table.each(
        enumerate(found.edges, 1),
        (Column("step", right=True, style="dim"), lambda one: str(one[0])),
        (Column("from", style="cyan", wrap=True), lambda one: one[1].source),
        (Column("to", style="cyan", wrap=True), lambda one: one[1].target),
        *_TIE,
    )


_TIE: "tuple[tuple[Column, Callable[[tuple[int, Tie]], str]], ...]" = (
    (Column("shared", right=True, style="bold"), lambda one: f"{one[1].weight:,}"),
    (Column("latest memory", wrap=True), lambda one: one[1].memories[0].text),
    (Column("id", below="latest memory"), lambda one: one[1].memories[0].id),
)
