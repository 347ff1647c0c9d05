"""Two runs, or two policies of one, question by question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from memsvc.errors import InvalidInput
from memsvc_evals import MeasurementError
from memsvc_evals.reports import compare_runs, write_report
from memsvc_evals.reports.tables import changes, settings
from tests.evals.reports.builders import Plan, build_run, load

if TYPE_CHECKING:
    from collections.abc import Callable

ALONE = Plan(policies=("fast",), judge=False)


def changed(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Every record, changed."""
    records = [json.loads(line) for line in (folder / "answers.jsonl").read_text("utf-8").splitlines()]
    for record in records:
        change(record)
    text = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "answers.jsonl").write_text(text, encoding="utf-8")


def scored(f1: dict[str, float]) -> Callable[[dict[str, Any]], None]:
    """The F1 of questions by their ids; of all others 0."""

    def change(record: dict[str, Any]) -> None:
        record["scores"] = {"f1": f1.get(record["question_id"], 0.0)}

    return change


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    before, after = (build_run(tmp_path / name, ALONE) for name in ("before", "after"))
    changed(before, scored({"conv-0/0": 1.0, "conv-0/1": 0.4, "conv-0/2": 0.9}))
    changed(after, scored({"conv-0/0": 0.2, "conv-0/1": 0.8, "conv-0/2": 1.0}))
    return before, after


def test_differences_and_flips(two: tuple[Path, Path]) -> None:
    found = compare_runs(*two)
    [pair] = found.pairs
    [everything] = [one for one in pair.differences if (one.measure, one.group) == ("f1", "all")]
    assert everything.difference == pytest.approx((-0.8 + 0.4 + 0.1) / 12)
    assert everything.n == 12
    assert everything.low < everything.difference < everything.high
    assert [(one.question_id, one.before, one.after) for one in pair.flips.better] == [("conv-0/1", 0.4, 0.8)]
    assert [(one.question_id, one.before, one.after) for one in pair.flips.worse] == [("conv-0/0", 1.0, 0.2)]
    assert (found.questions, found.only, found.settings) == (12, {"before": 0, "after": 0}, {})


@pytest.mark.usefixtures("plain")
def test_the_pages_of_a_flip_are_there(two: tuple[Path, Path]) -> None:
    for folder in two:
        write_report(folder)
    [pair] = compare_runs(*two).pairs
    assert len(pair.flips.better[0].pages) == 2
    assert all(Path(page).exists() for page in pair.flips.better[0].pages)


def test_questions_of_one_run_alone_are_counted(tmp_path: Path) -> None:
    before = build_run(tmp_path / "before", Plan(policies=("fast",), questions=12))
    after = build_run(tmp_path / "after", Plan(policies=("fast",), questions=9))
    found = compare_runs(before, after)
    assert (found.questions, found.only) == (9, {"before": 3, "after": 0})
    assert max(one.n for pair in found.pairs for one in pair.differences) == 9


def test_equal_names_are_paired_and_others_by_name(tmp_path: Path) -> None:
    before = build_run(tmp_path / "before", Plan(policies=("fast", "quality")))
    after = build_run(tmp_path / "after", Plan(policies=("scan", "quality", "fast"), seed=1))
    found = compare_runs(before, after)
    assert [(pair.before, pair.after) for pair in found.pairs] == [("fast", "fast"), ("quality", "quality")]
    assert dict(found.settings) == {"seed": {"before": 0, "after": 1}}
    [pair] = compare_runs(before, after, policies=["fast", "scan"]).pairs
    assert (pair.before, pair.after, pair.flips.measure) == ("fast", "scan", "judge:lenient-1")
    assert [pair.before for pair in compare_runs(before, after, policies=["quality"]).pairs] == ["quality"]


def test_two_policies_of_one_run(run_folder: Path) -> None:
    found = compare_runs(run_folder, policies=["fast", "scan"])
    [pair] = found.pairs
    summary = next(
        one for one in load(run_folder, "summary.json")["paired"] if (one["a"], one["b"]) == ("fast", "scan")
    )
    [difference] = [one for one in pair.differences if (one.measure, one.group) == ("f1", "1-4")]
    assert difference.difference == pytest.approx(-summary["difference"])
    assert changes(found, pair)[0].title == "scan less fast: points, tokens or seconds"


def test_a_group_of_the_same_questions_is_not_said_twice(run_folder: Path) -> None:
    [pair] = compare_runs(run_folder, policies=["fast", "scan"]).pairs
    groups = [one.group for one in pair.differences if one.measure == "f1_set"]
    assert "1-4" in groups
    assert "all" not in groups


def test_several_runs_are_averaged_before_they_are_compared(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", Plan(policies=("fast", "scan"), runs=2, judge=False))
    marks = {("fast", 0): 0.0, ("fast", 1): 0.8, ("scan", 0): 0.6, ("scan", 1): 0.8}

    def change(record: dict[str, Any]) -> None:
        record["scores"] = {"f1": marks[record["policy"], record["run"]]}

    changed(folder, change)
    [pair] = compare_runs(folder, policies=["fast", "scan"]).pairs
    assert [one.difference for one in pair.differences if one.measure == "f1"] == pytest.approx([0.3] * 7)
    assert len(pair.flips.better) == 12
    assert (pair.flips.better[0].before, pair.flips.better[0].after) == (pytest.approx(0.4), pytest.approx(0.7))


def test_json_says_all(two: tuple[Path, Path]) -> None:
    found = json.loads(json.dumps(compare_runs(*two).to_dict()))
    assert found["only"] == {"before": 0, "after": 0}
    assert found["pairs"][0]["flips"]["measure"] == "f1"
    assert [one["question_id"] for one in found["pairs"][0]["flips"]["worse"]] == ["conv-0/0"]
    assert set(found["pairs"][0]["differences"][0]) == {
        "measure", "group", "difference", "low", "high", "p", "n",
    }  # fmt: skip


def test_tables_name_categories_by_number_and_name(two: tuple[Path, Path]) -> None:
    found = compare_runs(*two)
    differences, better, worse = changes(found, found.pairs[0])
    assert "4 single-hop" in {row[1] for row in differences.rows}
    assert (better.title, len(worse.rows)) == ("Got better, by F1: 1", 1)
    assert not settings(found).rows
    assert differences.title.startswith("fast after less fast before: ")


def test_other_data_is_refused(tmp_path: Path) -> None:
    one = build_run(tmp_path / "one", ALONE)
    other = build_run(tmp_path / "other", Plan(policies=("fast",), judge=False, sha256="c" * 64))
    with pytest.raises(MeasurementError, match=r"data aaaaaaaaaaaa, .* cccccccccccc; compare runs of the same file"):
        compare_runs(one, other)


def test_no_common_question_is_refused(tmp_path: Path) -> None:
    one = build_run(tmp_path / "one", ALONE)
    other = build_run(tmp_path / "other", Plan(policies=("fast",), prefix="chat"))
    with pytest.raises(MeasurementError, match="no question in common"):
        compare_runs(one, other)


def test_policies_that_are_not_there_are_refused(run_folder: Path, tmp_path: Path) -> None:
    other = build_run(tmp_path / "other", Plan(policies=("rag",)))
    with pytest.raises(MeasurementError, match="none in common; name one of each"):
        compare_runs(run_folder, other)
    with pytest.raises(MeasurementError, match="no policy 'none'; it has rag"):
        compare_runs(run_folder, other, policies=["fast", "none"])
    with pytest.raises(InvalidInput, match="3 policies came"):
        compare_runs(run_folder, other, policies=["fast", "quality", "scan"])


@pytest.mark.parametrize("names", [[], ["fast"], ["fast", "quality", "scan"]])
def test_one_run_needs_two_policies(run_folder: Path, names: list[str]) -> None:
    with pytest.raises(InvalidInput, match=f"{len(names)} policies; name two of fast, quality, scan"):
        compare_runs(run_folder, policies=names)
