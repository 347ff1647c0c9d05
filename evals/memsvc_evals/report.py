"""Results as tables: `rich` renderables for a terminal, and Markdown for a page. Nothing is printed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc_evals.dataset import count_by_reason
from memsvc_evals.results import SERVICE, TOKEN_DEPTH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from memsvc_evals.measurement import Measurement
    from memsvc_evals.results import Result

OVERALL = ("recall@5", "recall@10", "recall@25", "recall@50", "all_found@10", "ndcg@10", "mrr")
BY_GROUP = "recall@10"
_NOTHING = "–"


def tables(result: Result) -> tuple[Table, ...]:
    """Three tables: systems by measures over all questions, systems by category, and cost and data."""
    from rich.table import Table

    made = []
    for title, head, rows in _blocks(result):
        table = Table(title=title, title_justify="left")
        for column, name in enumerate(head):
            table.add_column(name, justify="left" if column == 0 else "right")
        for row in rows:
            table.add_row(*row)
        made.append(table)
    return tuple(made)


def as_markdown(result: Result) -> str:
    """The same tables as Markdown, with a line on where the numbers come from."""
    blocks = [_markdown(title, head, rows) for title, head, rows in _blocks(result)]
    return "\n\n".join([*blocks, _origin(result)]) + "\n"


def bench_table(measurements: Sequence[Measurement]) -> Table:
    """One row a measurement, beside its baseline and its bar."""
    from rich.table import Table

    table = Table(title="Speed against the raw parts, measured in the same run", title_justify="left")
    for name in ("measurement", "value", "baseline", "ratio", "bar", "met"):
        table.add_column(name, justify="left" if name == "measurement" else "right")
    for found in measurements:
        table.add_row(*found.row())
    return table


def _blocks(result: Result) -> list[tuple[str, list[str], list[list[str]]]]:
    return [_overall(result), _by_group(result), _cost(result)]


def _overall(result: Result) -> tuple[str, list[str], list[list[str]]]:
    metrics = result.metrics
    rows = [[system, *(_percent(metrics[system]["all"].get(name)) for name in OVERALL)] for system in result.systems]
    return f"{result.dataset.name}: evidence found, all questions (%)", ["system", *OVERALL], rows


def _by_group(result: Result) -> tuple[str, list[str], list[list[str]]]:
    metrics, groups = result.metrics, list(result.dataset.groups)
    rows = [
        [system, *(_percent(metrics[system][group].get(BY_GROUP)) for group in groups)] for system in result.systems
    ]
    rows.append(["questions scored", *(str(result.counts[group]["scored"]) for group in groups)])
    return f"{BY_GROUP} by category (%)", ["system", *(_heading(result, group) for group in groups)], rows


def _cost(result: Result) -> tuple[str, list[str], list[list[str]]]:
    cost = result.metrics[SERVICE]["all"] if result.outcomes else {}
    data = result.dataset
    rows = [
        ["search p50", _number(cost.get("latency_p50_ms"), " ms")],
        ["search p95", _number(cost.get("latency_p95_ms"), " ms")],
        [f"tokens in the first {TOKEN_DEPTH} hits", _number(cost.get(f"tokens@{TOKEN_DEPTH}"), "")],
        ["conversations", str(len(data.conversations))],
        ["messages", str(data.turns)],
        ["questions asked", str(len(result.outcomes))],
        *([f"left out: {reason}", str(count)] for reason, count in count_by_reason(data.exclusions).items()),
        *([f"repaired: {reason}", str(count)] for reason, count in count_by_reason(data.repairs).items()),
    ]
    return f"cost of {SERVICE}, and what was measured on", ["", "value"], rows


def _heading(result: Result, group: str) -> str:
    name = result.dataset.categories.get(int(group)) if group.isdigit() else None
    return group if name is None else f"{group} {name}"


def _origin(result: Result) -> str:
    embedder = result.provenance["embedder"]["model"]
    return (
        f"Data: {result.dataset.source}, SHA-256 {result.dataset.sha256[:12]}; "
        f"embedder: {embedder}; date: {result.provenance['date']}."
    )


def _markdown(title: str, head: list[str], rows: list[list[str]]) -> str:
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join([f"**{title}**", "", *("| " + " | ".join(cells) + " |" for cells in [head, rule, *rows])])


def _percent(value: float | None) -> str:
    return _NOTHING if value is None else f"{100 * value:.1f}"


def _number(value: float | None, unit: str) -> str:
    return _NOTHING if value is None else f"{value:,.1f}{unit}"
