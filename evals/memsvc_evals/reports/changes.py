"""A comparison as tables of plain cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc_evals.reports import formats
from memsvc_evals.reports.reading import heading
from memsvc_evals.reports.tables import Cell, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from memsvc_evals.reports.comparing import Comparison, Flip, Pair


def settings(found: Comparison) -> Table:
    """What the two runs did not have in common."""
    rows = tuple((Cell(name), Cell(str(old)), Cell(str(new))) for name, (old, new) in found.settings.items())
    return Table("Set differently", ("setting", "before", "after"), rows, names=3)


def title(found: Comparison, pair: Pair) -> str:
    """Which is taken from which."""
    if found.before == found.after:
        return f"{pair.after} less {pair.before}"
    return f"{pair.after} after less {pair.before} before"


def changes(pair: Pair, dataset: str) -> tuple[Table, ...]:
    """The differences of two policies by measure and group, then the questions that flipped."""
    rows = tuple(
        (
            Cell(formats.label(one.measure)),
            Cell(heading(dataset, one.group)),
            Cell(formats.difference(one.measure, one.found.difference)),
            Cell(formats.signed_span(one.measure, {"low": one.found.low, "high": one.found.high})),
            Cell(formats.chance(one.found.p)),
            Cell(formats.count(one.found.n)),
        )
        for one in pair.differences
    )
    head = ("measure", "category", "difference", "95 % interval", "p", "questions")
    by = formats.label(pair.judged_by)
    return (
        Table("Differences: points, tokens or seconds", head, rows, names=2),
        _flips(f"Got better, by {by}: {len(pair.better):,}", pair.better, dataset),
        _flips(f"Got worse, by {by}: {len(pair.worse):,}", pair.worse, dataset),
    )


def _flips(title: str, flips: Iterable[Flip], dataset: str) -> Table:
    rows = tuple(
        (
            Cell(one.question_id),
            Cell(heading(dataset, str(one.category))),
            Cell(one.pages[-1]),
            Cell(formats.value("f1", one.before)),
            Cell(formats.value("f1", one.after)),
        )
        for one in flips
    )
    return Table(title, ("question", "category", "page", "before", "after"), rows, names=3)
