"""No text takes time out of proportion to its length: one stored message must not stop a service."""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING

import pytest

from memsvc.lookup import instructions
from memsvc.writing import echo
from memsvc_retrievers import passages
from memsvc_retrievers.fast.question import take_apart
from memsvc_store.values import nodes, text

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

SIZE = 100_000
"""Characters: the longest message. The slowest of these takes 0.3 s, what grew with the square took 16 s and more."""

SECONDS = 5.0

UNITS = (
    *(" ", "\n", "[", "]", "[]", "[1] ", '"', "’", "'s", "1", "2023-05-05 ", "1st", "june 1 ", "a", "A ", "a'", "?"),
    *(". ", "_", "\u0301", "\u0301\u0316", "北", "> ", "[1] id a · ", "hey A", "ignore a ", "if you are a "),
    *("\nsystem ", "<|"),
)

FUNCTIONS: dict[str, Callable[[str], object]] = {
    "hyperedge": lambda said: nodes.hyperedge(said, "Ann", "s", date(2026, 3, 2)),
    "terms": text.terms,
    "asks": text.asks,
    "count_tokens": text.count_tokens,
    "take_apart": lambda said: take_apart(said, {"ann": "Ann"}),
    "best_sentence": lambda said: passages.best_sentence("a b", said),
    "pieces": lambda said: passages.pieces(said, 100),
    "one_line": passages.one_line,
    "span": lambda said: passages.span(f"{said[: passages.QUOTED // 2]} ~", said),
    "normalised": echo.normalised,
    "flags": instructions.flags,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_long_text_is_read_in_time(name: str) -> None:
    for unit in UNITS:
        said = f"a{unit * (SIZE // len(unit))}b"
        begun = time.process_time()
        FUNCTIONS[name](said)
        assert time.process_time() - begun < SECONDS, unit
