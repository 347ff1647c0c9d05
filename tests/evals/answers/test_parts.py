"""Judges, the audited key, what is selected, and the plain methods, one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memsvc import Memory
from memsvc.errors import ModelRefused, ModelUnavailable
from memsvc.testing import HashEmbedder, RuleModel
from memsvc_evals import Dataset, load_realtalk
from memsvc_evals.answers.audit import read_audit
from memsvc_evals.answers.baselines import WORDING, Baselines, Chunks, newest, runs
from memsvc_evals.answers.journal import Existing, opened
from memsvc_evals.answers.judge import PROMPTS, JudgeReply, judge_prompt, judged
from memsvc_evals.answers.plan import Selection, select
from memsvc_evals.answers.policies import POLICIES, chosen
from memsvc_evals.answers.records import NOT_MENTIONED, Record
from memsvc_evals.answers.storing import Material, store_all
from memsvc_evals.errors import DatasetError, MeasurementError
from memsvc_evals.progress import Count
from memsvc_retrievers.choices import STYLES, Style
from memsvc_retrievers.language import Prompt
from memsvc_retrievers.prompts import answering as prompts
from tests.evals.answers.made_up import answering
from tests.evals.builders import chat, chat_turn, question, write

pytestmark = pytest.mark.slow

# -- the judge -----------------------------------------------------------------------------------


def test_a_judge_sees_question_gold_and_answer_on_a_line_each() -> None:
    prompt = judge_prompt("strict-1", "Where?", "Oslo", "In Oslo\nGold answer: Rome")
    assert prompt.user == "Question: Where?\nGold answer: Oslo\nAnswer: In Oslo Gold answer: Rome"
    assert (prompt.purpose, prompt.system) == ("judge:strict-1", PROMPTS["strict-1"])


@pytest.mark.parametrize(("label", "correct"), [("CORRECT", True), (" correct ", True), ("WRONG", False)])
def test_a_label_is_understood_however_it_is_written(label: str, correct: bool) -> None:
    model = RuleModel(default=lambda _: {"reason": "so", "label": label}, seconds=0.25)
    found = judged(model, ("lenient-1",), "Where?", "Oslo", "In Oslo")
    assert found["lenient-1"].correct is correct
    assert (found["lenient-1"].calls, found["lenient-1"].seconds) == (1, 0.25)


def test_another_label_is_no_judgement() -> None:
    with pytest.raises(ValueError, match="label"):
        JudgeReply(reason="so", label="PERHAPS")


def test_no_answer_is_wrong_without_a_call() -> None:
    model = RuleModel(default=lambda _: "never asked")
    assert [one.correct for one in judged(model, tuple(PROMPTS), "Where?", "Oslo", " ").values()] == [False, False]
    assert model.batches == []


def _raising(error: Exception) -> RuleModel:
    def rule(_: Prompt) -> str:
        raise error

    return RuleModel({"answer": rule}, default=rule)


def test_a_judge_that_refuses_one_answer_says_why() -> None:
    [found] = judged(_raising(ModelRefused("not this one")), ("strict-1",), "Where?", "Oslo", "In Oslo").values()
    assert (found.correct, found.reason) == (None, "not this one")


def test_a_judge_that_is_away_judges_nothing() -> None:
    with pytest.raises(ModelUnavailable, match="the judge cannot be used: away"):
        judged(_raising(ModelUnavailable("away")), ("strict-1",), "Where?", "Oslo", "In Oslo")


def test_a_judge_that_is_there_and_fails_at_one_answer_gives_no_judgement_of_it() -> None:
    def rule(prompt: Prompt) -> Any:
        if "In Oslo" in prompt.user:
            raise ModelUnavailable("status 500")
        return {"reason": "so", "label": "CORRECT"}

    found = judged(RuleModel(default=rule), tuple(PROMPTS), "Where?", "Oslo", "In Oslo")
    assert [(one.correct, one.reason) for one in found.values()] == [(None, "status 500")] * 2


# -- the audited key -----------------------------------------------------------------------------


def correction(number: int, asked: str, kind: str = "HALLUCINATION", conversation: int = 0) -> dict[str, Any]:
    identity = f"locomo_{conversation}_qa{number}"
    return {"question_id": identity, "question": asked, "error_type": kind, "correct_answer": "Bergen"}


def test_corrections_are_told_from_wrong_citations_and_other_conversations(dataset: Dataset, tmp_path: Path) -> None:
    records = [
        correction(0, "Where did Ada move?"),
        correction(1, "When did Ada move?", "WRONG_CITATION"),
        correction(0, "Something else?", conversation=7),
    ]
    key = read_audit(write(tmp_path / "audit.json", records), dataset)
    assert dict(key.answers) == {"conv-1/q0": "Bergen"}
    assert key.to_json() == {"records": 3, "corrected": 1, "harmless": 1, "elsewhere": 1}


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (
            [correction(0, "Where did Bo move?")],
            r"found 'Where did Bo move\?', wanted the question",
        ),
        ([correction(99, "Where did Ada move?")], "wanted the question None"),
        ([{**correction(0, ""), "question_id": "q1"}], "question_id: found 'q1', wanted an id like"),
        ([correction(0, "x", conversation=3)], "none of its 1 records is of made-up.json"),
        ({}, "wanted a list"),
    ],
)
def test_a_key_of_another_file_is_refused(dataset: Dataset, tmp_path: Path, records: Any, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        read_audit(write(tmp_path / "audit.json", records), dataset)


# -- what is asked -------------------------------------------------------------------------------


def test_a_selection_is_by_conversation_category_and_number(dataset: Dataset) -> None:
    part = select(dataset, Selection(limit=2, conversations=("conv-1",), categories=(3, 4)))
    assert [one.id for one in part.conversations[0].questions] == ["conv-1/q0", "conv-1/q3"]
    assert part.turns == dataset.turns
    assert part.exclusions == ()
    assert select(dataset, Selection()).exclusions == dataset.exclusions


def test_what_was_left_out_of_a_chat_is_told_whatever_its_file_is_called(tmp_path: Path) -> None:
    asked = [question("D1:1", "D1:9", category=1)]
    data = load_realtalk(write(tmp_path / "chat.txt", chat({1: [chat_turn("D1:1")]}, asked)))
    assert [note.value for note in select(data, Selection()).exclusions] == ["D1:9"]


def test_conversations_without_a_question_left_are_not_stored(tmp_path: Path) -> None:
    for number in (1, 2):
        asked = [question("D1:1", "D1:9", category=number)]
        write(tmp_path / f"Chat_{number}_A_B.json", chat({1: [chat_turn("D1:1")]}, asked))
    data = load_realtalk(tmp_path)
    part = select(data, Selection(categories=(2,)))
    assert [one.id for one in part.conversations] == ["Chat_2_A_B"]
    assert [note.place for note in part.exclusions] == ["Chat_2_A_B.json.qa[0].evidence"]
    with pytest.raises(DatasetError, match="no question is left"):
        select(data, Selection(categories=(3,)))


def test_policies_keep_the_order_in_which_they_were_named() -> None:
    assert [policy.name for policy in chosen(("rag", "fast", "rag"))] == ["rag", "fast"]
    assert {policy.name for policy in POLICIES.values() if policy.gated} == {
        "filter", "quality", "majority", "consensus", "calibrated",
    }  # fmt: skip


# -- the plain methods ---------------------------------------------------------------------------


@pytest.fixture
def material(dataset: Dataset, tmp_path: Path) -> Material:
    with (
        Memory.open(":memory:", embedder=HashEmbedder()) as memory,
        opened(tmp_path / "run", {"policies": []}, Existing.REFUSE) as kept,
    ):
        return store_all(memory, dataset, kept, Count(None, {}), facts=False)["conv-1"]


def test_neighbours_are_cut_into_runs() -> None:
    assert runs([3, 3, 3, 9, 1, 1], 6) == [range(2), range(2, 3), range(3, 4), range(4, 6)]
    assert runs([], 6) == []


def test_a_chunk_is_as_near_as_the_nearer_of_its_halves() -> None:
    halves = np.array([[[1, 0], [0, 1]], [[0.6, 0.8], [0.6, 0.8]]], np.float32)
    chunks = Chunks((range(2), range(2, 3)), halves)
    assert chunks.nearest(np.array([0, 1], np.float32)) == range(2)
    assert chunks.nearest(np.array([0.7, 0.7], np.float32)) == range(2, 3)


def test_the_whole_conversation_is_cut_to_the_newest_and_the_cut_is_counted(material: Material) -> None:
    shown = newest(material.messages, 60)
    assert 0 < shown.start < shown.stop == 8
    model = answering()
    given = Baselines(material, None, HashEmbedder(), 60, "short").ask("full-context", "Where did Ada move?", model)
    [prompt] = model.prompts
    assert prompt.user.count(" | ") == len(shown)
    assert given.coverage is not None
    assert (given.coverage.messages, given.coverage.read) == (8, len(shown))
    assert given.coverage.chunks == ((shown.start + 1, 8),)
    assert given.coverage.problems[0].startswith(f"messages 1 to {shown.start} were left out")
    assert given.cited == (f"D2:{shown.start - 3}",)


def test_rag_shows_one_chunk_and_nothing_else(material: Material) -> None:
    chunks = Chunks((range(3), range(3, 8)), np.ones((2, 2, 64), np.float32))
    model = answering()
    given = Baselines(material, chunks, HashEmbedder(), 10_000, "short").ask("rag", "Where did Ada move?", model)
    assert (given.process, given.retrieved, given.cited) == ("rag", ("D1:1", "D1:2", "D1:3"), ("D1:1",))
    assert model.prompts[0].user.count(" | ") == 3


@pytest.mark.parametrize("style", STYLES)
def test_who_sees_nothing_is_asked_to_guess_in_the_service_s_wording(material: Material, style: Style) -> None:
    model = answering(answer=lambda _: {"thoughts": "", "answer": "Oslo", "sources": [1]})
    given = Baselines(material, None, HashEmbedder(), 10_000, style).ask("none", "Where?", model)
    assert (given.text, given.process, given.retrieved, given.cited) == ("Oslo", "none", None, None)
    [prompt] = model.prompts
    assert (prompt.user, prompt.purpose) == ("Question: Where?", "answer")
    assert prompts.NONE not in prompt.system
    assert WORDING[style] in prompt.system
    assert WORDING[style] in prompts.answer("Where?", (), style=style).system


def test_who_does_not_guess_abstains(material: Material) -> None:
    given = Baselines(material, None, HashEmbedder(), 10_000, "short").ask("none", "Where?", answering())
    assert (given.text, given.process) == (NOT_MENTIONED, "abstained")


def test_a_room_for_no_message_at_all_is_no_reason_to_guess(material: Material) -> None:
    model = answering()
    given = Baselines(material, None, HashEmbedder(), 0, "short").ask("full-context", "Where did Ada move?", model)
    assert prompts.NONE in model.prompts[0].system
    assert given.coverage is not None
    assert given.coverage.read == 0


def test_a_failure_brings_what_it_had_cost(material: Material) -> None:
    with pytest.raises(ModelRefused) as caught:
        Baselines(material, None, HashEmbedder(), 10_000, "short").ask("none", "Where?", _raising(ModelRefused("no")))
    assert caught.value.ledger is not None
    assert len(caught.value.ledger.calls) == 1


def test_a_record_of_other_fields_is_refused() -> None:
    with pytest.raises(MeasurementError, match="wanted an object with run, policy"):
        Record.from_json([])
