"""Episodes, feedback and utilities from a shell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Shell


@pytest.fixture
def tried(shell: Shell, tmp_path: Path) -> Shell:
    """Two attempts at much the same task: one that worked, one that did not."""
    steps = tmp_path / "steps.json"
    steps.write_text(json.dumps(["SELECT 1", {"sql": "SELECT name FROM users"}]))
    assert shell("add-episode", "List the users of the shop", "-t", str(steps), "--reward", "1").out.startswith(
        "stored "
    )
    ran = shell("add-episode", "List the users of the bar", "-t", "-", "--failure", stdin="no such table\n")
    assert ran.out.startswith("stored ")
    return shell


def test_episodes_come_ready_for_a_prompt_with_the_way_to_reward_them(tried: Shell) -> None:
    ran = tried("episodes", "List the users of the zoo")
    lines = ran.out.splitlines()
    assert lines[0].startswith("Examples to follow")
    assert lines[1] == "Task: List the users of the shop"
    assert "- no such table" in [line.strip() for line in lines]
    trace = ran.err.split()[-3]
    rewarded = tried("feedback", trace, "--reward", "1", "--key", "k")
    assert rewarded.out.startswith("applied: 2 memories moved")
    assert tried("feedback", trace, "--reward", "1", "--key", "k").out.startswith("duplicate")


def test_episodes_explained_and_as_a_document(tried: Shell) -> None:
    head, *rows = [line.split("\t") for line in tried("episodes", "List the users", "--explain").out.splitlines()]
    assert head == ["#", "outcome", "intent", "cosine", "z(sim)", "Q", "z(Q)", "lambda", "score", "id"]
    assert {row[7] for row in rows} == {"0.5"}
    assert {row[1] for row in rows} == {"success", "failure"}
    document = tried("episodes", "List the users", "--json", "--token-budget", "30").document
    assert len(document["hits"]) == 2
    assert document["hits"][0]["episode"]["trajectory"]
    assert document["trace_id"]
    assert len(document["text"].split()) <= 30


def test_episodes_explained_fit_a_terminal_with_their_ids_whole(
    tried: Shell, terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = tried("episodes", "List the users", "--explain").out
    assert max(map(len, out.splitlines())) <= 80
    assert set(tried.ids()) <= set(out.split())


def test_no_episode(tried: Shell) -> None:
    assert tried("episodes", "Bake", "-n", "bob").err == "No episode fits.\n"
    assert tried("episodes", "Bake", "--threshold", "0.99").err == "No episode fits.\n"  # nothing to reward


def test_outcome_and_trajectory_are_wanted(shell: Shell, tmp_path: Path) -> None:
    assert "neither reward nor success" in shell("add-episode", "Do it", "-t", "-", stdin="done").error
    assert shell("add-episode", "Do it", "--reward", "1").code == 2
    assert "No such file" in shell("add-episode", "Do it", "-t", str(tmp_path / "none"), "--reward", "1").error
    (tmp_path / "bytes").write_bytes(b"done\n\xff\xfe")
    refused = shell("add-episode", "Do it", "-t", str(tmp_path / "bytes"), "--reward", "1").error
    assert "bytes, line 2 is not UTF-8" in refused


def test_how_episodes_are_chosen_can_be_said(tried: Shell) -> None:
    def chosen(*how: str) -> dict[str, Any]:
        found: dict[str, Any] = tried("episodes", "List the users of the shop", "--json", *how).document
        return found

    assert chosen("--threshold", "0.2", "--weight", "0.25") | {"trace_id": "", "hits": "", "text": ""} == {
        "trace_id": "", "threshold": 0.2, "weight": 0.25, "explored": False, "hits": "", "text": "",
    }  # fmt: skip
    one = [chosen("--top-k", "1", "--pool", "2", "--epsilon", "1", "--seed", str(seed)) for seed in range(8)]
    assert {found["explored"] for found in one} == {True, False}
    again = chosen("--top-k", "1", "--pool", "2", "--epsilon", "1", "--seed", "0")
    assert again["hits"] == one[0]["hits"]
    assert tried("episodes", "List", "--weight", "2").code == 2


def test_a_trace_of_another_namespace_is_not_rewarded(filled: Shell) -> None:
    trace = filled("search", "Oslo", "--trace", "--json").document["trace_id"]
    assert "'bob'" in filled("feedback", trace, "--reward", "1", "-n", "bob").error
    assert filled("feedback", trace, "--reward", "1", "-n", "default").code == 0


def test_moves_fit_a_terminal_with_their_ids_whole(
    filled: Shell, terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    trace = filled("search", "Oslo", "--trace", "--json").document["trace_id"]
    best = filled.ids()[0]
    for source in ("default", "a-client-with-a-name-of-forty-characters"):
        given = filled("feedback", trace, "--reward", "0.5", "--source", source, "--used", best).out
        shown = filled("utility", "show", best).out
        for out in (given, shown):
            lines = out.splitlines()
            assert max(map(len, lines)) <= 80
            assert any(trace in line.split() for line in lines)
            assert "+0.000" in out or "+0.150" in out
        assert best in given.split()
        assert "+0.000" in shown
        assert "+0.150" in shown
        assert best not in shown


def test_utilities_are_shown_reset_and_rebuilt(filled: Shell) -> None:
    document = filled("search", "Oslo", "--trace", "--json").document
    best = document["hits"][0]["memory"]["id"]
    assert filled("feedback", document["trace_id"], "--reward", "0.5", "--used", best).code == 0
    shown = filled("utility", "show", best).out
    assert "Q\t+0.150" in shown
    assert "visits\t1" in shown
    assert f"\tdefault\t+0.5\t+0.000\t+0.150\t{document['trace_id']}" in shown
    assert filled("utility", "top").out.splitlines()[1].startswith("+0.150\t1\tmessage\tI moved to Oslo")
    assert filled("utility", "rebuild").out == "default: 1 feedback or reset replayed\n"
    assert filled("utility", "reset", best).out == f"{best}: +0.150 -> +0.000\n"
    reset = filled("utility", "show", best)
    assert reset.err == "No feedback has moved it since its reset.\n"
    assert len(reset.out.splitlines()) == 3
    assert filled("utility", "rebuild").out == "default: 2 feedbacks and resets replayed\n"
    assert filled("utility", "show", filled.ids()[-1]).err == "No feedback has moved it.\n"
    assert filled("verify").code == 0


def test_a_search_tells_how_to_reward_it_only_when_it_keeps_a_trace(filled: Shell) -> None:
    assert filled("search", "Oslo").err == ""
    assert "memsvc feedback " in filled("search", "Oslo", "--trace").err


def test_rewards_and_traces_that_cannot_be(filled: Shell) -> None:
    assert filled("feedback", "0" * 32, "--reward", "2").code == 2
    assert "trace" in filled("feedback", "0" * 32, "--reward", "1").error
    trace = filled("search", "Oslo", "--trace", "--json").document["trace_id"]
    assert "uniform, cited" in filled("feedback", trace, "--reward", "1", "--credit", "all").error


def test_the_gate_says_what_it_lacks_and_the_threshold_is_worked_out(tried: Shell) -> None:
    assert "at least 50" in tried("gate", "calibrate", "--budget", "0.25").error
    for name in (["calibrate-episodes"], ["gate", "threshold"]):  # the latter is what it was called
        assert tried(*name).out.startswith("intents count as similar above a cosine of 0.")


def test_retaining(filled: Shell) -> None:
    assert filled("retain", "--budget", "2").out == "2 messages and facts hot, 1 turned cold, 0 turned warm\n"
    assert filled("retain", "--budget", "9").out == "3 messages and facts hot, 0 turned cold, 1 turned warm\n"


def test_reflecting_without_a_model_says_what_to_set(tried: Shell) -> None:
    assert "MEMSVC_MODEL" in tried("reflect").error
