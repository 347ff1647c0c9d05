"""An answer without a model: the best evidence, quoted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from memsvc_store.text import terms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memsvc_store.shapes import Hit

_SENTENCE = re.compile(r"[^.!?\n。！？]+[.!?。！？]*")
_QUOTES = 3
"""Memories that are quoted; the first one is the answer's text."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A quote that occurs, word for word, in the memory `id`."""

    id: str
    quote: str
    speaker: str
    said_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What `ask` found. `extractive`: quoted, not reasoned. `abstained`: nothing was found."""

    text: str
    process: Literal["extractive", "abstained"]
    evidence: tuple[Evidence, ...]
    seconds: float


def extract(question: str, hits: Sequence[Hit], seconds: float) -> Answer:
    """Quote the sentence of each of the best hits that shares most with the question."""
    evidence = tuple(
        Evidence(hit.id, best_sentence(question, hit.text), hit.memory.speaker, hit.memory.valid_from)
        for hit in hits[:_QUOTES]
    )
    if not evidence:
        return Answer("No memory matches the question.", "abstained", (), seconds)
    first = evidence[0]
    text = f"“{first.quote}” ({first.speaker}, {first.said_at.day} {first.said_at:%B %Y})"
    return Answer(text, "extractive", evidence, seconds)


def best_sentence(question: str, text: str) -> str:
    """The sentence with the most of the question's words, the earliest among equals; at least the first."""
    wanted = set(terms(question))
    sentences = [match.group().strip() for match in _SENTENCE.finditer(text) if match.group().strip()]
    return max(sentences, key=lambda sentence: len(wanted & set(terms(sentence))), default=text.strip())
