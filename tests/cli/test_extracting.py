"""extract and jobs: facts out of stored messages, and what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from memsvc import wiring
from memsvc.errors import InvalidReply
from memsvc.testing import RuleModel

if TYPE_CHECKING:
    from memsvc_retrievers.language import Prompt
    from tests.cli.conftest import Shell


def use(monkeypatch: pytest.MonkeyPatch, facts: Any) -> None:
    model = RuleModel({"facts": facts})
    monkeypatch.setattr(wiring, "build_language_model", lambda settings, name=None: model)


def one_fact(prompt: Prompt) -> dict[str, Any]:
    return {"facts": [{"fact": "Ann lives in Oslo.", "messages": [1]}]} if "Oslo" in prompt.user else {"facts": []}


def test_extract_stores_facts_and_jobs_lists_what_was_done(filled: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, one_fact)
    assert filled("extract").out == "2 jobs, 1 new fact\n"
    facts = filled("list", "--kind", "fact", "--json").document["memories"]
    assert [fact["text"] for fact in facts] == ["Ann lives in Oslo."]
    assert filled("extract", "--json").document["done"] == 0  # nothing new
    head, *rows = [line.split("\t") for line in filled("jobs").out.splitlines()]
    assert head == ["job", "namespace", "state", "attempts", "messages", "queued", "outcome"]
    assert [row[1:5] for row in rows] == [["default", "done", "1", "2"], ["default", "done", "1", "1"]]
    assert len(filled("jobs", "--state", "done", "--json").document["jobs"]) == 2
    assert "No jobs" in filled("jobs", "--state", "failed").err


def test_a_job_that_fails_is_listed_with_its_reason_and_tried_again(
    filled: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(prompt: Prompt) -> None:
        raise InvalidReply("facts: no JSON in the reply")

    use(monkeypatch, unreadable)
    for _ in range(3):
        filled("extract", "--retry")
    rows = [line.split("\t") for line in filled("jobs").out.splitlines()[1:]]
    assert all("no JSON" in row[-1] for row in rows)
    use(monkeypatch, one_fact)
    assert filled("extract", "--retry").out == "2 jobs, 1 new fact\n"
    assert len(filled("list", "--kind", "message", "--json").document["memories"]) == 3


def test_extract_without_a_model_says_what_to_set(filled: Shell) -> None:
    assert "MEMSVC_MODEL" in filled("extract").error


def test_an_unknown_state_is_said(filled: Shell) -> None:
    assert "queued" in filled("jobs", "--state", "lost").error
