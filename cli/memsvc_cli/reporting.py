"""eval score, report, compare, adapters: what is made of answers that are there, and who else can measure memsvc."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memsvc_cli import options, output
from memsvc_evals.table import NOTHING, Column, Table, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memsvc_evals.adapters import Adapter
    from memsvc_evals.scoring import Interval, Rescored

_RANGE = "95 %"


def score(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Predictions, one JSON object a line.")],
    json: options.Json = False,
) -> None:
    """Score predictions of any system, made anywhere.

    A line holds question, gold, prediction and category (LoCoMo's, 1 to 5); other fields are ignored. The measures
    are f1 (LoCoMo's own, with its rule for each category), f1_set (mem0's), bleu1 and em.

    \b
    memsvc eval score predictions.jsonl --json
    """
    from memsvc_evals.scoring import rescore

    size = file.stat().st_size if file.is_file() else None
    with output.progress("Scoring", size, size=True) as advance:
        found = rescore(file, advance)
    if json:
        output.document(found.to_dict())
    else:
        output.table(_scores(found))


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
    from memsvc_evals.reports import compare_runs, tables

    names = [name.strip() for name in policies.split(",")] if policies else []
    with output.spinner("Comparing"):
        found = compare_runs(before, after, policies=names)
    if json:
        output.document(found.to_dict())
        return
    shared = f"{found.questions:,} in both, {found.only['before']:,} only before, {found.only['after']:,} only after"
    output.pairs([("before", found.before), ("after", found.after), ("questions", shared)])
    output.line()
    output.tables([tables.settings(found), *(one for pair in found.pairs for one in tables.changes(found, pair))])


def adapters(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Show the lines that go into this harness.", show_default=False),
    ] = None,
    json: options.Json = False,
) -> None:
    """List the harnesses that memsvc can be put into, or show how for one.

    \b
    memsvc eval adapters omnimemeval
    """
    from memsvc_evals.adapters import ADAPTERS, adapter

    found = ADAPTERS if name is None else (adapter(name),)
    if json:
        output.document({"adapters": [asdict(one) for one in found]})
    elif name is None:
        columns = [Column("name", style="cyan"), Column("calls"), Column("purpose", wrap=True)]
        output.table(Table(columns, [[one.name, one.calls, one.purpose] for one in found]))
        output.note(f"`memsvc eval adapters {found[0].name}` shows the lines that go into that harness.")
    else:
        output.stream(_lines(found[0]))  # as they are: they are copied


def _scores(found: "Rescored") -> Table:
    """In per cent; on a terminal each range stands below its mean."""
    from memsvc_evals.scoring import MEASURES, group_name

    columns = [Column("category"), Column("questions", right=True)]
    for measure in MEASURES:
        columns += [Column(measure, right=True), Column(f"{measure} {_RANGE}", below=measure)]
    rows = []
    for group, intervals in found.intervals().items():
        row = [group_name(group), f"{found.counts[group]:,}"]
        for measure in MEASURES:
            row += _cells(intervals.get(measure))
        rows.append(row)
    note = "In per cent, with 95 % intervals over questions: Wilson for shares, bootstrap for means."
    return Table(columns, rows, note=note)


def _cells(one: "Interval | None") -> tuple[str, str]:
    """A mean and its range; a single question has none."""
    if one is None:
        return NOTHING, ""
    return percent(one.mean), "" if one.half is None else f"{100 * one.low:.1f}–{100 * one.high:.1f}"


def _lines(one: "Adapter") -> "Iterator[str]":
    yield f"{one.name}: {one.purpose}"
    yield f"Harness: {one.harness}"
    yield f"Import:  {one.path} ({one.calls})"
    for step in one.steps:
        yield ""
        yield f"{step.file} ({step.where}):"
        yield from (f"    {line}".rstrip() for line in step.lines.splitlines())
    yield ""
    yield "Then, with memsvc installed in the harness's environment:"
    yield f"    {one.command}"
