"""graph: a table, a document, a drawing, and what it says where it cannot."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Shell

pytestmark = pytest.mark.slow


@pytest.fixture
def kim(filled: Shell) -> Shell:
    filled("add", "Then Kim went to Oslo with Torvald.", "--speaker", "Ben", "--timestamp", "2026-05-01T09:00:00Z")
    return filled


def test_an_overview_in_a_pipe(kim: Shell) -> None:
    ran = kim("graph")
    assert ran.code == 0
    head, first, *rest = [line.split("\t") for line in ran.out.splitlines()]
    assert head == ["#", "thing", "kind", "memories", "strength", "community", "strongest ties"]
    assert first[:5] == ["1", "Oslo", "thing", "2", "4"]
    assert len(rest) == 4
    assert ran.err == "5 things; 4 memories in all.\n"
    assert kim("graph", "--limit", "2").err == "2 of 5 things; 4 memories in all.\n"


def test_neighbours_and_a_path_name_the_memories(kim: Shell) -> None:
    ran = kim("graph", "oslo", "--limit", "3")
    rows = [line.split("\t") for line in ran.out.splitlines()]
    assert rows[0] == ["#", "thing", "kind", "shared", "latest memory", "id"]
    assert ["1", "Ann", "person", "1", "I moved to Oslo last week."] in [row[:5] for row in rows]
    assert kim("get", rows[1][-1]).code == 0
    assert ran.err == "3 of 4 things joined to Oslo; 4 memories in all.\n"
    path = kim("graph", "Ann", "--to", "kim")
    steps = [line.split("\t")[:4] for line in path.out.splitlines()[1:]]
    assert steps == [["1", "Ann", "Oslo", "1"], ["2", "Oslo", "Kim", "1"]]
    assert path.err == "2 steps, by way of person and thing; 4 memories in all.\n"


def test_no_path_is_said_and_is_no_failure(kim: Shell) -> None:
    ran = kim("graph", "Ann", "--to", "Torvald", "--kinds", "session", "--kinds", "word")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("No path joins the two")
    found = kim("graph", "Ann", "--to", "Torvald", "--kinds", "word", "--json").document
    assert (found["view"], found["nodes"], found["edges"]) == ("path", [], [])


def test_a_table_fits_a_terminal(kim: Shell, terminal: None) -> None:
    for args in ((), ("Kim",), ("Ann", "--to", "Kim")):
        out = kim("graph", *args).out
        assert "Oslo" in out
        assert max(map(len, out.splitlines())) <= 100


def test_json_is_one_document(kim: Shell, tmp_path: Path) -> None:
    ran = kim("graph", "--json", "--out", str(tmp_path / "g.html"))
    found = json.loads(ran.out)
    assert [one["name"] for one in found["nodes"]][:1] == ["Oslo"]
    assert found["edges"][0]["memories"][0].keys() == {"id", "text"}
    assert ran.err == f"Drawn in {tmp_path / 'g.html'}.\n"


@pytest.mark.parametrize(("name", "begins"), [("g.html", b"<!doctype html>"), ("g.PNG", b"\x89PNG")])
def test_drawings(kim: Shell, tmp_path: Path, name: str, begins: bytes) -> None:
    for args in ((), ("Kim",), ("Ann", "--to", "Kim"), ("Ann", "--to", "Kim", "--kinds", "word")):
        (tmp_path / name).unlink(missing_ok=True)
        ran = kim("graph", *args, "--out", str(tmp_path / name))
        assert ran.code == 0
        assert (tmp_path / name).read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ([""], "'thing' came as ''"),
        (["Atlantis"], "nothing is called 'Atlantis' in namespace 'default'"),
        (["Kym"], "did you mean 'Kim'?"),
        (["--to", "Oslo"], "give thing, where the path begins"),
        (["--kinds", "colour"], "give some of person, thing, word, phrase, session, day"),
        (["-n", "nobody"], "namespace 'nobody' holds no memories"),
        (["--out", "graph.svg"], "give a name that ends in .html or .png"),
        (["--out", "nowhere/graph.html"], "nowhere/graph.html: No such file or directory"),
    ],
)
def test_what_cannot_be_is_one_line(kim: Shell, args: list[str], told: str) -> None:
    assert told in kim("graph", *args).error


def test_a_limit_of_nothing_is_wrong_usage(kim: Shell) -> None:
    assert kim("graph", "--limit", "0").code == 2


def test_a_png_without_matplotlib_is_told_before_anything_is_opened(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing: Any = None
    monkeypatch.setitem(sys.modules, "matplotlib.figure", missing)
    assert "pip install 'memsvc[evals]'" in shell("graph", "--out", "g.png", db=tmp_path / "none.db").error
