"""Which pages there are, what they are called, and what the index says of each question."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsvc_evals.reports.questions import asked, mark, page, page_names, pages
from memsvc_evals.reports.reading import read_run
from tests.evals.reports.builders import Plan, build_run

if TYPE_CHECKING:
    from pathlib import Path


def test_plain_ids_keep_their_names() -> None:
    assert page_names(["conv-26/12", "Chat_1_Emi_Elise/3"]) == {
        "conv-26/12": "conv-26__12.html",
        "Chat_1_Emi_Elise/3": "Chat_1_Emi_Elise__3.html",
    }


@given(st.lists(st.text(max_size=120), unique=True, max_size=8))
@settings(max_examples=200, deadline=None)
def test_names_are_safe_and_unlike_each_other(identities: list[str]) -> None:
    found = page_names(identities)
    assert list(found) == identities
    assert len({name.lower() for name in found.values()}) == len(identities)
    for name in found.values():
        assert re.fullmatch(r"[A-Za-z0-9~-][A-Za-z0-9._~-]{0,99}", name), name


@pytest.mark.parametrize(
    ("one", "other"), [("a/b", "A/B"), ("a__b", "a/b"), ("a_/b", "a/_b"), ("..", "../.."), ("a b", "a\tb")]
)
def test_ids_that_a_file_system_would_confuse(one: str, other: str) -> None:
    names = page_names([one, other])
    assert names[one].lower() != names[other].lower()


def test_marks(run_folder: Path) -> None:
    record = read_run(run_folder).records[0]
    judged = replace(record, scores={"f1": 0.3}, judge={"lenient-1": {"correct": True}}, error=None)
    assert mark(judged, "judge:lenient-1") == 1.0
    assert mark(judged, "f1") == 0.3
    assert mark(judged, "judge:strict-1") == 0.3
    assert mark(replace(judged, judge={"lenient-1": {"correct": None}}), "judge:lenient-1") == 0.3
    assert mark(replace(judged, error="down"), "f1") is None


def test_the_index_knows_what_was_disputed_failed_and_escalated(tmp_path: Path) -> None:
    run = read_run(build_run(tmp_path, Plan(policies=("fast", "quality"), failing=("quality",), questions=40)))
    found = asked(run)
    assert [one.file for one in found if "failed" in one.flags] == ["conv-0__1.html"]
    assert found[1].marks[run.policies.index("quality")] is None
    for one in found:
        right = {given >= 0.5 for record in one.records if (given := mark(record, run.main_measure)) is not None}
        assert ("disputed" in one.flags) == (right == {True, False})
        assert ("escalated" in one.flags) == any(record.process == "scan" for record in one.records)
        assert one.escalated(one.records[0]) is None
    for flag in ("disputed", "escalated"):
        assert {flag in one.flags for one in found} == {True, False}


def test_pages_lead_to_the_ones_beside_them(run_folder: Path) -> None:
    run = read_run(run_folder)
    (first, page), (second, other), *_ = pages(run, asked(run))
    assert (first, second) == ("conv-0__0.html", "conv-0__1.html")
    assert [link for _, link in page.links] == ["../report.html#questions", second]
    assert [link for _, link in other.links] == ["../report.html#questions", first, "conv-0__2.html"]


def test_a_page_says_how_the_answer_came_about(tmp_path: Path) -> None:
    run = read_run(build_run(tmp_path, Plan(runs=2, audited=True, questions=40)))
    one = next(one for one in asked(run) if "escalated" in one.flags and one.question.audited)
    text = page(run, one).to_html()
    record = next(record for record in one.records if record.coverage)
    for wanted in (
        record.question, record.draft, "<dd>escalate\n", "completeness", "407 of 419 messages in 3 chunks",
        "the reply was cut at 512 tokens", "on 9 May 2023", "the same 25 turns as fast", "Both name the same day",
        ">extract<", "run 1",
    ):  # fmt: skip
        assert wanted is not None
        assert wanted in text, wanted
    marked = re.findall(r"★ (\S+?)[ <]", text)
    assert set(marked) <= set(record.evidence)
    assert marked


def test_a_policy_that_always_escalates_is_no_escalation(tmp_path: Path) -> None:
    run = read_run(build_run(tmp_path, Plan(policies=("fast", "scan"))))
    found = asked(run)
    assert not any("escalated" in one.flags for one in found)
    assert "<dt>gate" not in page(run, found[0]).to_html()
