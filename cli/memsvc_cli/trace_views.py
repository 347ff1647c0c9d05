"""How a trace looks as rows."""

from typing import TYPE_CHECKING

from memsvc_cli.views import plural, when
from memsvc_evals.table import Column, Table

if TYPE_CHECKING:
    from memsvc_store.values.learned import Trace


def trace(one: "Trace") -> list[tuple[str, str]]:
    """A look-up in short; what else was kept of it is for JSON."""
    considered = plural(len(one.pool), "memory", "memories")
    fields = [
        ("id", one.id),
        ("kind", one.kind),
        ("query", one.query),
        ("at", when(one.at, seconds=True)),
        ("considered", f"{considered}, {len(one.used):,} given, {len(one.cited):,} cited"),
        ("weight", "" if one.weight is None else f"{one.weight:g} of the ranking is utility"),
    ]
    return [(name, value) for name, value in fields if value]


def considered(one: "Trace") -> Table:
    """The memories that were given, in their order, and then the others that were considered."""
    numbers = {candidate.memory_id: candidate for candidate in one.pool}
    columns = [
        Column("#", right=True, style="dim"),
        Column("memory", wrap=True),
        Column("role"),
        *(Column(name, right=True) for name in ("similarity", "Q", "chance")),
    ]
    rows = []
    for rank, memory_id in enumerate(dict.fromkeys((*one.used, *numbers)), 1):
        role = "cited" if memory_id in one.cited else "given" if memory_id in one.used else ""
        found = numbers.get(memory_id)
        shown = ["", "", ""] if found is None else [f"{part:.3f}" for part in found[1:]]
        rows.append([str(rank), memory_id, role, *shown])
    return Table(columns, rows)
