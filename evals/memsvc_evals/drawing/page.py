"""A graph as one HTML file: a drawing that follows light and dark, with all ties as a table below. No script, no link.

Names and texts are what somebody once said: everything is escaped, and what could turn the direction of a line is shown
as a mark. A policy in the page itself forbids whatever would load or run.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

from memsvc_evals.drawing.layout import laid_out, plain
from memsvc_evals.plotting import DARK, LIGHT

if TYPE_CHECKING:
    from memsvc_evals.drawing.layout import Drawing, Line, Spot
    from memsvc_retrievers.graph.values import Graph, Thing, Tie

_SCALE = 1.3
"""How much larger than it was laid out a drawing is shown at most: one of three things would fill the window."""


def page(graph: Graph, title: str, summary: str) -> bytes:
    """The file. `summary` is the line below the title."""
    drawing = laid_out(graph)
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_safe(title)}</title>\n<style>\n{_style()}</style>\n</head>\n<body>",
        f"<h1>{_safe(title)}</h1>\n<p>{_safe(summary)}</p>",
        _svg(drawing, title),
        _legend(graph),
        _table(graph),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts).encode()


def _style() -> str:
    """The style sheet with the palette's colours, light and dark, and a rule for each."""
    sheet = (Path(__file__).parent / "page.css").read_text("utf-8")
    for theme, colours in (("light", LIGHT), ("dark", DARK)):
        sheet = sheet.replace(f"/*{theme}*/", "".join(f"--c{at}:{colour};" for at, colour in enumerate(colours)))
    rules = (
        f".thing.c{i} .mark,.key.c{i}{{fill:var(--c{i});background:var(--c{i})}}\n"
        f".tie.c{i} .seen{{stroke:var(--c{i});opacity:.5}}\n"
        for i in range(len(LIGHT))
    )
    return sheet + "".join(rules)


def _svg(drawing: Drawing, title: str) -> str:
    size = f'viewBox="0 0 {drawing.width} {drawing.height}" style="max-width:{_SCALE * drawing.width:.0f}px"'
    parts = [f'<svg {size} role="img" aria-label="{_safe(title)}">']
    parts += [_tie(line) for line in reversed(drawing.lines)]  # the strongest on top
    parts += [_thing(spot) for spot in reversed(drawing.spots)]
    return "\n".join([*parts, "</svg>"])


def _tie(line: Line) -> str:
    ends = f'x1="{line.source.x}" y1="{line.source.y}" x2="{line.target.x}" y2="{line.target.y}"'
    return (
        f'<g class="tie {_colour(line.community)}"><title>{_safe(_told(line.tie))}</title>'
        f'<line class="seen" {ends} stroke-width="{line.width}"/><line class="wide" {ends}/></g>'
    )


def _thing(spot: Spot) -> str:
    thing, side = spot.thing, spot.radius
    if thing.kind == "person":
        mark = f'<circle class="mark" cx="{spot.x}" cy="{spot.y}" r="{side}"/>'
    else:
        corner = f'x="{spot.x - side:.1f}" y="{spot.y - side:.1f}" rx="{side * 0.35:.1f}"'
        mark = f'<rect class="mark" {corner} width="{2 * side:.1f}" height="{2 * side:.1f}"/>'
    return (
        f'<g class="thing {_colour(thing.community)}{" strong" if spot.strong else ""}">'
        f"<title>{_safe(_about(thing))}</title>"
        f'{mark}<text x="{spot.x}" y="{spot.baseline:.1f}" font-size="{spot.size}">{_safe(spot.label)}</text></g>'
    )


def _legend(graph: Graph) -> str:
    rows = [
        f'<li><span class="key {_colour(one.number)}"></span>{_safe(", ".join(one.things[:4]))}'
        f"{f' and {len(one.things) - 4} more' if len(one.things) > 4 else ''}</li>"
        for one in graph.communities
    ]
    rows += [f'<li><span class="key {one}"></span>{one}</li>' for one in ("person", "other")] if graph.nodes else []
    return "\n".join(["<ul>", *rows, "</ul>"]) if rows else ""


def _table(graph: Graph) -> str:
    rows = []
    for tie in graph.edges:
        texts = "".join(f"<div>{_safe(one.text)}<small>{_safe(one.id)}</small></div>" for one in tie.memories)
        names = f"<td>{_safe(tie.source)}</td><td>{_safe(tie.target)}</td>"
        rows.append(f'<tr>{names}<td class="number">{tie.weight}</td><td>{texts}</td></tr>')
    head = "<tr><th>from</th><th>to</th><th>memories</th><th>the latest</th></tr>"
    return "\n".join(["<table>", head, *rows, "</table>"]) if rows else ""


def _told(tie: Tie) -> str:
    counted = f"{tie.source} – {tie.target}: {tie.weight} {'memory' if tie.weight == 1 else 'memories'}"
    return "\n".join([counted, *(f"• {one.text}" for one in tie.memories)])


def _about(thing: Thing) -> str:
    return f"{thing.name} ({thing.kind}), in {thing.memories} {'memory' if thing.memories == 1 else 'memories'}"


def _colour(community: int | None) -> str:
    return "c-" if community is None else f"c{(community - 1) % len(LIGHT)}"


def _safe(text: str) -> str:
    return html.escape(plain(text))
