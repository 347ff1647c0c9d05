"""The run directory: what a killed process leaves behind, whose it is, and what it is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from memsvc_evals.answers.journal import ANSWERS, DATABASE, MANIFEST, SUMMARY, Existing, opened
from memsvc_evals.answers.records import Record
from memsvc_evals.errors import MeasurementError

MANIFEST_1: dict[str, Any] = {"dataset": {"name": "locomo", "sha256": "aa"}, "policies": ["fast", "scan"], "seed": 0}


def record(question: str, policy: str, run: int = 0) -> Record:
    return Record(
        run, policy, "conv-1", question, 4, "Whät?", "that", "this", "fast", ("D1:1",), ("D1:1",), (), None, None, None,
        {}, 0.5, {"f1": 0.0}, {}, None, None,
    )  # fmt: skip


BOTH = [record("q1", "fast"), record("q1", "scan")]
MORE = [record("q2", "fast"), record("q2", "scan")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of two questions."""
    with opened(tmp_path / "run", MANIFEST_1, Existing.REFUSE) as kept:
        kept.begin()
        kept.append(BOTH)
        kept.append(MORE)
    return tmp_path / "run"


def resumed(folder: Path) -> list[Record]:
    with opened(folder, MANIFEST_1, Existing.RESUME) as kept:
        kept.begin()
        return list(kept.records.values())


def test_what_was_appended_is_read_back(folder: Path) -> None:
    assert resumed(folder) == BOTH + MORE
    assert json.loads((folder / MANIFEST).read_text()) == MANIFEST_1


def test_a_line_holds_the_fields_in_the_order_of_the_record(folder: Path) -> None:
    first = (folder / ANSWERS).read_text(encoding="utf-8").splitlines()[0]
    assert list(json.loads(first)) == list(BOTH[0].to_json())
    assert '"Whät?"' in first


@pytest.mark.parametrize("lost", range(1, 700, 13))
def test_an_append_that_was_torn_anywhere_is_dropped_whole(folder: Path, lost: int) -> None:
    whole = (folder / ANSWERS).read_bytes()
    second = len("".join(json.dumps(one.to_json(), ensure_ascii=False) + "\n" for one in MORE).encode())
    (folder / ANSWERS).write_bytes(whole[:-lost] if lost < second else whole[:-second])
    assert resumed(folder) == BOTH
    assert (folder / ANSWERS).read_bytes() == whole[:-second]
    with opened(folder, MANIFEST_1, Existing.RESUME) as kept:
        kept.append(MORE)
    assert (folder / ANSWERS).read_bytes() == whole


def test_a_line_that_is_damaged_elsewhere_is_named(folder: Path) -> None:
    lines = (folder / ANSWERS).read_bytes().splitlines(keepends=True)
    (folder / ANSWERS).write_bytes(b"".join([lines[0], lines[1][:20] + b"\n", *lines[2:]]))
    with pytest.raises(MeasurementError, match="line 2 is damaged"):
        resumed(folder)


def test_a_line_of_something_else_is_named(folder: Path) -> None:
    (folder / ANSWERS).write_text('{"question": "What?"}\n')
    with pytest.raises(MeasurementError, match=r"line 1 is damaged .found .'question'., wanted"):
        resumed(folder)


def test_a_run_is_not_written_over_unasked(folder: Path) -> None:
    before = (folder / ANSWERS).read_bytes()
    with (
        pytest.raises(MeasurementError, match="holds a run of locomo already; resume"),
        opened(folder, MANIFEST_1, Existing.REFUSE),
    ):
        pass
    assert (folder / ANSWERS).read_bytes() == before


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"seed": 1}, "seed was 0, and 1 comes"),
        ({"policies": ["fast"]}, r'policies was \["fast", "scan"\], and \["fast"\] comes'),
        ({"dataset": {"name": "realtalk", "sha256": "aa"}}, 'dataset.name was "locomo", and "realtalk" comes'),
        ({"style": "short"}, 'style was null, and "short" comes'),
    ],
)
def test_a_resume_of_another_run_names_what_differs(folder: Path, changed: dict[str, Any], named: str) -> None:
    with pytest.raises(MeasurementError, match=named), opened(folder, {**MANIFEST_1, **changed}, Existing.RESUME):
        pass


def test_overwriting_removes_the_run_and_nothing_else(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    (folder / SUMMARY).write_text("{}")
    (folder / DATABASE).write_text("")
    (folder / "questions").mkdir()
    (folder / "plots").mkdir()
    other = {**MANIFEST_1, "seed": 1}
    with opened(folder, other, Existing.OVERWRITE) as kept:
        kept.begin()
        kept.append(MORE)
        left = {path.name for path in folder.iterdir()} - {".lock", ".lock-journal"}
        assert left == {"notes.txt", "plots", MANIFEST, ANSWERS}
    with opened(folder, other, Existing.RESUME) as kept:
        assert list(kept.records.values()) == MORE


def test_a_run_is_there_until_the_one_that_overwrites_it_begins(folder: Path) -> None:
    """Between the two a model is probed, and may be away."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with opened(folder, {**MANIFEST_1, "seed": 1}, Existing.OVERWRITE) as kept:
        assert kept.records == {}
    assert {name: (folder / name).read_bytes() for name in (MANIFEST, ANSWERS)}.items() <= before.items()


def test_nothing_of_the_run_is_written_before_it_begins(tmp_path: Path) -> None:
    with opened(tmp_path / "run", MANIFEST_1, Existing.REFUSE):
        assert not (tmp_path / "run" / MANIFEST).exists()
    with opened(tmp_path / "run", {**MANIFEST_1, "seed": 2}, Existing.REFUSE) as kept:
        kept.begin()


@pytest.mark.parametrize("name", [ANSWERS, SUMMARY, DATABASE, "report.md"])
@pytest.mark.parametrize("existing", list(Existing))
def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, name: str, existing: Existing) -> None:
    (tmp_path / name).write_text("not ours")
    with pytest.raises(MeasurementError, match=f"holds {name} and no run.json"), opened(tmp_path, MANIFEST_1, existing):
        pass
    assert (tmp_path / name).read_text() == "not ours"


def test_a_broken_manifest_is_named(folder: Path) -> None:
    (folder / MANIFEST).write_text('{"dataset":')
    with pytest.raises(MeasurementError, match=r"run\.json: is not whole JSON"):
        resumed(folder)


@pytest.mark.parametrize("foreign", ["[1]", '"run"', '{"name": "mine"}', '{"dataset": 3}'])
@pytest.mark.parametrize("existing", list(Existing))
def test_a_manifest_of_something_else_is_left_alone(tmp_path: Path, foreign: str, existing: Existing) -> None:
    (tmp_path / MANIFEST).write_text(foreign)
    with (
        pytest.raises(MeasurementError, match=r"run\.json: is not the manifest of a run"),
        opened(tmp_path, MANIFEST_1, existing),
    ):
        pass
    assert (tmp_path / MANIFEST).read_text() == foreign


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(MeasurementError, match="cannot be used"),
        opened(tmp_path / "file" / "run", MANIFEST_1, Existing.REFUSE),
    ):
        pass


def test_two_writers(folder: Path) -> None:
    with (
        opened(folder, MANIFEST_1, Existing.RESUME),
        pytest.raises(MeasurementError, match="another process runs in it"),
        opened(folder, MANIFEST_1, Existing.RESUME),
    ):
        pass


def test_the_lock_of_a_killed_process_is_gone(folder: Path) -> None:
    code = (
        "import sys, json, pathlib; from memsvc_evals.answers.journal import opened, Existing\n"
        f"with opened(pathlib.Path({str(folder)!r}), json.loads({json.dumps(MANIFEST_1)!r}), Existing.RESUME):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(MeasurementError, match="another process runs in it"):
            resumed(folder)
        other.kill()
    assert resumed(folder) == BOTH + MORE


def test_the_canonical_order_is_written_whole(folder: Path) -> None:
    with opened(folder, MANIFEST_1, Existing.RESUME) as kept:
        kept.rewrite([*MORE, *BOTH])
    assert resumed(folder) == MORE + BOTH
    assert not list(folder.glob("*.part"))


def test_a_question_of_another_run_number_is_another_one(folder: Path) -> None:
    with opened(folder, MANIFEST_1, Existing.RESUME) as kept:
        kept.append([replace(one, run=1) for one in BOTH])
    assert len(resumed(folder)) == 6
