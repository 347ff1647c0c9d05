"""What a run found, and what a bench measured, as tables that fit a terminal of 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc_evals.datasets.values import count_by_reason
from memsvc_evals.retrieval.results import SERVICE, TOKEN_DEPTH
from memsvc_evals.table import NOTHING, Column, Table, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_evals.retrieval.results import Result
    from memsvc_evals.speed import Measurement

OVERALL = {
    "R@5": "recall@5", "R@10": "recall@10", "R@25": "recall@25", "R@50": "recall@50",
    "all@10": "all_found@10", "nDCG@10": "ndcg@10", "MRR": "mrr",
}  # fmt: skip
"""Heading -> measure."""
BY_GROUP = "recall@10"
_SIGNS = {"at least": "≥", "at most": "≤"}


def tables(result: Result) -> tuple[Table, ...]:
    """Systems by measures over all questions, and systems by category."""
    metrics, groups, names = result.metrics, list(result.dataset.groups), result.dataset.categories
    overall = [(one, *(percent(metrics[one]["all"].get(name)) for name in OVERALL.values())) for one in result.systems]
    by_group = [(one, *(percent(metrics[one][group].get(BY_GROUP)) for group in groups)) for one in result.systems]
    by_group.append(("questions", *(str(result.counts[group]["scored"]) for group in groups)))
    # With the number: other projects number the categories otherwise.
    heads = [f"{group} {names[int(group)]}" if group.isdigit() and int(group) in names else group for group in groups]
    return (
        Table.of(f"{result.dataset.name}: evidence found, R@k is recall at k (%)", ("system", *OVERALL), overall),
        Table.of("R@10 by category (%)", ("system", *heads), by_group),
    )


def facts(result: Result) -> list[tuple[str, str]]:
    """What a search cost, what was asked, and what was left out or repaired."""
    cost = result.metrics[SERVICE]["all"] if result.outcomes else {}
    data = result.dataset
    p50, p95 = (_number(cost.get(f"latency_{name}_ms")) for name in ("p50", "p95"))
    return [
        ("search", f"p50 {p50} ms, p95 {p95} ms"),
        ("tokens", f"{_number(cost.get(f'tokens@{TOKEN_DEPTH}'))} in the first {TOKEN_DEPTH} hits"),
        ("conversations", f"{len(data.conversations):,}"),
        ("messages", f"{data.turns:,}"),
        ("questions", f"{len(result.outcomes):,} asked, {result.counts['all']['scored']:,} scored"),
        *(("left out", f"{count:,} x {reason}") for reason, count in count_by_reason(data.exclusions).items()),
        *(("repaired", f"{count:,} x {reason}") for reason, count in count_by_reason(data.repairs).items()),
    ]


def bench_table(measurements: Sequence[Measurement]) -> Table:
    """One row a measurement, beside its baseline and its bar."""
    return Table.each(
        measurements,
        (Column("measurement"), lambda one: one.name),
        (Column("value", right=True), lambda one: _figure(one.value)),
        (Column("baseline", right=True), lambda one: _figure(one.baseline)),
        (Column("unit"), lambda one: one.unit),
        (Column("ratio", right=True), lambda one: f"{one.ratio:.2f}"),
        (Column("bar"), _bar),
        (Column("met"), lambda one: "yes" if one.ok else "no"),
        title="Speed against the raw parts, in the same run",
    )


def _bar(found: Measurement) -> str:
    subject, sign = found.judged.split(" ", 1)
    return f"{subject} {_SIGNS[sign]} {found.bar:g}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.1f}"
