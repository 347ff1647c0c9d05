"""Which pages there are, what they are called, and what the index says of each question."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsvc_evals.reports.pages import mark, page_names, pages
from memsvc_evals.reports.reading import read_run
from memsvc_evals.reports.webpages import question
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
    found = pages(run)
    assert [page.file for page in found if page.failed] == ["conv-0__1.html"]
    assert found[1].marks[run.policies.index("quality")] is None
    for page in found:
        right = {one.mark >= 0.5 for one in page.answers if one.mark is not None}
        assert page.disputed == (right == {True, False})
        assert page.escalated == any(one.record.process == "scan" for one in page.answers)
        assert page.answers[0].escalated is None
    assert {page.disputed for page in found} == {True, False}
    assert {page.escalated for page in found} == {True, False}
    assert [(page.before, page.after) for page in found[:2]] == [
        (None, "conv-0__1.html"),
        ("conv-0__0.html", "conv-0__2.html"),
    ]


def test_a_page_says_how_the_answer_came_about(tmp_path: Path) -> None:
    run = read_run(build_run(tmp_path, Plan(runs=2, audited=True, questions=40)))
    page = next(page for page in pages(run) if page.escalated and page.question.audited)
    text = question(run, page)
    record = next(one.record for one in page.answers if one.record.coverage)
    for wanted in (
        record.question, record.draft, "Gate: escalate", "completeness", "407 of 419 messages in 3 chunks",
        "the reply was cut at 512 tokens", "on 9 May 2023", "The same 25 turns as fast", "Both name the same day",
        ">extract<", "run 1",
    ):  # fmt: skip
        assert wanted is not None
        assert wanted in text, wanted
    marked = re.findall(r'class="hit"[^>]*>★ ([^<]+)<', text)
    assert set(marked) <= set(record.evidence)
    assert marked


def test_a_policy_that_always_escalates_is_no_escalation(tmp_path: Path) -> None:
    run = read_run(build_run(tmp_path, Plan(policies=("fast", "scan"))))
    found = pages(run)
    assert not any(page.escalated for page in found)
    assert "Gate" not in question(run, found[0])
