"""eval adapters."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from memsvc_cli import output
from memsvc_cli.group import Commands
from memsvc_cli.reporting import adapters
from memsvc_evals.adapters.catalogue import ADAPTERS, adapter
from tests.cli.conftest import Ran

app = typer.Typer(cls=Commands)
app.callback()(lambda: None)
app.command("adapters")(adapters)


def run(*args: str) -> Ran:
    result = CliRunner().invoke(app, ["adapters", *args], prog_name="memsvc")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def test_the_harnesses_are_listed_and_how_to_see_their_lines() -> None:
    ran = run()
    header, *rows = ran.out.splitlines()
    assert header.split("\t") == ["name", "calls", "purpose"]
    assert [row.split("\t")[0] for row in rows] == [one.name for one in ADAPTERS]
    assert f"`memsvc eval adapters {ADAPTERS[0].name}` shows the lines" in ran.err


def test_what_is_copied_stays_whole_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    for one in ADAPTERS:
        assert f"Import:  {one.path} (" in run(one.name).out


def test_one_is_shown_with_lines_to_copy() -> None:
    ran = run("agent-memory-benchmark")
    assert "src/memory_bench/memory/__init__.py (at the end):" in ran.out
    assert "    class MemsvcMemoryProvider(MemsvcBackend, MemoryProvider):\n        hits = 30\n" in ran.out
    assert ran.out.endswith(f"    {adapter('agent-memory-benchmark').command}\n")


def test_as_json_each_step_names_its_file() -> None:
    [one] = run("omnimemeval", "--json").document["adapters"]
    assert one["path"] == "memsvc_evals.adapters.omnimemeval:MemsvcClient"
    assert [step["file"] for step in one["steps"]] == [step.file for step in adapter("omnimemeval").steps]
    assert len(run("--json").document["adapters"]) == len(ADAPTERS)


def test_an_unknown_name_is_an_error() -> None:
    assert "there is no adapter 'omni'" in run("omni").error
