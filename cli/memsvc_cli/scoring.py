"""eval score: anybody's predictions, scored again. How is decided in `memsvc_evals.scoring`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memsvc_cli import options, output

if TYPE_CHECKING:
    from memsvc_evals.scoring import Interval, Rescored

_NOTHING = "–"
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
        _show(found)


def _show(found: "Rescored") -> None:
    """In per cent; on a terminal each range stands below its mean."""
    from memsvc_evals.scoring import MEASURES, group_name

    columns = [output.Column("category"), output.Column("questions", right=True)]
    for measure in MEASURES:
        columns += [output.Column(measure, right=True), output.Column(f"{measure} {_RANGE}", below=measure)]
    rows = []
    for group, intervals in found.intervals().items():
        row = [group_name(group), f"{found.counts[group]:,}"]
        for measure in MEASURES:
            row += _cells(intervals.get(measure))
        rows.append(row)
    output.table(columns, rows)
    output.note("In per cent, with 95 % intervals over questions: Wilson for shares, bootstrap for means.")


def _cells(one: "Interval | None") -> tuple[str, str]:
    """A mean and its range; a single question has none."""
    if one is None:
        return _NOTHING, ""
    return f"{100 * one.mean:.1f}", "" if one.half is None else f"{100 * one.low:.1f}–{100 * one.high:.1f}"
