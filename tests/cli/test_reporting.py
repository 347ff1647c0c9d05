"""eval report, eval compare."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from memsvc_cli import reporting
from memsvc_cli.group import Commands
from tests.cli.conftest import Ran
from tests.evals.reports.builders import Plan, build_run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

app = typer.Typer(cls=Commands)
app.command("report")(reporting.report)
app.command("compare")(reporting.compare)


def run(*args: str) -> Ran:
    result = CliRunner().invoke(app, list(args), prog_name="memsvc")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return build_run(tmp_path / "run", Plan())


def test_report_says_where_it_lies(folder: Path) -> None:
    pytest.importorskip("matplotlib")
    ran = run("report", str(folder))
    assert (ran.code, ran.err) == (0, "")
    assert f"report\t{folder / 'report.html'}" in ran.out
    assert "questions\t12 pages" in ran.out
    assert (folder / "report.html").exists()


def test_report_as_json(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    ran = run("report", str(folder), "--json")
    assert ran.document["questions"] == 12
    assert "memsvc[evals]" in ran.document["missing"]
    assert ran.document["html"] == str(folder / "report.html")


def test_report_without_matplotlib_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    ran = run("report", str(folder))
    assert ran.code == 0
    assert "Tables only." in ran.err
    assert "memsvc[evals]" in ran.err


def test_report_of_no_run(tmp_path: Path) -> None:
    assert "not there; give the directory of a finished run" in run("report", str(tmp_path / "none")).error


def test_compare_policies_of_one_run(folder: Path) -> None:
    ran = run("compare", str(folder), "--policies", "fast, scan")
    assert ran.code == 0
    assert "scan less fast" in ran.out
    assert "\nF1\t1-4\t" in ran.out
    assert "Got better, by judge lenient-1: " in ran.out
    assert "questions\t12 in both, 0 only before, 0 only after" in ran.out


def test_compare_two_runs(folder: Path, tmp_path: Path) -> None:
    other = build_run(tmp_path / "other", Plan(policies=("scan",), seed=3))
    ran = run("compare", str(folder), str(other))
    assert "scan after less scan before" in ran.out
    assert "Set differently\nsetting\tbefore\tafter\nseed\t0\t3" in ran.out


def test_compare_as_json(folder: Path) -> None:
    ran = run("compare", str(folder), "--policies", "fast,scan", "--json")
    [pair] = ran.document["pairs"]
    assert (pair["before"], pair["after"]) == ("fast", "scan")


def test_compare_for_a_person(folder: Path, terminal: None) -> None:
    ran = run("compare", str(folder), "--policies", "fast,scan")
    assert ran.code == 0
    assert "interval" in ran.out
    assert "single-hop" in ran.out


def test_compare_says_what_is_missing(folder: Path) -> None:
    assert "name two of fast, quality, scan" in run("compare", str(folder)).error
