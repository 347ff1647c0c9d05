"""extract and jobs: facts out of stored messages, and what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from memsvc import Settings, wiring
from memsvc.errors import InvalidReply, ModelInaccessible
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
    head, *rows = [line.split("\t") for line in filled("jobs", "--all").out.splitlines()]
    assert head == ["job", "namespace", "kind", "state", "tries", "queued", "outcome"]
    assert [row[1:5] for row in rows] == [["default", "extract", "done", "1"]] * 2
    assert [row[-1] for row in rows] == ["1 added, 1 stored", ""]
    few = filled("jobs")
    assert (few.out, few.err) == ("", "2 jobs done: 1 added, 1 stored; --all lists them.\n")
    assert filled("jobs", "--json").document == {"jobs": [], "left_out": {"done": 2, "older": 0}}
    last = filled("jobs", "--all", "--limit", "1")
    assert last.out.splitlines()[1].split("\t")[0] == rows[1][0]
    assert "The newest 1 of 2" in last.err
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


def test_an_unknown_namespace_is_said(filled: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, one_fact)
    for command in ("extract", "jobs"):
        assert "typo" in filled(command, "-n", "typo").error


def test_why_a_job_could_not_be_done_and_until_when_it_waits(filled: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, lambda _: "no JSON at all " * 50)
    ran = filled("extract")
    assert (ran.code, ran.out) == (1, "0 jobs, 0 new facts, 2 put back\n")
    left, error = ran.err.splitlines()
    assert left.startswith("2 jobs left for another attempt: not before 2")
    assert error.startswith("memsvc: InvalidReply: facts: ")
    outcome = filled("jobs").out.splitlines()[1].split("\t")[-1]
    assert len(outcome) == 100, "short in the list"
    assert len(filled("jobs", "--json").document["jobs"][0]["error"]) > 100, "whole in JSON"
    again = filled("extract")
    assert (again.code, again.out) == (0, "0 jobs, 0 new facts\n")
    assert again.err == f"{left}\n", "nothing was done, and it says what waits"


@pytest.mark.parametrize(
    ("stop", "code", "last"),
    [(KeyboardInterrupt(), 130, ""), (ModelInaccessible("bad key; check it"), 1, "memsvc: bad key; check it; 1 extr")],
)
def test_what_was_done_before_it_stopped_is_said(
    filled: Shell, monkeypatch: pytest.MonkeyPatch, stop: BaseException, code: int, last: str
) -> None:
    monkeypatch.setattr("memsvc.work.worker.BATCH", 1)

    def facts(prompt: Prompt) -> Any:
        if "Oslo" not in prompt.user.partition("New messages")[2]:
            raise stop
        return one_fact(prompt)

    use(monkeypatch, facts)
    ran = filled("extract")
    assert ran.code == code
    told = ran.err.splitlines()
    assert told[0] == "Before it stopped: 1 job, 1 new fact."
    assert "".join(told[1:]).startswith(last)


def test_the_model_can_be_named(filled: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    named = []

    def build(settings: Settings, name: str | None = None) -> RuleModel:
        named.append(settings.model)
        return RuleModel({"facts": one_fact})

    monkeypatch.setattr(wiring, "build_language_model", build)
    assert filled("extract", "--model", "local/tiny").code == 0
    assert named == ["local/tiny"]


def test_many_jobs_take_a_line_each(filled: Shell, monkeypatch: pytest.MonkeyPatch, terminal: None) -> None:
    use(monkeypatch, one_fact)
    filled("extract")
    monkeypatch.setenv("COLUMNS", "80")
    assert len(filled("jobs", "--all").out.splitlines()) == 4
