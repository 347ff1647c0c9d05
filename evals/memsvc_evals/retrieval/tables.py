"""Results as `rich` renderables that fit a terminal of 80 columns. Nothing is printed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc_evals.datasets.values import count_by_reason
from memsvc_evals.retrieval.results import SERVICE, TOKEN_DEPTH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from memsvc_evals.retrieval.results import Result
    from memsvc_evals.speed import Measurement

OVERALL = {
    "R@5": "recall@5", "R@10": "recall@10", "R@25": "recall@25", "R@50": "recall@50",
    "all@10": "all_found@10", "nDCG@10": "ndcg@10", "MRR": "mrr",
}  # fmt: skip
"""Heading -> measure."""
BY_GROUP = "recall@10"
_NOTHING = "–"
_SIGNS = {"at least": "≥", "at most": "≤"}


def tables(result: Result) -> tuple[RenderableType, ...]:
    """Three of them: systems by measures over all questions, systems by category, and cost and data."""
    return _overall(result), _by_group(result), _cost(result)


def bench_table(measurements: Sequence[Measurement]) -> RenderableType:
    """One row a measurement, beside its baseline and its bar; below, what each of them is."""
    from rich.console import Group

    rows = [
        [
            one.name,
            _figure(one.value),
            _figure(one.baseline),
            one.unit,
            f"{one.ratio:.2f}",
            _bar(one),
            "yes" if one.ok else "no",
        ]
        for one in measurements
    ]
    head = ["measurement", "value", "baseline", "unit", "ratio", "bar", "met"]
    table = _table("Speed against the raw parts, in the same run", head, rows, left=("measurement", "unit", "bar"))
    return Group(table, "", _pairs([(one.name, one.what) for one in measurements]))


def _overall(result: Result) -> Table:
    metrics = result.metrics
    rows = [
        [system, *(_percent(metrics[system]["all"].get(name)) for name in OVERALL.values())]
        for system in result.systems
    ]
    return _table(f"{result.dataset.name}: evidence found, R@k is recall at k (%)", ["system", *OVERALL], rows)


def _by_group(result: Result) -> Table:
    metrics, groups = result.metrics, list(result.dataset.groups)
    rows = [
        [system, *(_percent(metrics[system][group].get(BY_GROUP)) for group in groups)] for system in result.systems
    ]
    rows.append(["questions", *(str(result.counts[group]["scored"]) for group in groups)])
    return _table("R@10 by category (%)", ["system", *(_heading(result, group) for group in groups)], rows)


def _cost(result: Result) -> Table:
    cost = result.metrics[SERVICE]["all"] if result.outcomes else {}
    data = result.dataset
    p50, p95 = (_number(cost.get(f"latency_{name}_ms")) for name in ("p50", "p95"))
    return _pairs(
        [
            ("search", f"p50 {p50} ms, p95 {p95} ms"),
            ("tokens", f"{_number(cost.get(f'tokens@{TOKEN_DEPTH}'))} in the first {TOKEN_DEPTH} hits"),
            ("conversations", f"{len(data.conversations):,}"),
            ("messages", f"{data.turns:,}"),
            ("questions", f"{len(result.outcomes):,} asked, {result.counts['all']['scored']:,} scored"),
            *(("left out", f"{count:,} x {reason}") for reason, count in count_by_reason(data.exclusions).items()),
            *(("repaired", f"{count:,} x {reason}") for reason, count in count_by_reason(data.repairs).items()),
        ]
    )


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[str] = ()) -> Table:
    """A table without a frame; numbers stand at the right, the first column and those of `left` at the left."""
    from rich import box
    from rich.table import Table

    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for name in head:
        justify = "left" if name == head[0] or name in left else "right"
        table.add_column(name, justify=justify, vertical="bottom", no_wrap=True)  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*row)
    return table


def _pairs(fields: Sequence[tuple[str, str]]) -> Table:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    for field in fields:
        grid.add_row(*field)
    return grid


def _heading(result: Result, group: str) -> str:
    """The category's number above its name: other projects number them otherwise."""
    name = result.dataset.categories.get(int(group)) if group.isdigit() else None
    return group if name is None else f"{group}\n{name}"


def _bar(found: Measurement) -> str:
    subject, sign = found.judged.split(" ", 1)
    return f"{subject} {_SIGNS[sign]} {found.bar:g}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _percent(value: float | None) -> str:
    return _NOTHING if value is None else f"{100 * value:.1f}"


def _number(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:,.1f}"
