"""The answer without a model: what was said, whole, with who said it and when. Nothing is concluded from it.

Most relevant first. A question is no answer, whatever it shares with the one that is asked. Where one speaker says the
same again, or later says something else of it, the latest comes first, and what was said again comes once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from memsvc.asking.answer import NOTHING_FOUND, Answer
from memsvc.lookup.repeats import groups
from memsvc_retrievers.passages import around, one_line, quoted, sentences, until
from memsvc_retrievers.relative_dates import day_in_words
from memsvc_store.values.text import asks, terms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memsvc_retrievers.passages import Evidence
    from memsvc_store.values.hits import Hit

MOST = 3
"""Messages that make an answer."""

LEAST = 0.1
"""Share of the relevance that the best has, of those that say something, which another needs. In the bundled
conversations 8 of 97 below it are evidence, of the first five hits of each question, and 54 of 188 above it."""

LONGEST = 600
"""Characters of a message that is given whole; of a longer one what stands around the match."""

_SAME = 0.5
"""Share of the shorter one's words from which two utterances of one speaker are about the same thing."""

_CLOSE = 0.75
"""Share of the older one's score from which one that says "now" or "no longer" is about the same thing."""

_POLITE = frozenset(
    terms("hey hi hello thanks thank great good nice wow yes yeah no okay ok cool see glad hear sure congratulations")
)
_FAILS = re.compile(
    r"\bi(?:'m| am) not sure (?:wh|how|if|that)|\bi (?:do not|don't|did not|didn't|can't|cannot|could not|couldn't) "
    r"(?:know|recall|remember|tell you) (?:wh|how|if|that|your|any|the answer)|"
    r"\b(?:can't|cannot|can not|could not|couldn't|did not|didn't|unable to) find\b|"
    r"\b(?:have no|(?:do not|don't) have(?: any| enough)?) (?:information|record|memory|details|mention)|"
    r"\bno (?:information|record|mention|memory) (?:of|about|on|was)\b",
    re.IGNORECASE,
)
"""What says that something is not known: no answer, however much of the question it repeats."""

_LATER = re.compile(
    r"\b(?:actually|any ?more|no longer|changed|correction|i was wrong|i meant|instead|now|these days|since then|moved|"
    r"switched|sold|quit|left|stopped|new)\b",
    re.IGNORECASE,
)
"""What takes back or overtakes something that was said."""


def extract(question: str, hits: Sequence[Hit]) -> Answer:
    """The best hits that say something, as they were said; an abstention where none does."""
    names = {term for hit in hits for term in terms(hit.memory.speaker)}
    asked = set(terms(question))
    saying = [hit for hit in hits if _says(hit.text, asked, names)]
    least = LEAST * max((hit.relevance for hit in saying), default=0.0)
    bearing = [hit for hit in saying if hit.relevance >= least]
    alike = groups((hit.memory.speaker, hit.text) for hit in bearing)
    latest = [max((bearing[place] for place in places), key=_when) for places in alike]
    given = _newest_first(latest[:MOST])
    if not given:
        return Answer(NOTHING_FOUND, "abstained", (), 0.0)
    found = tuple(quoted(hit.memory, around(question, hit.text, LONGEST)) for hit in given)
    return Answer("\n".join(map(_told, found)), "extractive", found, 0.0)


def _told(one: Evidence) -> str:
    """A quote on one line, with its speaker and day, until when it held, and what its relative dates mean."""
    said = [one.speaker, day_in_words(one.said_at), *([f"until {until(one.valid_to)}"] if one.valid_to else [])]
    meant = [f"“{phrase}” is {day}" for phrase, day in one.dates.items()]
    return f"“{one_line(one.quote)}” ({'; '.join([', '.join(said), *meant])})"


def _says(text: str, asked: set[str], names: set[str]) -> bool:
    """Whether a text tells anything: not a question, a failure to answer, or one word of what is asked."""
    told = {
        term
        for one in sentences(text)
        if not asks(one)[1] and not _FAILS.search(one.replace("’", "'"))
        for term in terms(one)
    }
    new = {term for term in told - asked - _POLITE - names if any(map(str.isalnum, term))}
    return bool(new) or (not asks(text)[0] and len(told & asked) > 1)


def _newest_first(hits: Sequence[Hit]) -> list[Hit]:
    """In their order, but for what overtakes something older before it."""
    found: list[Hit] = []
    for one in hits:
        found.insert(next((n for n, other in enumerate(found) if _overtakes(one, other)), len(found)), one)
    return found


def _overtakes(one: Hit, other: Hit) -> bool:
    """Whether a hit says again, or otherwise, what another of its speaker said before it."""
    if one.memory.speaker != other.memory.speaker or _when(one) <= _when(other):
        return False
    mine, others = set(terms(one.text)), set(terms(other.text))
    if mine & others and len(mine & others) >= _SAME * min(len(mine), len(others)):
        return True
    return _LATER.search(one.text) is not None and one.score > _CLOSE * other.score


def _when(hit: Hit) -> datetime:
    return hit.memory.valid_from
