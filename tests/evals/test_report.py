from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from memsvc import Memory
from memsvc.testing import HashEmbedder
from memsvc_evals import Measurement, Note, as_markdown, bench_table, evaluate, load_locomo, tables
from tests.evals.builders import locomo, turn, write

if TYPE_CHECKING:
    from pathlib import Path

    from memsvc_evals import Dataset, Result


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory, examples: Dataset) -> Result:
    some = replace(examples, conversations=examples.conversations[:1])
    with Memory.open(tmp_path_factory.mktemp("report") / "a.db", embedder=HashEmbedder()) as memory:
        return evaluate(memory, some)


def render(*renderables: object) -> str:
    console = Console(file=io.StringIO(), width=200)
    for renderable in renderables:
        console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_tables_name_systems_measures_and_categories(result: Result) -> None:
    text = render(*tables(result))
    for word in ("memsvc", "dense", "bm25", "rrf", "recall@50", "mrr", "1 multi-hop", "5 adversarial", "1-4", "p95"):
        assert word in text
    assert f"{100 * result.metrics['rrf']['all']['recall@10']:.1f}" in text


def test_markdown_has_the_same_numbers_and_their_origin(result: Result) -> None:
    text = as_markdown(result)
    assert f"{100 * result.metrics['memsvc']['4']['recall@10']:.1f}" in text
    assert result.dataset.sha256[:12] in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)


def test_nothing_asked_is_shown_as_nothing(tmp_path: Path) -> None:
    data = load_locomo(write(tmp_path / "d.json", [locomo({1: [turn("D1:1")]}, [])]))
    with Memory.open(tmp_path / "a.db", embedder=HashEmbedder()) as memory:
        empty = evaluate(memory, data)
    assert "–" in render(*tables(empty))
    assert "–" in as_markdown(empty)


def test_what_was_left_out_is_said_by_reason(result: Result) -> None:
    notes = (Note("evidence id of no message", "d.json[0].qa[1].evidence", "D9:9"),) * 2
    text = as_markdown(replace(result, dataset=replace(result.dataset, exclusions=notes)))
    assert "| left out: evidence id of no message | 2 |" in text


def test_bench_table() -> None:
    met = Measurement("add", 90.0, 100.0, "messages/s", 0.8, "ratio at least", "durable")
    text = render(bench_table([met, replace(met, value=70.0)]))
    assert "0.90" in text
    assert "no" in text
