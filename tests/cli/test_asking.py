"""ask: without a model, and with one that answers by rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from memsvc import wiring
from memsvc.errors import ModelUnavailable
from memsvc.testing import RuleModel
from memsvc_cli import output
from tests.retrievers.models import answering, fact, judgement, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from memsvc_retrievers.language import Prompt
    from tests.cli.conftest import Shell

    Use = Callable[..., RuleModel]

QUESTION = "Where did Ann move last week?"


def test_ask_quotes_its_evidence(filled: Shell) -> None:
    ran = filled("ask", "Where did Ann move last week?")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == "“I moved to Oslo last week.” (Ann, 2 March 2026; “last week” is the week before 2 March 2026)"
    assert lines[1].startswith("extractive: no model reasoned over it, 0.")
    explained = filled("ask", "Where did Ann move last week?", "--explain").out.splitlines()
    assert explained[3].split("\t") == ["when", "who", "quote", "id"]
    document = filled("ask", "Where did Ann move last week?", "--json").document
    assert set(document) == {
        "text", "trace_id", "process", "evidence", "retrieved", "seconds", "verdict", "coverage", "ledger",
        "notes",
    }  # fmt: skip
    assert document["evidence"][0]["quote"] == "I moved to Oslo last week."


def test_ask_on_a_terminal(filled: Shell, terminal: None) -> None:
    assert "I moved to Oslo last week." in filled("ask", "Where did Ann move last week?").out


def test_ask_abstains(filled: Shell) -> None:
    ran = filled("ask", "Oslo?", "-n", "bob")
    assert ran.out.splitlines()[0] == "No memory matches the question."
    assert "abstained" in ran.out


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Make a model with these rules the one that the settings name."""

    def using(**rules: Any) -> RuleModel:
        model = RuleModel(rules, seconds=0.25)
        monkeypatch.setattr(wiring, "build_language_model", lambda settings, name=None: model)
        return model

    return using


def test_ask_with_a_model(filled: Shell, use: Use) -> None:
    use(draft=lambda _: answering("Oslo", 1), gate=lambda _: judgement())
    ran = filled("ask", QUESTION)
    answer, provenance, _, _, quote = ran.out.splitlines()
    assert answer == "Oslo"
    assert provenance.startswith("fast, ")
    assert "2 calls" in provenance
    assert "I moved to Oslo last week." in quote
    assert ran.err == ""


def test_ask_as_a_document(filled: Shell, use: Use) -> None:
    use(
        gate=lambda _: judgement(relevance="off"),
        extract=lambda _: {"facts": [fact("Ann moved to Oslo.", 9, 1, quote="Oslo")]},
    )
    document = filled("ask", QUESTION, "--json").document
    assert document["process"] == "scan"
    assert document["verdict"]["escalate"] is True
    assert document["verdict"]["reasons"][0] == {"dimension": "relevance", "passed": False, "why": "off"}
    assert (document["coverage"]["share"], document["coverage"]["kept"]) == (1.0, 1)
    assert document["evidence"][0]["quote"] == "Oslo"
    calls = document["ledger"]["calls"]
    assert [call["purpose"] for call in calls] == ["draft", "gate", "extract", "answer"]
    assert document["ledger"]["prompt_tokens"] == sum(call["prompt_tokens"] for call in calls)
    assert document["ledger"]["cost"] == 0


def test_explain_shows_gate_coverage_and_ledger(filled: Shell, use: Use) -> None:
    facts = [fact("Oslo.", 9, 1, quote="never said"), fact("Air.", 9, 99)]
    use(gate=lambda _: judgement(completeness="no street"), extract=lambda _: {"facts": facts})
    out = filled("ask", QUESTION, "--explain").out
    assert "completeness\tfail\tno street" in out
    assert "read\t3 of 3 messages (100%)" in out
    assert "dropped\t1 false quote, 1 fact without a source" in out
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in out.splitlines()}
    assert rows["extract"][0] == "1"
    assert (rows["all"][0], rows["all"][3]) == ("4", "1.00")
    assert "no street" not in filled("ask", QUESTION).out


def test_options_reach_the_library(filled: Shell, use: Use) -> None:
    model = use()
    filled("ask", QUESTION, "--gate", "always", "--deliberation", "hypergraph", "--speaker", "Ben")
    assert {prompt.purpose for prompt in model.prompts} <= {"evolve", "merge", "judge", "answer"}
    assert "pottery" not in "".join(prompt.user for prompt in model.prompts)
    assert "one of quality, majority" in filled("ask", QUESTION, "--gate", "perhaps").error
    assert "one of scan, hypergraph" in filled("ask", QUESTION, "--deliberation", "deep").error


def test_a_gate_without_a_model_is_said_in_one_line(filled: Shell) -> None:
    assert "MEMSVC_MODEL" in filled("ask", QUESTION, "--gate", "quality").error


def test_what_a_model_does_wrong_is_said_in_one_line(filled: Shell, use: Use) -> None:
    def down(prompt: Prompt) -> None:
        raise ModelUnavailable("draft: no answer from http://localhost:1; start the server")

    use(draft=down)
    assert "start the server" in filled("ask", QUESTION).error
    use(draft=unreadable)
    assert "no JSON" in filled("ask", QUESTION).error


def test_steps_are_told_while_they_happen(filled: Shell, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    use(gate=lambda _: judgement(relevance="off"))
    told: list[tuple[str, str]] = []

    class Steps:
        def __enter__(self) -> Any:
            return lambda done, doing: told.append((done, doing))

        def __exit__(self, *_: object) -> None:
            told.append(("over", ""))

    monkeypatch.setattr(output, "steps", lambda doing: Steps())
    filled("ask", QUESTION)
    assert [doing for _, doing in told] == ["Drafting", "Judging", "Deliberating", "Answering", ""]
    assert "retrieved 3 memories" in told[0][0]
    assert "falls short in relevance" in told[2][0]


def test_nothing_found_with_a_model_is_explained_too(filled: Shell, use: Use) -> None:
    model = use()
    ran = filled("ask", "Oslo?", "-n", "bob")
    assert ran.out.startswith("No memory matches")
    assert "holds no memories" in ran.err
    assert not model.prompts


def test_the_ledger_names_the_models_where_several_shared_the_work(
    filled: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Small(RuleModel):
        name = "small"  # type: ignore[assignment]

    monkeypatch.setattr(wiring, "build_language_model", lambda settings, name=None: RuleModel())
    assert "\tmodel\t" not in filled("ask", QUESTION, "--explain").out
    small = Small()
    monkeypatch.setattr(wiring, "build_role_model", lambda settings, role: small if role == "gate" else None)
    rows = [line.split("\t") for line in filled("ask", QUESTION, "--explain", "--gate", "quality").out.splitlines()]
    assert [row[:2] for row in rows if row[0] in ("purpose", "draft", "gate", "all")] == [
        ["purpose", "model"], ["draft", "rules"], ["gate", "small"], ["all", ""],
    ]  # fmt: skip
