from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from memsvc import Memory
from memsvc.testing import HashEmbedder
from memsvc_evals import Measurement, Note, bench_table, evaluate, load_locomo, tables
from memsvc_evals.retrieval.tables import facts
from tests.evals.builders import locomo, turn, write

if TYPE_CHECKING:
    from pathlib import Path

    from memsvc_evals import Dataset, Result
    from memsvc_evals.table import Table


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory, examples: Dataset) -> Result:
    some = replace(examples, conversations=examples.conversations[:1])
    with Memory.open(tmp_path_factory.mktemp("report") / "a.db", embedder=HashEmbedder()) as memory:
        return evaluate(memory, some)


def render(*tables: Table, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    for table in tables:
        console.print(table.title)
        console.print(table.to_text())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_tables_name_systems_measures_and_categories(result: Result) -> None:
    text = render(*tables(result))
    for word in ("memsvc", "dense", "bm25", "rrf", "R@50", "MRR", "multi-hop", "adversarial", "1-4"):
        assert word in text
    assert f"{100 * result.metrics['rrf']['all']['recall@10']:.1f}" in text
    assert f"{100 * result.metrics['memsvc']['4']['recall@10']:.1f}" in text


def test_recall_by_category_is_one_line_a_system_within_80_columns(result: Result) -> None:
    numbers, names, _, *rows = render(tables(result)[1]).splitlines()[1:]
    assert numbers.split() == ["1", "2", "3", "4", "5"]
    assert names.split() == [
        "system", "multi-hop", "temporal", "open-domain", "single-hop", "adversarial", "1-4", "all",
    ]  # fmt: skip
    assert [row.split()[0] for row in rows] == ["memsvc", "dense", "bm25", "rrf", "questions"]
    recalls = [f"{100 * result.metrics['memsvc'][group]['recall@10']:.1f}" for group in result.dataset.groups]
    assert rows[0].split()[1:] == recalls
    assert rows[-1].split()[1:] == [str(result.counts[group]["scored"]) for group in result.dataset.groups]


def test_nothing_is_wrapped_or_cut_at_80_columns(result: Result) -> None:
    def lines(width: int) -> list[str]:
        return [line.rstrip() for line in render(*tables(result), width=width).splitlines()]

    assert lines(80) == lines(200)
    assert "…" not in "".join(lines(80))


def test_nothing_asked_is_shown_as_nothing(tmp_path: Path) -> None:
    data = load_locomo(write(tmp_path / "d.json", [locomo({1: [turn("D1:1")]}, [])]))
    with Memory.open(tmp_path / "a.db", embedder=HashEmbedder()) as memory:
        empty = evaluate(memory, data)
    assert "questions" in render(*tables(empty))
    assert ("search", "p50 – ms, p95 – ms") in facts(empty)


def test_what_was_left_out_is_said_by_reason(result: Result) -> None:
    notes = (Note("evidence id of no message", "d.json[0].qa[1].evidence", "D9:9"),) * 2
    found = facts(replace(result, dataset=replace(result.dataset, exclusions=notes)))
    assert found[-1] == ("left out", "2 x evidence id of no message")
    assert "p95" in dict(found)["search"]


def test_bench_table() -> None:
    met = Measurement("add", 90.0, 100.0, "messages/s", 0.8, "ratio at least", "durable")
    text = render(bench_table([met, replace(met, value=70.0)]))
    _, head, _, first, second = [line.split() for line in text.splitlines()]
    assert head == ["measurement", "value", "baseline", "unit", "ratio", "bar", "met"]
    assert first == ["add", "90.00", "100", "messages/s", "0.90", "ratio", "≥", "0.8", "yes"]
    assert second == ["add", "70.00", "100", "messages/s", "0.70", "ratio", "≥", "0.8", "no"]
