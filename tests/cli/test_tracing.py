"""trace: what a look-up considered and gave, for people and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Shell


def traced(filled: Shell) -> str:
    return str(filled("search", "Where did Ann move?", "--trace", "--json").document["trace_id"])


def test_a_trace_says_what_was_considered_and_given(filled: Shell) -> None:
    trace = traced(filled)
    lines = [line.split("\t") for line in filled("trace", trace).out.splitlines()]
    assert lines[:3] == [["id", trace], ["kind", "search"], ["query", "Where did Ann move?"]]
    assert ["considered", "3 memories, 3 given, 0 cited"] in lines
    head = lines.index(["#", "memory", "role", "similarity", "Q", "chance"])
    assert [row[0] for row in lines[head + 1 :]] == ["1", "2", "3"]
    assert {row[1] for row in lines[head + 1 :]} == set(filled.ids())
    assert {row[2] for row in lines[head + 1 :]} == {"given"}


def test_it_shows_what_an_answer_cites(filled: Shell) -> None:
    trace = filled("ask", "Where did Ann move?", "--json").document["trace_id"]
    document = filled("trace", trace, "--json").document
    assert (document["id"], document["kind"], document["query"]) == (trace, "ask", "Where did Ann move?")
    assert set(document["used"]) <= set(filled.ids())
    assert {"cited", "pool", "weight", "document", "at"} <= document.keys()


def test_it_fits_a_terminal(filled: Shell, terminal: None, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = traced(filled)
    monkeypatch.setenv("COLUMNS", "80")
    out = filled("trace", trace).out
    assert max(map(len, out.splitlines())) <= 80
    assert all(memory in out for memory in filled.ids())


def test_a_trace_of_another_namespace_is_not_there_just_as_none_is(filled: Shell) -> None:
    trace = traced(filled)
    filled("add", "hello", "-n", "ben")
    theirs = filled("trace", trace, "-n", "ben").error
    assert theirs.replace(trace, "x" * 32) == filled("trace", "x" * 32, "-n", "ben").error
    assert "namespace 'ben'" in theirs
