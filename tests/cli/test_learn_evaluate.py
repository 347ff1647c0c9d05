"""eval learning."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from memsvc_cli.learn_evaluate import app
from tests.cli.conftest import Ran
from tests.cli.test_demo_and_eval import SAMPLES
from tests.evals.builders import write
from tests.evals.learning.conftest import RECORDS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

QUICK = ("--seeds", "1", "--epochs", "1", "--jobs", "1")


def planned(folder: Path, text: str) -> tuple[str, str]:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return "--plan", str(path)


def run(*args: str) -> Ran:
    result = CliRunner().invoke(app, list(args), prog_name="memsvc")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def test_planted_prints_its_figures_and_bars() -> None:
    ran = run("planted", *QUICK)
    assert ran.code == 0
    assert ran.out.startswith("Planted utility")
    assert "\nmemrl\t" in ran.out
    assert "memrl less similarity\tlast epoch\t" in ran.out
    assert "promise\tmet" in ran.out


def test_llb_says_what_was_left_out(tmp_path: Path) -> None:
    ran = run("llb", "--data", str(write(tmp_path / "db.json", RECORDS)), *QUICK, "--json")
    assert ran.code == 0
    assert ran.document["settings"]["tasks"] == len(RECORDS)
    assert {one["arm"] for one in ran.document["runs"]} == {"memrl", "similarity", "random", "no memory"}
    assert f"{len(RECORDS)} tasks, 0 left out" in ran.err


def test_babyai_has_an_oracle_beside_its_arms(tmp_path: Path) -> None:
    pytest.importorskip("minigrid")
    ran = run("babyai", *QUICK, *planned(tmp_path, 'levels = ["OneRoomS8", "KeyInBox"]'), "--json")
    assert ran.code == 0
    assert ran.document["settings"]["seeds"] == ran.document["settings"]["epochs"] == 1
    assert {one["arm"] for one in ran.document["runs"]} == {"memrl", "similarity", "random", "no memory", "oracle"}


def test_babyai_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "minigrid", None)
    assert "pip install 'memsvc[envs]'" in run("babyai", *QUICK).error


def test_locomo_tries_the_weights_that_are_named(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    ran = run(
        "locomo", "--data", str(SAMPLES), "--limit-conversations", "1", *planned(tmp_path, "weights = [0.0, 0.2]"),
        *QUICK, "--out", str(tmp_path / "out"),
    )  # fmt: skip
    assert ran.code == 0
    found: dict[str, Any] = json.loads((tmp_path / "out" / "study.json").read_text("utf-8"))
    assert found["settings"]["weights"] == [0.0, 0.2]
    assert (tmp_path / "out" / "study.png").read_bytes().startswith(b"\x89PNG")
    assert f"Written to {tmp_path / 'out'}." in ran.err


@pytest.mark.parametrize("weights", ["[1.0]", "[-0.1]", "[nan]"])
def test_weights_that_are_none_are_refused(weights: str, tmp_path: Path) -> None:
    ran = run("locomo", "--data", str(SAMPLES), *planned(tmp_path, f"weights = {weights}"), *QUICK)
    assert "give numbers from 0 to below 1" in ran.error


def test_a_plan_says_how_large_a_world_is(tmp_path: Path) -> None:
    plan = planned(tmp_path, "seeds = 7\nclusters = 2\nepisodes = 4")
    ran = run("planted", *plan, *QUICK, "--json")
    assert {"seeds": 1, "clusters": 2, "episodes": 4, "epochs": 1}.items() <= ran.document["settings"].items()
    assert "'cluster' is nothing that is known here" in run("planted", *planned(tmp_path, "cluster = 2")).error


def test_a_missing_plot_library_is_known_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert "pip install 'memsvc[evals]'" in run("poisoning", "--out", str(tmp_path)).error


def test_a_data_set_of_another_form_is_refused(tmp_path: Path) -> None:
    assert (
        "an object with 'answer_info'"
        in run("llb", "--data", str(write(tmp_path / "db.json", {"x": {}})), *QUICK).error
    )
