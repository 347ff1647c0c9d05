"""Help: every command says what it does and mentions every option; and it comes at once."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from memsvc_cli.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Shell

HEAVY = (
    "torch",
    "faiss",
    "litellm",
    "transformers",
    "onnxruntime",
    "sqlalchemy",
    "numpy",
    "networkx",
    "pydantic",
    "rich",
)
VERBS = {
    "add", "search", "ask", "trace", "get", "list", "update", "delete", "forget", "history", "export", "import",
    "sessions", "session", "traces",
    "graph", "doctor", "config", "extract", "jobs", "add-episode", "episodes", "calibrate-episodes", "reflect",
    "feedback", "retain", "utility", "gate",
    "serve", "mcp", "namespaces", "keys", "stats", "verify", "reindex", "demo", "bench", "eval",
}  # fmt: skip


def commands(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, *path, name)


TREE = list(commands(get_command(app)))


def test_every_verb_is_a_command() -> None:
    assert set(get_command(app).commands) == VERBS  # type: ignore[attr-defined]
    studies = {("eval", "learning", name) for name in ("planted", "poisoning", "locomo", "llb", "babyai", "offpolicy")}
    assert {path for path, _ in TREE if path[:1] == ("eval",)} == {
        ("eval",), ("eval", "locomo"), ("eval", "realtalk"), ("eval", "beam"), ("eval", "score"), ("eval", "compare"),
        ("eval", "report"),
        ("eval", "adapters"), ("eval", "learning"), *studies,
    }  # fmt: skip


@pytest.mark.parametrize(("path", "command"), TREE, ids=[" ".join(path) or "memsvc" for path, _ in TREE])
def test_help_says_what_it_does_and_mentions_every_option(shell: Shell, path: tuple[str, ...], command: Any) -> None:
    ran = shell.bare(*path, "--help")
    assert ran.code == 0
    assert command.get_short_help_str(300)
    for parameter in command.params:
        assert parameter.help, f"{parameter.name} has no help"
        for name in parameter.opts if parameter.param_type_name == "option" else [parameter.help.split()[0]]:
            assert name in ran.out


def test_commands_stand_under_headings(shell: Shell) -> None:
    out = shell.bare("--help").out
    assert [line for line in out.splitlines() if line.endswith(":") and not line.startswith((" ", "Options"))] == [
        "Write:", "Read:", "Move:", "Serve:", "Care:", "Improve:", "Learn:", "Try and measure:",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "args", [["serch"], ["search"], ["add"], ["search", "x", "-k", "0"], ["list", "--limit", "many"], ["list", "--x"]]
)
def test_wrong_usage_exits_with_2_and_says_what_is_wrong(shell: Shell, args: list[str]) -> None:
    ran = shell.bare(*args)
    assert ran.code == 2
    assert "Usage: memsvc" in ran.err
    assert "Error: " in ran.err
    assert ran.out == ""


def test_a_mistyped_command_gets_a_hint(shell: Shell) -> None:
    assert "Did you mean 'search'" in shell.bare("serch").err


def test_version_is_told_even_where_nothing_is_installed(shell: Shell) -> None:
    ran = shell.bare("--version")
    assert ran.code == 0
    assert ran.out.startswith("memsvc")


@pytest.mark.parametrize(
    "doing",
    [
        "import memsvc",
        "import memsvc_cli.app",
        "memsvc_cli.app.app(['--help'])",
        "memsvc_cli.app.app(['search', '--help'])",
    ],
)
def test_help_and_import_load_nothing_heavy(doing: str) -> None:
    code = f"""
import sys
try:
    {"" if doing.startswith("import") else "import memsvc_cli.app;"} {doing}
except SystemExit:
    pass
sys.stderr.write(" ".join(name for name in {HEAVY!r} if name in sys.modules))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr == ""
