"""eval locomo, eval realtalk with policies."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from memsvc import wiring
from memsvc.errors import ModelUnavailable
from memsvc_cli import output
from tests.evals.answers.made_up import QUESTIONS, SESSIONS, answering, untimed
from tests.evals.builders import chat, chat_turn, locomo, question, write

if TYPE_CHECKING:
    from tests.cli.conftest import Ran, Shell

pytestmark = pytest.mark.slow


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small data set; models that answer by rules, whatever they are called."""
    models: dict[Any, Any] = {}

    def build(settings: Any, name: str | None = None) -> Any:
        wanted = name or settings.model
        return None if wanted is None else models.setdefault(wanted, answering())

    monkeypatch.delenv("MEMSVC_MODEL", raising=False)
    monkeypatch.setattr(wiring, "build_language_model", build)
    return write(tmp_path / "made-up.json", [locomo(SESSIONS, QUESTIONS)])


def planned(text: str) -> tuple[str, str]:
    Path("plan.toml").write_text(text, encoding="utf-8")
    return "--plan", "plan.toml"


def evaluated(shell: Shell, file: Path, *more: str) -> Ran:
    return shell.bare(
        "eval", "locomo", "--data", str(file), "--out", "run", "--model", "rules", "--policy", "fast",
        "--policy", "quality", "--no-report", *more,
    )  # fmt: skip


def test_a_run_is_written_and_shown(shell: Shell, file: Path) -> None:
    ran = evaluated(shell, file, "--judge", "grader")
    assert ran.code == 0, ran
    assert "Scores, categories 1-4 (%)\npolicy\tF1\t" in ran.out
    assert "policy\t1 multi-hop\t2 temporal\t3 open-domain\t4 single-hop\t" in ran.out
    assert "left out\t1 × question without valid evidence" in ran.out
    for name in ("run.json", "answers.jsonl", "ingestion.json", "summary.json", "memory.db"):
        assert Path("run", name).is_file()
    assert "Written to run." in ran.err


def test_it_fits_a_terminal(shell: Shell, file: Path, terminal: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    more = [part for name in ("full-context", "hypergraph", "none") for part in ("--policy", name)]
    ran = evaluated(shell, file, "--judge", "grader", *more)
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "…" not in ran.out
    assert "full-context" in ran.out


def test_as_json_it_is_the_summary_and_a_resume_gives_it_again(shell: Shell, file: Path) -> None:
    first = evaluated(shell, file, "--json", "--limit", "3", *planned("runs = 2")).document
    assert first["manifest"]["selection"] == {"limit": 3, "conversations": None, "categories": None}
    assert len(Path("run", "answers.jsonl").read_text().splitlines()) == 2 * 2 * 3
    again = evaluated(shell, file, "--json", "--limit", "3", *planned("runs = 2"), "--resume").document
    assert untimed(again) == untimed(first)


def test_a_run_is_not_lost_by_accident(shell: Shell, file: Path) -> None:
    evaluated(shell, file)
    assert "holds a run of locomo already" in evaluated(shell, file).error
    assert "seed was 0, and 7 comes" in evaluated(shell, file, "--resume", *planned("seed = 7")).error
    assert evaluated(shell, file, "--overwrite", *planned("seed = 7")).code == 0


def test_the_report_is_written(shell: Shell, file: Path) -> None:
    ran = shell.bare(
        "eval", "locomo", "--data", str(file), "--out", "run", "--model", "rules", "--policy", "fast", "--limit", "2"
    )
    assert ran.code == 0, ran
    assert Path("run", "report.html").is_file()
    assert "report.html" in ran.err


def test_without_matplotlib_a_run_is_reported_in_tables(
    shell: Shell, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    ran = shell.bare(
        "eval", "locomo", "--data", str(file), "--out", "run", "--model", "rules", "--policy", "fast", "--limit", "2"
    )
    assert ran.code == 0, ran
    assert (
        "Tables only. Plots need matplotlib: pip install 'memsvc[evals]'. `memsvc eval report run` then adds" in ran.err
    )
    assert "tables only" in Path("run", "report.html").read_text("utf-8")


def test_realtalk(shell: Shell, file: Path, tmp_path: Path) -> None:
    asked = question("D1:1", category=2, question="Where did Ada move?", answer="Oslo")
    data = write(tmp_path / "Chat_1_A_B.json", chat({1: [chat_turn("D1:1", text="I moved to Oslo.")]}, [asked]))
    ran = shell.bare(
        "eval", "realtalk", "--data", str(data), "--out", "run", "--model", "rules", "--policy", "fast", "--no-report"
    )
    assert "Scores, categories all (%)" in ran.out
    assert "policy\t2 temporal\tall" in ran.out


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ('policies = ["fats"]', "no policy is named 'fats'; there are fast, filter, quality"),
        ('conversations = ["conv-9"]', "the data set has no conversation 'conv-9'"),
        ("categories = [7]", "the data set has no category 7"),
        ('style = "long"', "plan.toml: style came as 'long'; input should be 'short' or 'reasoned'"),
        ('judge = "grader"\njudge_prompts = ["kind"]', "no judge prompt is named 'kind'"),
        ('audited_key = "nowhere.json"', "nowhere.json: cannot be read"),
        ('policies = ["calibrated"]', "no gate was calibrated in namespace 'locomo/conv-1'"),
        ("polices = []", "plan.toml: 'polices' is nothing that is known here; there are audited_key"),
        ("policies = []", "model came without a policy"),
    ],
)
def test_what_cannot_be_run_is_said_in_a_line(shell: Shell, file: Path, plan: str, said: str) -> None:
    policy = [] if "polic" in plan else ["--policy", "fast"]
    ran = shell.bare(
        "eval", "locomo", "--data", str(file), "--out", "run", "--model", "rules", "--no-report", *policy,
        *planned(plan),
    )  # fmt: skip
    assert said in ran.error


def test_what_is_given_overrides_the_plan(shell: Shell, file: Path) -> None:
    plan = planned('policies = ["fast", "none"]\nmodel = "rules"\nseed = 7\nlimit = 4')
    given = shell.bare(
        "eval", "locomo", "--data", str(file), "--out", "run", *plan, "--policy", "rag", "--no-report", "--json"
    )
    manifest = given.document["manifest"]
    assert (manifest["policies"], manifest["seed"], manifest["selection"]["limit"]) == (["rag"], 7, 4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--policy", "fast"], "name its folder with --out"),
        (["--policy", "fast", "--out", "run", "--resume", "--overwrite"], "give one of them"),
    ],
)
def test_wrong_usage(shell: Shell, file: Path, arguments: list[str], said: str) -> None:
    ran = shell.bare("eval", "locomo", "--data", str(file), *arguments)
    assert ran.code == 2
    assert said in " ".join(ran.err.replace("│", " ").split())


def test_a_policy_without_a_model(shell: Shell, file: Path) -> None:
    ran = shell.bare("eval", "locomo", "--data", str(file), "--policy", "fast", "--out", "run", "--no-report")
    assert "no language model answers; name one with --model" in ran.error


def test_a_file_that_was_cut_off(shell: Shell, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:200])
    assert "the file may be truncated" in evaluated(shell, file).error
    assert not Path("run").exists()


def test_a_judge_that_cannot_be_reached(shell: Shell, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Any) -> str:
        raise ModelUnavailable("nobody answers at http://127.0.0.1:9; start the server")

    judge = answering(**{"judge:lenient-1": away})
    build = wiring.build_language_model
    monkeypatch.setattr(
        wiring, "build_language_model", lambda settings, name=None: judge if name == "grader" else build(settings, name)
    )
    assert "the judge cannot be used: nobody answers" in evaluated(shell, file, "--judge", "grader").error
    assert not Path("run", "run.json").exists()


def test_progress_shows_how_long_it_will_take(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    with output.stages({"ask": "Answers"}, remaining=True) as told:
        told("ask", 1, 4)
        told("ask", 2, 4)
    shown = capsys.readouterr().err
    assert "Answers" in shown
    assert "2/4" in shown
    assert "left" in shown
