from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from memsvc import Memory
from memsvc.testing import HashEmbedder
from memsvc_evals import MeasurementError, evaluate, load_locomo
from memsvc_evals.retrieval import metrics
from tests.evals.builders import locomo, question, turn, write

if TYPE_CHECKING:
    from pathlib import Path

    from memsvc_evals import Dataset, Result

MEASURES = {
    *(f"recall@{k}" for k in (5, 10, 25, 50)),
    *(f"all_found@{k}" for k in (5, 10, 25, 50)),
    "ndcg@10",
    "mrr",
}
COST = {"tokens@10", "latency_p50_ms", "latency_p95_ms"}


def run(database: Path, dataset: Dataset, **options: Any) -> Result:
    with Memory.open(database, embedder=HashEmbedder()) as memory:
        return evaluate(memory, dataset, **options)


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_times(inner) for key, inner in value.items() if not key.startswith(("latency", "date"))}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, examples: Dataset) -> Path:
    """Two runs on one database, `first` and `again`, and one on another, `apart`."""
    home = tmp_path_factory.mktemp("runs")
    run(home / "a.db", examples, out_dir=home / "deep" / "first")
    run(home / "a.db", examples, out_dir=home / "again")
    run(home / "b.db", examples, out_dir=str(home / "apart"))
    return home


def summary(folder: Path, name: str) -> Any:
    return json.loads((folder / name / "summary.json").read_text("utf-8"))


def lines(folder: Path, name: str) -> list[Any]:
    return [json.loads(line) for line in (folder / name / "questions.jsonl").read_text("utf-8").splitlines()]


def test_summary_says_what_was_measured_on_and_with(folder: Path, examples: Dataset) -> None:
    found = summary(folder, "deep/first")
    assert found["dataset"]["source"] == "conversations.json"
    assert found["dataset"]["sha256"] == examples.sha256
    assert found["dataset"]["messages"] == examples.turns
    assert found["receipts"] == {"stored": examples.turns}
    assert set(found["provenance"]["versions"]) >= {"python", "memsvc", "numpy", "faiss", "onnxruntime"}
    assert found["provenance"]["embedder"] == {"model": HashEmbedder().model, "dimension": 64}
    assert found["settings"]["top_k"] == 50
    assert found["exclusions"] == {"counts": {}, "list": []}
    assert found["categories"]["1"] == "multi-hop"
    assert found["counts"]["all"] == {"asked": examples.questions, "scored": examples.questions}
    assert found["counts"]["1-4"]["asked"] + found["counts"]["5"]["asked"] == examples.questions


def test_metrics_by_system_group_and_measure(folder: Path) -> None:
    found = summary(folder, "deep/first")["metrics"]
    assert list(found) == ["memsvc", "dense", "bm25", "rrf"]
    for system, groups in found.items():
        assert set(groups) == {"1", "2", "3", "4", "5", "1-4", "all"}
        for measures in groups.values():
            assert set(measures) == (MEASURES | COST if system == "memsvc" else MEASURES)


def test_lines_agree_with_the_summary(folder: Path) -> None:
    rows, found = lines(folder, "deep/first"), summary(folder, "deep/first")["metrics"]
    for system in found:
        recalls = [metrics.recall_at(row["systems"][system]["returned"], row["gold"], 10) for row in rows]
        assert metrics.mean(recalls) == pytest.approx(found[system]["all"]["recall@10"])
    row = rows[0]
    assert row["question_id"] == "kittiwake/q0"
    assert row["category_name"] == "single-hop"
    assert set(row["systems"]["bm25"]["gold_ranks"]) == set(row["gold"])
    assert "question" not in row


def test_words_that_the_question_shares_are_found(folder: Path) -> None:
    assert summary(folder, "deep/first")["metrics"]["memsvc"]["all"]["recall@50"] > 0.8


def test_the_same_run_twice_is_the_same(folder: Path) -> None:
    assert without_times(summary(folder, "deep/first")) == without_times(summary(folder, "apart"))
    assert without_times(lines(folder, "deep/first")) == without_times(lines(folder, "apart"))


def test_a_second_run_on_a_database_adds_nothing(folder: Path, examples: Dataset) -> None:
    assert summary(folder, "again")["receipts"] == {"duplicate": examples.turns}
    assert without_times(lines(folder, "again")) == without_times(lines(folder, "deep/first"))


def test_progress_counts_to_the_end(tmp_path: Path, examples: Dataset) -> None:
    seen: dict[str, list[tuple[int, int]]] = {}
    some = replace(examples, conversations=examples.conversations[:1])
    run(tmp_path / "a.db", some, progress=lambda stage, done, total: seen.setdefault(stage, []).append((done, total)))
    assert list(seen) == ["add", "search", "baselines"]
    assert seen["add"][-1] == (some.turns, some.turns)
    assert seen["search"] == [(done, some.questions) for done in range(1, some.questions + 1)]


def test_without_baselines(tmp_path: Path, examples: Dataset) -> None:
    some = replace(examples, conversations=examples.conversations[:1])
    result = run(tmp_path / "a.db", some, baselines=False)
    assert result.systems == ("memsvc",)
    assert "bm25" not in result.settings


def test_each_conversation_has_its_namespace(tmp_path: Path, examples: Dataset) -> None:
    with Memory.open(tmp_path / "a.db", embedder=HashEmbedder()) as memory:
        evaluate(memory, examples, baselines=False)
        assert memory.namespaces() == ["locomo/household", "locomo/kittiwake", "locomo/river-trip"]
        held = memory.list(namespace="locomo/kittiwake", limit=1)[0]
    assert held.metadata["dia_id"] == "D1:1"
    assert held.speaker == "Hanne"


def test_equal_utterances_stay_two_messages(tmp_path: Path) -> None:
    record = locomo({1: [turn("D1:1", "Yes."), turn("D1:2", "Yes.")]}, [question("D1:2")])
    result = run(tmp_path / "a.db", load_locomo(write(tmp_path / "d.json", [record])))
    assert result.receipts == {"stored": 2}
    assert set(result.outcomes[0].rankings["memsvc"]) == {"D1:1", "D1:2"}


def test_questions_without_evidence_are_asked_and_not_scored(tmp_path: Path) -> None:
    record = locomo({1: [turn("D1:1", "A goat.")]}, [question("D"), question("D1:1"), question("D9:9", category=3)])
    result = run(tmp_path / "a.db", load_locomo(write(tmp_path / "d.json", [record])))
    assert result.counts["all"] == {"asked": 3, "scored": 1}
    assert result.metrics["dense"]["all"]["recall@10"] == 1
    assert result.metrics["dense"]["3"] == {}
    assert set(result.metrics["memsvc"]["3"]) == COST
    assert result.to_dict()["exclusions"]["counts"]["question without valid evidence"] == 2


def test_a_conversation_without_questions(tmp_path: Path) -> None:
    result = run(tmp_path / "a.db", load_locomo(write(tmp_path / "d.json", [locomo({1: [turn("D1:1")]}, [])])))
    assert result.systems == ()
    assert result.to_dict()["metrics"] == {}


def test_another_version_of_the_data_is_refused(tmp_path: Path) -> None:
    old, new = (locomo({1: [turn("D1:1", text)]}, []) for text in ("A goat.", "A sheep."))
    run(tmp_path / "a.db", load_locomo(write(tmp_path / "d.json", [old])))
    with pytest.raises(MeasurementError, match="locomo/conv-1: D1:1 was rejected"):
        run(tmp_path / "a.db", load_locomo(write(tmp_path / "d.json", [new])))


def test_a_message_that_was_corrected_since_is_refused(tmp_path: Path) -> None:
    data = load_locomo(write(tmp_path / "d.json", [locomo({1: [turn("D1:1", "A goat.")]}, [])]))
    with Memory.open(tmp_path / "a.db", embedder=HashEmbedder()) as memory:
        evaluate(memory, data)
        memory.update(memory.list(namespace="locomo/conv-1")[0].id, namespace="locomo/conv-1", text="A sheep.")
        with pytest.raises(MeasurementError, match="run on a fresh database"):
            evaluate(memory, data)


def test_strangers_in_the_namespace_are_refused(tmp_path: Path) -> None:
    data = load_locomo(write(tmp_path / "d.json", [locomo({1: [turn("D1:1")]}, [question("D1:1")])]))
    with Memory.open(tmp_path / "a.db", embedder=HashEmbedder()) as memory:
        memory.add("I was here before.", namespace="locomo/conv-1")
        with pytest.raises(MeasurementError, match="other messages"):
            evaluate(memory, data)


def test_a_rejected_message_ends_the_run(tmp_path: Path) -> None:
    data = load_locomo(write(tmp_path / "d.json", [locomo({1: [turn("D1:1", "a\0b")]}, [])]))
    with pytest.raises(MeasurementError, match="D1:1 was rejected"):
        run(tmp_path / "a.db", data)


def test_a_folder_that_cannot_be_written(tmp_path: Path, examples: Dataset) -> None:
    (tmp_path / "file").write_text("")
    some = replace(examples, conversations=examples.conversations[:1])
    with pytest.raises(MeasurementError, match="cannot be written"):
        run(tmp_path / "a.db", some, out_dir=tmp_path / "file", baselines=False)
