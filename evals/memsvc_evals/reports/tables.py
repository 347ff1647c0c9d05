"""A run as tables of plain cells: `report.md` and `report.html` show the same ones."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memsvc_evals.reports import formats

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from memsvc_evals.reports.reading import Run

_TEXTS = ("f1", "f1_set", "bleu1", "em")
_ABSTENTION = ("abstention_precision", "abstention_recall")
_EFFORT = ("recall_retrieved", "recall_cited", "escalation", *_ABSTENTION, "tokens", "seconds")
_SPENT = ("calls", "prompt_tokens", "completion_tokens", "seconds", "cost")


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure, what belongs to it in small print, and whether it is the best of its column."""

    text: str
    detail: str = ""
    best: bool = False


NOTHING = Cell(formats.NOTHING)


@dataclass(frozen=True, slots=True)
class Table:
    """`names` of the columns hold names and stand at the left, the rest figures and stand at the right."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    names: int = 1


def scores(run: Run) -> Table:
    """Policy by score, in the headline group."""
    measures = [name for name in formats.ordered(set(run.measures)) if name in _TEXTS or name.startswith("judge:")]
    return Table(
        f"Scores, categories {run.headline} (%)",
        ("policy", *map(formats.label, measures)),
        _by_policy(run, [(run.headline, name) for name in measures]),
        _note(run, "Best of each column in bold; below each figure its 95 % interval."),
    )


def effort(run: Run) -> Table:
    """Policy by evidence, escalation, abstention and what a question costs."""
    measures = [name for name in _EFFORT if name in run.measures]
    return Table(
        f"Evidence, gate and effort, categories {run.headline} (% unless said)",
        ("policy", *map(formats.label, measures)),
        _by_policy(run, [("all" if name in _ABSTENTION else run.headline, name) for name in measures], best=False),
        "Abstention is over all categories. Tokens are those in and out that the policy would spend if it ran alone.",
    )


def by_category(run: Run) -> tuple[Table, ...]:
    """For each score, evidence recall and escalation: policy by group."""
    wanted = [name for name in formats.ordered(set(run.measures)) if name not in _ABSTENTION]
    found = [_by_group(run, name) for name in wanted]
    return tuple(table for table in found if len(table.head) > 1)


def cost(run: Run) -> Table:
    """What each stage of each policy spent over the whole run."""
    rows: list[tuple[Cell, ...]] = []
    for policy in run.policies:
        stages = run.summary["cost"].get(policy, {})
        rows += [(Cell(policy), Cell(stage), *_spent(spent)) for stage, spent in stages.items()]
        own = [spent for stage, spent in stages.items() if stage not in ("ingestion", "judge")]
        rows.append((Cell(policy), Cell("answering, in all"), *_spent(_total(own))))
    return Table(
        "Cost of the whole run, by policy and stage",
        ("policy", "stage", "calls", "tokens in", "tokens out", "seconds", "cost"),
        tuple(rows),
        "Ingestion is shared by all policies. Each policy is charged as if it ran alone, also for drafts and verdicts "
        f"that it shared. {formats.NOTHING}: the model has no known price.",
        names=2,
    )


def paired(differences: Iterable[Mapping[str, Any]], heading: Any) -> Table:
    """Differences question by question; a positive one says that the first is higher."""
    rows = tuple(
        (
            Cell(f"{one['a']} less {one['b']}"),
            Cell(formats.label(one["measure"])),
            Cell(heading(one["group"])),
            Cell(formats.difference(one["measure"], one["difference"])),
            Cell(formats.signed_span(one["measure"], one)),
            Cell(formats.chance(one["p"])),
            Cell(formats.count(one["n"])),
        )
        for one in differences
    )
    return Table(
        "Paired differences (points)",
        ("policies", "measure", "group", "difference", "95 % interval", "p", "questions"),
        rows,
        "Question by question: a positive difference says that the first policy is higher. p is of a permutation test "
        "and is not corrected for the number of comparisons.",
        names=3,
    )


def runs(run: Run) -> Table:
    """How far the repetitions lie apart; no rows where there was one."""
    rows = tuple(
        (
            Cell(policy),
            Cell(formats.label(name)),
            _cell(name, found),
            Cell(", ".join(formats.value(name, one) for one in found["values"])),
        )
        for policy, measures in run.summary["runs"].items()
        for name, found in measures.items()
    )
    return Table(
        f"Over {run.manifest['runs']} runs", ("policy", "measure", "mean", "of each run"), rows, names=2
    )


def failed(run: Run, limit: int | None = None) -> Table:
    """The calls that gave no answer, or the first `limit` of them."""
    found = run.summary["failed"]
    rows = tuple(
        tuple(Cell(str(one[name])) for name in ("question_id", "policy", "run", "error")) for one in found[:limit]
    )
    return Table("Failed calls", ("question", "policy", "run", "error"), rows, _shown(rows, found), names=4)


def notes(title: str, noted: Mapping[str, Any], limit: int | None = None) -> Table:
    """What was left out or repaired, by reason and place, or the first `limit` of them."""
    found = noted.get("list", [])
    rows = tuple(tuple(Cell(str(one[name])) for name in ("reason", "place", "value")) for one in found[:limit])
    return Table(title, ("reason", "place", "what stood there"), rows, _shown(rows, found), names=3)


def _by_policy(run: Run, columns: Sequence[tuple[str, str]], *, best: bool = True) -> tuple[tuple[Cell, ...], ...]:
    """A row a policy; a column is a group and a measure."""
    found = {
        (policy, column): run.metrics.get(policy, {}).get(column[0], {}).get(column[1])
        for policy in run.policies
        for column in columns
    }
    tops = {
        column: max((one["mean"] for policy in run.policies if (one := found[policy, column])), default=None)
        for column in columns
    }
    return tuple(
        (Cell(policy), *(_cell(column[1], found[policy, column], tops[column] if best else None) for column in columns))
        for policy in run.policies
    )


def _by_group(run: Run, measure: str) -> Table:
    groups = [name for name in run.groups if _size(run, name, measure)]
    unit = " (%)" if formats.is_share(measure) else ""
    return Table(
        f"{formats.label(measure)} by category{unit}",
        ("policy", *(f"{run.heading(name)} (n = {_size(run, name, measure):,})" for name in groups)),
        _by_policy(run, [(name, measure) for name in groups], best=measure in _TEXTS or measure.startswith("judge:")),
    )


def _size(run: Run, group: str, measure: str) -> int:
    """Of how many answers of one policy the group's figure is made."""
    return max((found.get(group, {}).get(measure, {}).get("n", 0) for found in run.metrics.values()), default=0)


def _cell(measure: str, interval: Mapping[str, Any] | None, top: float | None = None) -> Cell:
    if interval is None:
        return NOTHING
    return Cell(
        formats.value(measure, interval["mean"]), formats.span(measure, interval), best=interval["mean"] == top
    )


def _note(run: Run, more: str) -> str:
    style = {"short": "short (5-6 words)", "reasoned": "reasoned"}.get(run.manifest["style"], run.manifest["style"])
    return f"Answer prompt: {style}, which alone moves scores by about ten points. {more}"


def _spent(spent: Mapping[str, Any]) -> tuple[Cell, ...]:
    calls, read, written, seconds, price = (spent.get(name) for name in _SPENT)
    return (
        Cell(formats.count(calls)),
        Cell(formats.count(read)),
        Cell(formats.count(written)),
        Cell(formats.seconds(seconds)),
        Cell(formats.money(price)),
    )


def _total(stages: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The sum of the stages; what one of them does not know, their sum does not know either."""
    columns: dict[str, list[Any]] = defaultdict(list)
    for spent in stages:
        for name in _SPENT:
            columns[name].append(spent.get(name))
    return {name: None if None in found else sum(found) for name, found in columns.items()}


def _shown(rows: Sequence[object], found: Sequence[object]) -> str:
    return "" if len(rows) == len(found) else f"The first {len(rows):,} of {len(found):,}; report.html has them all."
