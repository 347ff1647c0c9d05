"""Quotes: the sentence that shares most with the question, word for word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.answer import best_sentence


@pytest.mark.parametrize(
    ("question", "text", "quote"),
    [
        ("Where does Ann live?", "Hello. I live in Oslo! It rains.", "I live in Oslo!"),
        ("nothing shared", "First one. Second one.", "First one."),
        ("北京?", "你好。我住在北京。", "我住在北京。"),
        ("harbour", "no stops at all near the harbour", "no stops at all near the harbour"),
        ("x", "...", "..."),
    ],
)
def test_best_sentence(question: str, text: str, quote: str) -> None:
    assert best_sentence(question, text) == quote


@given(st.text(), st.text(min_size=1))
def test_a_quote_always_occurs_in_its_text(question: str, text: str) -> None:
    assert best_sentence(question, text) in text
