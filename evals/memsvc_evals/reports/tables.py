"""A run, and two of them compared, as tables: the reports and the terminal show the same ones."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from memsvc_evals.reports import formats
from memsvc_evals.table import NOTHING, Cell, Column, Table, count, money, percent, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from memsvc_evals.reports.comparing import Comparison, Flip, Pair
    from memsvc_evals.reports.reading import Metrics, Run

_TEXTS = ("f1", "f1_set", "bleu1", "em")
_EFFORT = ("recall_retrieved", "recall_cited", "escalation", "tokens", "seconds")
_ABSTENTION = ("abstention_precision", "abstention_recall", "abstention_false")
_APART = ("ingestion", "judge")
"""Stages that are no part of answering."""
_SPENT = {"calls": count, "prompt_tokens": count, "completion_tokens": count, "seconds": seconds, "cost": money}
_DIFFERENCE = ("category", "difference", "95 % interval", "p", "n")


def scores(run: Run) -> Table:
    """Policy by score, in the headline group."""
    measures = [name for name in formats.ordered(set(run.measures)) if name in _TEXTS or name.startswith("judge:")]
    return _measured(
        f"Scores, categories {run.headline} (%)", run, run.headline, measures,
        f"Answer prompt: {run.manifest['style']}, which alone moves scores by about ten points. Best of each column in "
        "bold; with each figure its 95 % interval.", best=True,
    )  # fmt: skip


def effort(run: Run) -> Table:
    """Policy by evidence, escalation and what a question costs."""
    return _measured(
        f"Evidence (%), gate (%) and effort a question, categories {run.headline}", run, run.headline, _EFFORT,
        "Tokens are those in and out that the policy would spend if it ran alone.",
    )  # fmt: skip


def abstention(run: Run) -> Table:
    """Policy by how well it says that there is no answer, over all categories."""
    return _measured("Abstention, all categories (%)", run, "all", _ABSTENTION)


def by_category(run: Run, *, intervals: bool = True) -> tuple[Table, ...]:
    """For each measure, the main one first: policy by group, with the number of questions below."""
    wanted = [name for name in formats.ordered(set(run.measures)) if name not in (*_ABSTENTION, run.main_measure)]
    return tuple(_by_group(run, name, intervals) for name in (run.main_measure, *wanted) if name in run.measures)


def audited(run: Run) -> tuple[Table, ...]:
    """What the original answer key lets a faultless system reach, and the scores under the corrected key."""
    ceiling = run.summary["ceiling"]
    if ceiling is None:
        return ()
    reachable = [
        (run.heading(group), count(one["questions"]), count(one["corrected"]), percent(one["ceiling"]))
        for group, one in ceiling["groups"].items()
    ]
    measures = formats.ordered({m for groups in ceiling["metrics"].values() for m in groups.get(run.headline, {})})
    return (
        Table.of(
            "What a faultless system reaches under the original key",
            ("category", "questions", "corrected", "ceiling (%)"),
            reachable,
            "Corrected are questions whose gold answer the audit found wrong: who answers them right loses the point.",
        ),
        Table.of(
            f"Scores under the corrected key, categories {run.headline} (%)",
            ("policy", *map(formats.label, measures)),
            _by_policy(ceiling["metrics"], run.policies, [(run.headline, name) for name in measures], best=True),
        ),
    )


def cost(run: Run) -> Table:
    """What each stage of each policy spent over the whole run, ingestion first and the judge last."""
    return Table.of(
        "Cost of the whole run, by policy and stage",
        ("policy", "stage", "calls", "tokens in", "tokens out", "seconds", "cost"),
        [row for policy in run.policies for row in _stages(policy, run.summary["cost"].get(policy, {}))],
        "Ingestion is shared by all policies. Each policy is charged as if it ran alone, also for drafts and verdicts "
        f"that it shared. {NOTHING}: the model has no known price.",
        names=2,
    )


def paired(run: Run) -> tuple[Table, ...]:
    """For each measure the differences between policies, question by question."""
    by_measure: dict[str, list[tuple[str, ...]]] = {}
    for one in run.summary["paired"]:
        row = (f"{one['a']} less {one['b']}", *_difference(one["measure"], run.heading(one["group"]), one))
        by_measure.setdefault(one["measure"], []).append(row)
    return tuple(
        Table.of(
            f"{formats.label(measure)}: paired differences" + (" (points)" if formats.is_share(measure) else ""),
            ("policies", *_DIFFERENCE),
            rows,
            "Question by question: a positive difference says that the first is higher. p is of a permutation test "
            "and is not corrected for the number of comparisons.",
            names=2,
        )
        for measure, rows in by_measure.items()
    )


def runs(run: Run) -> Table:
    """How far the repetitions lie apart; no rows where there was one."""
    rows = [
        (
            policy,
            formats.label(name),
            _cell(name, found),
            ", ".join(formats.value(name, one) for one in found["values"]),
        )
        for policy, measures in run.summary["runs"].items()
        for name, found in measures.items()
    ]
    return Table.of(f"Over {run.manifest['runs']} runs", ("policy", "measure", "mean", "of each run"), rows, names=2)


def failed(run: Run, limit: int | None = None) -> Table:
    """The calls that gave no answer, or the first `limit` of them."""
    return _listed("Failed calls", ("question_id", "policy", "run", "error"), run.summary["failed"], limit)


def notes(title: str, noted: Mapping[str, Any], limit: int | None = None) -> Table:
    """What was left out or repaired, by reason and place, or the first `limit` of them."""
    return _listed(title, ("reason", "place", "value"), noted.get("list", []), limit)


def settings(found: Comparison) -> Table:
    """What two compared runs did not have in common."""
    rows = [(name, *map(str, sides.values())) for name, sides in found.settings.items()]
    return Table.of("Set differently", ("setting", "before", "after"), rows, names=3)


def changes(found: Comparison, pair: Pair) -> tuple[Table, ...]:
    """The differences of two compared policies by measure and group, then the questions that flipped."""
    less = (
        (pair.after, pair.before) if found.before == found.after else (f"{pair.after} after", f"{pair.before} before")
    )
    rows = [
        (formats.label(one.measure), *_difference(one.measure, found.heading(one.group), asdict(one)))
        for one in pair.differences
    ]
    by = formats.label(pair.flips.measure)
    return (
        Table.of(f"{' less '.join(less)}: points, tokens or seconds", ("measure", *_DIFFERENCE), rows, names=2),
        _flips(f"Got better, by {by}: {len(pair.flips.better):,}", pair.flips.better, found.heading),
        _flips(f"Got worse, by {by}: {len(pair.flips.worse):,}", pair.flips.worse, found.heading),
    )


def _flips(title: str, flips: Iterable[Flip], heading: Callable[[str], str]) -> Table:
    rows = [
        (one.question_id, heading(str(one.category)), percent(one.before), percent(one.after), one.pages[-1])
        for one in flips
    ]
    columns = [
        Column("question", wrap=True),
        Column("category"),
        Column("before", right=True),
        Column("after", right=True),
        Column("page", below="question"),
    ]
    return Table(columns, rows, title)


def _difference(measure: str, group: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    change, ends = formats.difference(measure, found["difference"]), formats.signed_span(measure, found)
    return group, change, ends, formats.chance(found["p"]), count(found["n"])


def _listed(title: str, names: Sequence[str], found: Sequence[Mapping[str, Any]], limit: int | None) -> Table:
    rows = [tuple(str(one[name]) for name in names) for one in found[:limit]]
    note = "" if len(rows) == len(found) else f"The first {len(rows):,} of {len(found):,}; report.html has them all."
    heads = [{"question_id": "question", "value": "what stood there"}.get(name, name) for name in names]
    return Table.of(title, heads, rows, note, names=len(heads))


def _measured(title: str, run: Run, group: str, wanted: Iterable[str], note: str = "", *, best: bool = False) -> Table:
    """Policy by those of the measures that were taken."""
    measures = [name for name in wanted if name in run.measures]
    rows = _by_policy(run.metrics, run.policies, [(group, name) for name in measures], best=best) if measures else []
    return Table.of(title, ("policy", *map(formats.label, measures)), rows, note)


def _by_policy(
    metrics: Metrics, policies: Sequence[str], columns: Sequence[tuple[str, str]], *, best: bool
) -> list[tuple[Cell | str, ...]]:
    """A row a policy; a column is a group and a measure."""
    found = {
        (policy, column): metrics.get(policy, {}).get(column[0], {}).get(column[1])
        for policy in policies
        for column in columns
    }
    tops = {column: _top([found[policy, column] for policy in policies]) if best else None for column in columns}
    return [
        (policy, *(_cell(column[1], found[policy, column], tops[column]) for column in columns)) for policy in policies
    ]


def _top(found: Iterable[Mapping[str, Any] | None]) -> float | None:
    """The highest mean; None where all are the same."""
    means = {one["mean"] for one in found if one is not None}
    return max(means) if len(means) > 1 else None


def _by_group(run: Run, measure: str, intervals: bool) -> Table:
    sizes = {name: size for name in run.groups if (size := _size(run, name, measure))}
    best = measure in _TEXTS or measure.startswith("judge:")
    rows = _by_policy(run.metrics, run.policies, [(name, measure) for name in sizes], best=best)
    if not intervals:
        rows = [tuple(one if isinstance(one, str) else Cell(one.text, look=one.look) for one in row) for row in rows]
    unit = " (%)" if formats.is_share(measure) else ""
    return Table.of(
        f"{formats.label(measure)} by category{unit}",
        ("policy", *map(run.heading, sizes)),
        [*rows, ("questions", *(f"{size:,}" for size in sizes.values()))],
    )


def _size(run: Run, group: str, measure: str) -> int:
    """Questions behind the figures of a group."""
    return max((of.get(group, {}).get(measure, {}).get("n", 0) for of in run.metrics.values()), default=0)


def _cell(measure: str, interval: Mapping[str, Any] | None, top: float | None = None) -> Cell:
    if interval is None:
        return Cell(NOTHING)
    figure, ends = formats.value(measure, interval["mean"]), formats.span(measure, interval)
    return Cell(figure, ends, "strong" if interval["mean"] == top else "")


def _stages(policy: str, stages: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[Cell | str, ...]]:
    own = {stage: spent for stage, spent in stages.items() if stage not in _APART}
    for stage in ("ingestion", *own):
        if stage in stages:
            yield policy, stage, *_spent(stages[stage])
    yield (
        policy,
        Cell("answering, in all", look="strong"),
        *(Cell(one, look="strong") for one in _spent(_total(own.values()))),
    )
    if "judge" in stages:
        yield policy, "judge", *_spent(stages["judge"])


def _spent(spent: Mapping[str, Any]) -> Iterator[str]:
    return (show(spent[name]) for name, show in _SPENT.items())


def _total(stages: Collection[Mapping[str, Any]]) -> dict[str, Any]:
    """The sum of the stages; what one of them does not know, their sum does not know either."""
    columns = {name: [spent[name] for spent in stages] for name in _SPENT}
    return {name: None if None in found else sum(found) for name, found in columns.items()}
