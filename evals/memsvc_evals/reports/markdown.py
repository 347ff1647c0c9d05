"""`report.md`: the header and every table, in GitHub's Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memsvc_evals.reports import content, facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from memsvc_evals.reports.reading import Run
    from memsvc_evals.reports.tables import Cell, Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&])")


def render(run: Run) -> str:
    """The report. Texts that come from the data are escaped: they can be neither markup nor HTML."""
    lines = [f"# {escape(facts.title(run))}: {escape(', '.join(run.policies))}", ""]
    lines += [f"- **{escape(name)}**: {escape(value)}" for name, value in facts.header(run)]
    for section in content.sections(run, limit=content.SHORT):
        lines += ["", f"## {section.title}"]
        for table in section.tables:
            lines += ["", *_table(table)]
        lines += ["", *_facts(section.facts)] if section.facts else []
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """A text as one line that means itself."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _facts(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [f"- **{escape(name)}**: {escape(value)}" for name, value in pairs]


def _table(table: Table) -> Iterator[str]:
    yield f"**{escape(table.title)}**"
    yield ""
    yield _row(map(escape, table.head))
    yield _row(":--" if at < table.names else "--:" for at in range(len(table.head)))
    for row in table.rows:
        yield _row(map(_cell, row))
    if table.note:
        yield ""
        yield escape(table.note)


def _cell(cell: Cell) -> str:
    text = f"**{escape(cell.text)}**" if cell.strong else escape(cell.text)
    return f"{text} ({escape(cell.detail)})" if cell.detail else text


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
