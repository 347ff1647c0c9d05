"""eval report, eval compare: what a finished run says, and two of them side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memsvc_cli import options, output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_evals.reports.comparing import Comparison
    from memsvc_evals.reports.tables import Table


def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.", show_default=False)],
    json: options.Json = False,
) -> None:
    """Write the reports of a finished run again; nothing is asked.

    report.md, report.html and a page a question, beside the answers they are made of.

    \b
    memsvc eval report results/locomo
    """
    from memsvc_evals.reports import write_report

    with output.spinner("Writing the report"):
        written = write_report(folder)
    if json:
        output.document(written.to_dict())
        return
    output.pairs(
        [
            ("report", str(written.html)),
            ("as text", str(written.markdown)),
            ("questions", f"{written.questions:,} pages"),
        ]
    )
    if written.missing:
        output.note(f"Tables only. {written.missing}")


def compare(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="A run directory.", show_default=False)],
    after: Annotated[
        Path | None, typer.Argument(metavar="AFTER", help="Another one, of the same data.", show_default=False)
    ] = None,
    policies: Annotated[
        str | None,
        typer.Option(
            "--policies",
            metavar="X,Y",
            help="X before against Y after; of one run, X against Y. [default: those that both have]",
            show_default=False,
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Compare two runs, or two policies of one, question by question.

    A difference is after less before, with its 95 % interval. The questions that flipped are listed.

    \b
    memsvc eval compare results/before results/after
    memsvc eval compare results/locomo --policies fast,quality
    """
    from memsvc_evals.reports import compare_runs

    names = [name.strip() for name in policies.split(",")] if policies else []
    with output.spinner("Comparing"):
        found = compare_runs(before, after, policies=names)
    if json:
        output.document(found.to_dict())
    else:
        _show(found)


def _show(found: "Comparison") -> None:
    from memsvc_evals.reports.changes import changes, settings, title

    shared = f"{found.questions:,} in both, {found.only[0]:,} only before, {found.only[1]:,} only after"
    output.pairs([("before", found.before), ("after", found.after), ("questions", shared)])
    _tables([settings(found)])
    for pair in found.pairs:
        output.line()
        output.line(title(found, pair), style="bold")
        _tables(changes(pair, found.dataset))


def _tables(tables: "Sequence[Table]") -> None:
    for table in tables:
        if table.rows:
            output.line()
            output.line(table.title)
            columns = [output.Column(name, right=at >= table.names) for at, name in enumerate(table.head)]
            output.table(columns, [[cell.text for cell in row] for row in table.rows])
