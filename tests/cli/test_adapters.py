"""eval adapters."""

from __future__ import annotations

import typer
from typer.testing import CliRunner

from memsvc_cli.adapters import adapters
from memsvc_cli.group import Commands
from memsvc_evals.adapters.catalogue import ADAPTERS, adapter
from tests.cli.conftest import Ran

app = typer.Typer(cls=Commands)
app.callback()(lambda: None)
app.command("adapters")(adapters)


def run(*args: str) -> Ran:
    result = CliRunner().invoke(app, ["adapters", *args], prog_name="memsvc")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def test_the_harnesses_are_listed_with_what_is_imported() -> None:
    header, *rows = run().out.splitlines()
    assert header.split("\t") == ["name", "calls", "purpose", "import"]
    assert [(row.split("\t")[0], row.split("\t")[3]) for row in rows] == [(one.name, one.path) for one in ADAPTERS]


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
