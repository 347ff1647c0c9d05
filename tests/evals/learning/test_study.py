from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from memsvc_evals import MeasurementError
from memsvc_evals.learning.report import tables
from memsvc_evals.learning.study import Run, Study, figure

if TYPE_CHECKING:
    from pathlib import Path

RUNS = (
    Run("a", 0, {"success": (0.1, 0.5), "once": (0.3,)}),
    Run("b", 0, {"success": (0.1, 0.2)}),
    Run("a", 1, {"success": (0.3, 0.7), "once": (0.5,)}),
    Run("b", 1, {"success": (0.1, 0.4)}),
)


def study() -> Study:
    figures = (
        figure("last", RUNS, "a", "success", -1),
        figure("last", RUNS, "b", "success", -1),
        figure("once", RUNS, "a", "once", 0),
        figure("last", RUNS, "a", "success", -1, against="b"),
    )
    return Study("toy", "A toy", RUNS, figures, {"a is above b": True}, {"seeds": 2}, {}, {"once": ("end",)})


def test_curves_are_means_over_seeds() -> None:
    assert [one.mean for one in study().curve("a", "success")] == pytest.approx([0.2, 0.6])
    assert study().curve("b", "once") == ()
    assert study().arms == ("a", "b")
    assert study().measures == ("success", "once")


def test_points_are_epochs_or_as_they_are_called() -> None:
    assert study().points("success") == ("1", "2")
    assert study().points("once") == ("end",)


def test_a_difference_is_taken_seed_by_seed() -> None:
    difference = study().figures[-1]
    assert difference.value.mean == pytest.approx(0.3)
    assert difference.value.half == pytest.approx(0.0, abs=1e-9)


def test_tables_hold_every_figure() -> None:
    by_arm, differences, bars = tables(study())
    assert [column.name for column in by_arm.columns] == ["arm", "last", "once"]
    assert by_arm.rows[0] == ("a", "60.0 ± 127.1", "40.0 ± 127.1")
    assert by_arm.rows[1][2] == "–"
    assert "over 2 seeds" in by_arm.title
    assert differences.rows == (("a less b", "last", "+30.0 ± 0.0"),)
    assert bars.rows == (("a is above b", "yes"),)


def test_it_is_saved_whole(tmp_path: Path) -> None:
    found = json.loads(study().save(tmp_path / "deep" / "er").read_text("utf-8"))
    assert found == json.loads(json.dumps(study().to_dict()))
    assert found["runs"][0] == {"arm": "a", "seed": 0, "success": [0.1, 0.5], "once": [0.3]}


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MeasurementError, match="cannot be written"):
        study().save(tmp_path / "file")
