from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memsvc import Memory
from memsvc.testing import HashEmbedder
from memsvc_evals import MeasurementError, run_demo

if TYPE_CHECKING:
    from pathlib import Path

    from memsvc_evals import Dataset


def test_the_first_question_of_three_categories_is_asked(tmp_path: Path, examples: Dataset) -> None:
    seen: list[tuple[str, int, int]] = []
    with Memory.open(tmp_path / "a.db", embedder=HashEmbedder()) as memory:
        run = run_demo(memory, examples, progress=lambda *step: seen.append(step))
        again = run_demo(memory, examples)
    assert (run.messages, run.stored, again.stored) == (examples.turns, examples.turns, 0)
    assert run.speed > 0
    assert run.median_ms > 0
    assert [one.conversation for one in run.asked] == [one.id for one in examples.conversations for _ in range(3)]
    by_text = {question.text: question for one in examples.conversations for question in one.questions}
    for start in range(0, len(run.asked), 3):
        categories = [by_text[one.question].category for one in run.asked[start : start + 3]]
        assert len(set(categories)) == 3
        assert 5 not in categories
    last = {stage: (done, total) for stage, done, total in seen}
    assert last == {"add": (examples.turns,) * 2, "search": (len(run.asked),) * 2}
    assert [one.quotes for one in again.asked] == [one.quotes for one in run.asked]


def test_the_first_hit_and_the_first_gold_one_are_quoted(tmp_path: Path, examples: Dataset) -> None:
    with Memory.open(tmp_path / "a.db", embedder=HashEmbedder()) as memory:
        run = run_demo(memory, examples)
    assert all(one.quotes[0].rank == 1 and len(one.quotes) <= 2 for one in run.asked)
    assert all(one.quotes[1].gold and not one.quotes[0].gold for one in run.asked if len(one.quotes) == 2)
    assert run.found == sum(any(quote.gold for quote in one.quotes) for one in run.asked) > 0
    texts = {turn.text: turn for one in examples.conversations for turn in one.turns}
    for quote in (quote for one in run.asked for quote in one.quotes):
        assert (texts[quote.text].speaker, texts[quote.text].said_at) == (quote.speaker, quote.said_at)


def test_a_key_that_is_taken_ends_the_demo(tmp_path: Path, examples: Dataset) -> None:
    first = examples.conversations[0]
    with Memory.open(tmp_path / "a.db", embedder=HashEmbedder()) as memory:
        memory.add({"content": "Mine.", "key": first.turns[0].id}, namespace=first.id)
        with pytest.raises(MeasurementError, match="was rejected"):
            run_demo(memory, examples)
