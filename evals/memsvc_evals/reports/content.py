"""What a report says, in which order: sections of tables, facts and pictures, the same in both forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memsvc_evals.reports import facts, tables

if TYPE_CHECKING:
    from memsvc_evals.reports.reading import Run
    from memsvc_evals.reports.tables import Table

SHORT = 20
"""How many rows of a list stand in `report.md`."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report. `pictures` names those that belong to it, as `plots` names them; of the tables
    the first `shown` are to be seen at once."""

    key: str
    title: str
    tables: tuple[Table, ...] = ()
    facts: tuple[facts.Fact, ...] = ()
    pictures: tuple[str, ...] = ()
    shown: int = 2


def sections(run: Run, limit: int | None = None) -> tuple[Section, ...]:
    """Those that have anything to show; of long lists the first `limit` rows."""
    main = run.main_measure.replace(":", "-")
    found = (
        Section("scores", "Scores", (tables.scores(run), tables.effort(run)), pictures=("trade-off",)),
        Section("categories", "By category", tables.by_category(run), pictures=tuple(dict.fromkeys((main, "f1")))),
        Section("differences", "Differences", tables.paired(run.summary["paired"], run.heading), shown=1),
        Section("retrieval", "Evidence", pictures=("recall",)),
        Section("gate", "Gate", pictures=("escalation",)),
        Section("cost", "Cost and time", (tables.cost(run),), pictures=("latency",)),
        Section("runs", "Repetitions", _filled(tables.runs(run))),
        Section("audit", "Audited key", tables.audited(run)),
        Section(
            "left-out",
            "Left out",
            _filled(
                tables.failed(run, limit),
                tables.notes("Left out", run.summary["exclusions"], limit),
                tables.notes("Repaired", run.summary["repairs"], limit),
            ),
            shown=3,
        ),
        Section("provenance", "Provenance", facts=facts.provenance(run)),
    )
    return tuple(one for one in found if one.tables or one.facts or (limit is None and one.pictures))


def _filled(*found: Table) -> tuple[Table, ...]:
    return tuple(table for table in found if table.rows)
