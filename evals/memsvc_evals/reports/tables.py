"""A run as tables of plain cells: `report.md` and `report.html` show the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memsvc_evals.reports import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from memsvc_evals.reports.reading import Metrics, Run

_TEXTS = ("f1", "f1_set", "bleu1", "em")
_ABSTENTION = ("abstention_precision", "abstention_recall", "abstention_false")
_EFFORT = ("recall_retrieved", "recall_cited", "escalation", *_ABSTENTION, "tokens", "seconds")
_APART = ("ingestion", "judge")
"""Stages that are no part of answering."""
_SPENT = ("calls", "prompt_tokens", "completion_tokens", "seconds", "cost")


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure, what belongs to it in small print, and whether it stands out: the best of its column, or a sum."""

    text: str
    detail: str = ""
    strong: bool = False


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
        _by_policy(run.metrics, run.policies, [(run.headline, name) for name in measures]),
        _note(run, "Best of each column in bold; with each figure its 95 % interval."),
    )


def effort(run: Run) -> Table:
    """Policy by evidence, escalation, abstention and what a question costs."""
    measures = [name for name in _EFFORT if name in run.measures]
    return Table(
        f"Evidence, gate and effort, categories {run.headline} (% unless said)",
        ("policy", *map(formats.label, measures)),
        _by_policy(
            run.metrics,
            run.policies,
            [("all" if name in _ABSTENTION else run.headline, name) for name in measures],
            best=False,
        ),
        "Abstention is over all categories. Tokens are those in and out that the policy would spend if it ran alone.",
    )


def by_category(run: Run) -> tuple[Table, ...]:
    """For each measure, the main one first: policy by group."""
    wanted = [name for name in formats.ordered(set(run.measures)) if name not in (*_ABSTENTION, run.main_measure)]
    return tuple(_by_group(run, name) for name in (run.main_measure, *wanted) if name in run.measures)


def audited(run: Run) -> tuple[Table, ...]:
    """What the original answer key lets a faultless system reach, and the scores under the corrected key."""
    ceiling = run.summary["ceiling"]
    if ceiling is None:
        return ()
    reachable = tuple(
        (Cell(run.heading(group)), *map(_count, (one["questions"], one["corrected"])), _share(one["ceiling"]))
        for group, one in ceiling["groups"].items()
    )
    found = {policy: groups.get(run.headline, {}) for policy, groups in ceiling["metrics"].items()}
    measures = formats.ordered({name for one in found.values() for name in one})
    rows = _by_policy(ceiling["metrics"], run.policies, [(run.headline, name) for name in measures])
    return (
        Table(
            "What a faultless system reaches under the original key",
            ("category", "questions", "corrected", "ceiling (%)"),
            reachable,
            "Corrected are questions whose gold answer the audit found wrong: who answers them right loses the point.",
        ),
        Table(
            f"Scores under the corrected key, categories {run.headline} (%)",
            ("policy", *map(formats.label, measures)),
            rows,
        ),
    )


def cost(run: Run) -> Table:
    """What each stage of each policy spent over the whole run, ingestion first and the judge last."""
    rows = [row for policy in run.policies for row in _stages(policy, run.summary["cost"].get(policy, {}))]
    return Table(
        "Cost of the whole run, by policy and stage",
        ("policy", "stage", "calls", "tokens in", "tokens out", "seconds", "cost"),
        tuple(rows),
        "Ingestion is shared by all policies. Each policy is charged as if it ran alone, also for drafts and verdicts "
        f"that it shared. {formats.NOTHING}: the model has no known price.",
        names=2,
    )


def paired(differences: Iterable[Mapping[str, Any]], heading: Callable[[str], str]) -> tuple[Table, ...]:
    """For each measure the differences question by question."""
    by_measure: dict[str, list[tuple[Cell, ...]]] = {}
    for one in differences:
        measure = one["measure"]
        row = (
            f"{one['a']} less {one['b']}",
            heading(one["group"]),
            formats.difference(measure, one["difference"]),
            formats.signed_span(measure, one),
            formats.chance(one["p"]),
            formats.count(one["n"]),
        )
        by_measure.setdefault(measure, []).append(tuple(map(Cell, row)))
    return tuple(
        Table(
            f"{formats.label(measure)}: paired differences" + (" (points)" if formats.is_share(measure) else ""),
            ("policies", "category", "difference", "95 % interval", "p", "questions"),
            tuple(rows),
            "Question by question: a positive difference says that the first is higher. p is of a permutation test "
            "and is not corrected for the number of comparisons.",
            names=2,
        )
        for measure, rows in by_measure.items()
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
    return Table(f"Over {run.manifest['runs']} runs", ("policy", "measure", "mean", "of each run"), rows, names=2)


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


def _by_policy(
    metrics: Metrics, policies: Sequence[str], columns: Sequence[tuple[str, str]], *, best: bool = True
) -> tuple[tuple[Cell, ...], ...]:
    """A row a policy; a column is a group and a measure."""
    found = {
        (policy, column): metrics.get(policy, {}).get(column[0], {}).get(column[1])
        for policy in policies
        for column in columns
    }
    tops = {column: _top([found[policy, column] for policy in policies]) if best else None for column in columns}
    return tuple(
        (Cell(policy), *(_cell(column[1], found[policy, column], tops[column]) for column in columns))
        for policy in policies
    )


def _top(found: Iterable[Mapping[str, Any] | None]) -> float | None:
    """The highest mean; None where all are the same."""
    means = {one["mean"] for one in found if one is not None}
    return max(means) if len(means) > 1 else None


def _by_group(run: Run, measure: str) -> Table:
    groups = [name for name in run.groups if _size(run, name, measure)]
    unit = " (%)" if formats.is_share(measure) else ""
    return Table(
        f"{formats.label(measure)} by category{unit}",
        ("policy", *(f"{run.heading(name)} (n\u00a0=\u00a0{_size(run, name, measure):,})" for name in groups)),
        _by_policy(
            run.metrics,
            run.policies,
            [(name, measure) for name in groups],
            best=measure in _TEXTS or measure.startswith("judge:"),
        ),
    )


def _size(run: Run, group: str, measure: str) -> int:
    """Of how many answers of one policy the group's figure is made."""
    return max((found.get(group, {}).get(measure, {}).get("n", 0) for found in run.metrics.values()), default=0)


def _cell(measure: str, interval: Mapping[str, Any] | None, top: float | None = None) -> Cell:
    if interval is None:
        return NOTHING
    return Cell(
        formats.value(measure, interval["mean"]), formats.span(measure, interval), strong=interval["mean"] == top
    )


def _note(run: Run, more: str) -> str:
    return f"Answer prompt: {run.manifest['style']}, which alone moves scores by about ten points. {more}"


def _stages(policy: str, stages: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[Cell, ...]]:
    own = {stage: spent for stage, spent in stages.items() if stage not in _APART}
    for stage in ("ingestion", *own):
        if stage in stages:
            yield Cell(policy), Cell(stage), *_spent(stages[stage])
    yield Cell(policy), Cell("answering, in all", strong=True), *_spent(_total(own.values()), strong=True)
    if "judge" in stages:
        yield Cell(policy), Cell("judge"), *_spent(stages["judge"])


def _spent(spent: Mapping[str, Any], *, strong: bool = False) -> Iterable[Cell]:
    shown = (formats.count, formats.count, formats.count, formats.seconds, formats.money)
    for name, show in zip(_SPENT, shown, strict=True):
        yield Cell(show(spent[name]), strong=strong)


def _total(stages: Collection[Mapping[str, Any]]) -> dict[str, Any]:
    """The sum of the stages; what one of them does not know, their sum does not know either."""
    columns = {name: [spent[name] for spent in stages] for name in _SPENT}
    return {name: None if None in found else sum(found) for name, found in columns.items()}


def _count(number: int) -> Cell:
    return Cell(formats.count(number))


def _share(number: float | None) -> Cell:
    return Cell(formats.value("f1", number))


def _shown(rows: Sequence[object], found: Sequence[object]) -> str:
    return "" if len(rows) == len(found) else f"The first {len(rows):,} of {len(found):,}; report.html has them all."
