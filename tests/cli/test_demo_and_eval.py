"""demo, eval, bench."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from memsvc_cli import demo

if TYPE_CHECKING:
    from tests.cli.conftest import Shell

pytestmark = pytest.mark.slow

SAMPLES = Path(demo.__file__).resolve().parents[2] / "examples" / "conversations.json"


def turn(number: int, speaker: str, text: str) -> dict[str, str]:
    return {"dia_id": f"D1:{number}", "speaker": speaker, "text": text}


def conversation(name: str) -> dict[str, Any]:
    return {
        "sample_id": name,
        "conversation": {
            "speaker_a": "Ann",
            "speaker_b": "Ben",
            "session_1_date_time": "9:00 am on 2 March, 2026",
            "session_1": [
                turn(1, "Ann", "I moved to Oslo last week."),
                turn(2, "Ben", "How do you like the rain there?"),
                turn(3, "Ann", "I took up pottery on Fridays."),
            ],
        },
        "qa": [
            {"question": "Where did Ann move?", "answer": "Oslo", "evidence": ["D1:1"], "category": 4},
            {"question": "When is pottery?", "answer": "Fridays", "evidence": ["D1:3"], "category": 2},
            {"question": "Where is Ben's boat?", "adversarial_answer": "Oslo", "evidence": ["D1:1"], "category": 5},
        ],
    }


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "small.json"
    file.write_text(json.dumps([conversation("one"), conversation("two")]), encoding="utf-8")
    return file


def test_demo_shows_questions_evidence_and_times(shell: Shell) -> None:
    ran = shell.bare("demo")
    assert ran.code == 0
    assert ran.out.count("? ") >= 4
    for word in ("the evidence", "expected: ", "stored\t", "search\t", "database\t", "Try next"):
        assert word in ran.out
    assert "memsvc demo --db demo.db" in ran.out


def test_demo_fits_a_terminal(shell: Shell, terminal: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, shell.bare("demo").out.splitlines())) <= 80


def test_demo_as_json_in_a_database_of_ones_own(shell: Shell) -> None:
    document = shell("demo", "--json").document
    assert document["messages"] == document["stored"] > 100
    assert document["database_bytes"] > 0
    assert document["asked"][0]["quotes"][0]["rank"] == 1
    assert len(shell("namespaces").out.splitlines()) == len(json.loads(SAMPLES.read_text(encoding="utf-8")))
    again = shell("demo")
    assert "nothing new" in again.out
    assert f"--db {shell.db}" in again.out


@pytest.mark.parametrize("limit", [None, 1])
def test_eval_locomo(shell: Shell, data: Path, tmp_path: Path, limit: int | None) -> None:
    limited = [] if limit is None else ["--limit-conversations", str(limit)]
    document = shell.bare(
        "eval", "locomo", "--data", str(data), "--out", str(tmp_path / "out"), "--json", *limited
    ).document
    assert document["dataset"]["conversations"] == (limit or 2)
    assert "memsvc" in document["metrics"]
    assert (tmp_path / "out" / "summary.json").is_file()


def test_eval_prints_tables(shell: Shell, data: Path) -> None:
    ran = shell("eval", "locomo", "--data", str(data))
    assert ran.code == 0
    assert "R@10" in ran.out
    assert shell("namespaces").out == "locomo/one\nlocomo/two\n"


def test_eval_fits_a_terminal(shell: Shell, terminal: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = shell.bare("eval", "locomo", "--data", str(SAMPLES)).out
    assert max(map(len, out.splitlines())) <= 80
    assert out.count("memsvc ") == 2
    assert "…" not in out


def test_eval_realtalk_says_what_is_wrong_with_its_data(shell: Shell, tmp_path: Path) -> None:
    assert "holds no Chat_*.json" in shell.bare("eval", "realtalk", "--data", str(tmp_path)).error


def test_eval_of_a_file_that_is_not_there(shell: Shell) -> None:
    assert "nowhere.json" in shell.bare("eval", "locomo", "--data", "nowhere.json").error


def test_bench(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    from memsvc_evals.speed import bench

    sizes = bench.Sizes(
        batch=5,
        batches=1,
        memories=20,
        queries=2,
        cold_memories=10,
        cold_runs=1,
        home=10,
        namespaces=2,
        per_namespace=2,
        log=70,
        deliberations=1,
        latency=0.01,
    )
    monkeypatch.setattr(bench, "QUICK", sizes)
    monkeypatch.delitem(bench.MEASUREMENTS, "cold")  # starts processes, which the fake embedder does not reach
    document = shell.bare("bench", "--quick", "--json").document
    assert {one["name"] for one in document["measurements"]} >= {"add", "search", "namespaces"}
    assert "measurement" in shell.bare("bench", "--quick").out
