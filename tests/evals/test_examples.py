"""The conversations that the project ships, held to what the docs say of them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from tests.evals.conftest import EXAMPLES

if TYPE_CHECKING:
    from memsvc_evals import Dataset


def test_nothing_is_left_out_or_repaired(examples: Dataset) -> None:
    assert not examples.exclusions
    assert not examples.repairs


def test_shape(examples: Dataset) -> None:
    assert len(examples.conversations) == 3
    for conversation in examples.conversations:
        sessions = conversation.sessions()
        assert 5 <= len(sessions) <= 7
        assert all(8 <= len(turns) <= 16 for turns in sessions.values())
        assert 12 <= len(conversation.questions) <= 20
        assert len({turn.speaker for turn in conversation.turns}) == 2
        assert {question.category for question in conversation.questions} == {1, 2, 3, 4, 5}
        assert any("[shares a photo:" in turn.text for turn in conversation.turns)


def test_times_ascend(examples: Dataset) -> None:
    for conversation in examples.conversations:
        times = [turn.said_at for turn in conversation.turns]
        assert times == sorted(set(times))


def test_several_answers_need_several_sessions(examples: Dataset) -> None:
    spans: Counter[bool] = Counter()
    for conversation in examples.conversations:
        session = {turn.id: turn.session_id for turn in conversation.turns}
        for question in conversation.questions:
            if question.category == 1:
                spans[len({session[identity] for identity in question.evidence}) > 1] += 1
    assert spans[True] > 3 * spans[False]


def test_adversarial_questions_have_a_trap_and_the_others_an_answer(examples: Dataset) -> None:
    for conversation in examples.conversations:
        for question in conversation.questions:
            assert (question.answer is None) == (question.category == 5)
    for record in json.loads(EXAMPLES.read_text(encoding="utf-8")):
        for question in record["qa"]:
            assert ("adversarial_answer" in question) == (question["category"] == 5)
