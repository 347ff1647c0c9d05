"""The docs are run: every snippet, every command, every table that could rot."""

from __future__ import annotations

import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import memsvc.wiring
from memsvc import Settings
from memsvc.testing import HashEmbedder
from memsvc_cli.app import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def block(language: str, containing: str) -> str:
    """The one fenced block of the README that holds these words."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.S)
    [found] = [one for one in blocks if containing in one]
    return str(found)


@pytest.fixture
def fake_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run in, with the behaving fake in the place of the model."""
    monkeypatch.setattr(memsvc.wiring, "build_embedder", lambda _settings: HashEmbedder())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_sdk_tour_runs(fake_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block("python", "receipts = memory.add"), "README.md", "exec"), {})
    said = capsys.readouterr().out
    assert said.startswith("stored ")
    assert "I moved to Oslo last week." in said
    assert said.rstrip().endswith("['add', 'update']")


def test_the_tour_of_ask_runs(fake_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block("python", "ask_stream"), "README.md", "exec"), {})
    said = capsys.readouterr().out.splitlines()
    assert said[:4] == ["retrieved", "drafted", "judged", "answered"]
    assert said[4].startswith("My sister Kim lives in Oslo. fast ")
    assert "escalate=False" in said[5]


def test_the_tour_of_learning_runs(fake_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ("receipts = memory.add", "add_episode"):
        exec(compile(block("python", words), "README.md", "exec"), {})
    said = capsys.readouterr().out
    assert "Examples to follow" in said
    assert "Utility(q=0.15" in said


def test_the_page_of_the_graph_runs(fake_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "graph.md").read_text()
    [tour], [commands] = (re.findall(rf"```{language}\n(.*?)```", page, re.S) for language in ("python", "bash"))
    exec(compile(tour, "docs/graph.md", "exec"), {})
    assert "['Kim', 'Torvald', 'Skarnes']" in capsys.readouterr().out
    for line in commands.strip().splitlines():
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert done.exit_code == 0, f"{line}\n{done.output}"
    assert (fake_model / "graph.html").exists()


def test_the_page_of_models_runs(fake_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [tour] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "models.md").read_text(), re.S)
    exec(compile(tour, "docs/models.md", "exec"), {})
    assert capsys.readouterr().out == "I moved to Oslo.\n"


def test_the_settings_of_several_models_are_read(fake_model: Path) -> None:
    [table] = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "models.md").read_text(), re.S)
    (fake_model / "memsvc.toml").write_text(table)
    assert list(Settings.load().models.named()) == ["gate", "deliberate", "extract"]


def test_the_shell_tour_runs(fake_model: Path) -> None:
    runner = CliRunner()
    for line in block("bash", "memsvc add").strip().splitlines():
        program, *arguments = shlex.split(line)
        assert program == "memsvc"
        done = runner.invoke(app, arguments)
        assert done.exit_code == 0, f"{line}\n{done.output}"
    assert (fake_model / "ann.jsonl").exists()


def test_every_command_of_the_readme_exists() -> None:
    shown = [line.partition(" && ")[0] for line in re.findall(r"^(?:\$ )?(memsvc .*)$", README, re.M)]
    for line in shown + re.findall(r"`memsvc ([a-z]+)`", README):
        words = shlex.split(line.removeprefix("memsvc "), comments=True)
        words = words[: 2 if words[0] == "eval" else 1]
        done = CliRunner().invoke(app, [*words, "--help"])
        assert done.exit_code == 0, words


def test_continuous_integration_runs_the_readmes_own_line() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    program = next(line for line in script.splitlines() if line.startswith("eval "))
    shown = subprocess.run(
        ["bash", "-c", program.removeprefix("eval ").replace('"$(', "", 1).rstrip('")')],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout.strip() == block("bash", "-m pytest").strip()
    assert shown.stdout.startswith("python3 -m venv .venv && ")


def test_the_settings_page_lists_every_setting_as_it_is() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", (ROOT / "docs" / "settings.md").read_text(), re.M)
    assert rows == [(name, field.description) for name, field in Settings.model_fields.items()]


def test_links_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_version_is_in_the_changelog() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert version is not None
    assert f"## {version[1]} " in (ROOT / "CHANGELOG.md").read_text()


def test_the_ablation_explains_itself() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "ablation.py", "--help"], capture_output=True, text=True, check=True
    )
    assert "--realtalk" in done.stdout


def test_the_walks_lead_through_places_that_exist() -> None:
    places = re.findall(r"\| `(memsvc[\w.]+)` \|$", (ROOT / "docs" / "walks.md").read_text(), re.M)
    assert len(places) > 20
    for place in places:
        pkgutil.resolve_name(place)
