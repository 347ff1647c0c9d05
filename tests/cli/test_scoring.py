"""eval score."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Shell

LINES = [
    {"question": "Which?", "gold": "pottery, camping", "prediction": "camping", "category": 1},
    {"question": "When?", "gold": "7 May 2023", "prediction": "7 May 2023", "category": "temporal"},
    {"question": "Where?", "gold": "Oslo", "prediction": "she lives in Oslo", "category": 4},
    {"question": "Whose?", "gold": None, "prediction": "Not mentioned.", "category": 5},
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "said.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES), encoding="utf-8")
    return path


def test_a_program_reads_fractions(shell: Shell, file: Path) -> None:
    document = shell.bare("eval", "score", str(file), "--json").document
    assert document["metrics"]["1"]["f1"] == 0.5
    assert document["metrics"]["4"]["f1"] == pytest.approx(0.4)
    assert document["metrics"]["all"] == {"f1": pytest.approx((0.5 + 1 + 0.4 + 1) / 4)}
    assert document["count"] == 4
    assert len(document["sha256"]) == 64


def test_a_pipe_gets_a_line_a_group(shell: Shell, file: Path) -> None:
    ran = shell.bare("eval", "score", str(file))
    head, *rows = (line.split("\t") for line in ran.out.splitlines())
    assert head[:6] == ["category", "questions", "f1", "f1 95 %", "f1_set", "f1_set 95 %"]
    assert [row[0] for row in rows] == ["1 multi-hop", "2 temporal", "4 single-hop", "5 adversarial", "1-4", "all"]
    assert rows[0][:4] == ["1 multi-hop", "1", "50.0", ""]
    assert rows[3] == ["5 adversarial", "1", "100.0", "20.7–100.0", *["–", ""] * 3]  # 1 / (1 + 1.96²) = 0.207
    assert "In per cent" in ran.err


def test_a_person_gets_a_table_that_fits(
    shell: Shell, file: Path, terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = shell.bare("eval", "score", str(file)).out
    assert max(map(len, out.splitlines())) <= 80
    assert "1 multi-hop" in out
    assert "20.7–100.0" in out
    assert "…" not in out


def test_a_bad_line_is_one_line_of_error(shell: Shell, file: Path) -> None:
    with file.open("a", encoding="utf-8") as stream:
        stream.write('{"gold": "Os')
    assert f"{file}: line 5, column" in shell.bare("eval", "score", str(file)).error
    assert "nowhere.jsonl" in shell.bare("eval", "score", "nowhere.jsonl").error
