"""A run directory that is not one is refused, with the place of what is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from memsvc_evals import MeasurementError
from memsvc_evals.reports.reading import heading, read_run
from tests.evals.reports.builders import load

if TYPE_CHECKING:
    from pathlib import Path


def test_what_a_run_holds(run_folder: Path) -> None:
    run = read_run(run_folder)
    assert run.policies == ("fast", "quality", "scan")
    assert len(run.records) == 36
    assert [len(records) for records in run.questions.values()] == [3] * 12
    assert (run.headline, run.main_measure) == ("1-4", "judge:lenient-1")
    assert run.members("1-4") == {1, 2, 3, 4}
    assert run.members("all") == {1, 2, 3, 4, 5}
    assert run.members("3") == {3}


def test_categories_are_named_by_number_and_name() -> None:
    assert heading("locomo", "3") == "3 open-domain"
    assert heading("realtalk", "3") == "3 commonsense"
    assert heading("locomo", "1-4") == "1-4"
    assert heading("another", "3") == "3"


@pytest.mark.parametrize("name", ["run.json", "answers.jsonl", "summary.json"])
def test_an_unfinished_run_says_how_to_go_on(run_folder: Path, name: str) -> None:
    (run_folder / name).unlink()
    with pytest.raises(MeasurementError, match=rf"{name}: not there.*--resume"):
        read_run(run_folder)


def test_a_torn_line_is_named(run_folder: Path) -> None:
    path = run_folder / "answers.jsonl"
    path.write_text(path.read_text("utf-8")[:-20], encoding="utf-8")
    with pytest.raises(MeasurementError, match=r"answers\.jsonl:36: no JSON.*resume"):
        read_run(run_folder)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("run.json", {"version": 2}, "version 2, this memsvc reads 1"),
        ("run.json", {"seed": ...}, r"run\.json: no seed"),
        ("summary.json", {"cost": ..., "paired": ...}, r"summary\.json: no cost, paired"),
    ],
)
def test_a_file_of_another_form_is_refused(run_folder: Path, name: str, change: dict[str, Any], message: str) -> None:
    found = {**load(run_folder, name), **change}
    text = json.dumps({key: value for key, value in found.items() if value is not ...})
    (run_folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(MeasurementError, match=message):
        read_run(run_folder)


@pytest.mark.parametrize(("line", "message"), [("[]", "a JSON list"), ('{"run": 0}', r"answers\.jsonl:1: ")])
def test_a_line_of_another_form_is_refused(run_folder: Path, line: str, message: str) -> None:
    (run_folder / "answers.jsonl").write_text(line + "\n", encoding="utf-8")
    with pytest.raises(MeasurementError, match=message):
        read_run(run_folder)


def test_bytes_that_are_no_text_are_refused(run_folder: Path) -> None:
    (run_folder / "summary.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(MeasurementError, match=r"summary\.json: cannot be read"):
        read_run(run_folder)
