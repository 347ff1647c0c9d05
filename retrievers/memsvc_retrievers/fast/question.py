"""What a question says about where its answer lies: whom it names, which words, which days.

Names of speakers are taken out of the text that is embedded: a sentence encoder gives a name so
much weight that every utterance with it looks alike (docs/log.md has the measurement). Days are
read from English month names and ISO dates.

A name counts in any case and in any script. Where a script has no spaces, a name is found inside of what is written
together ("王小明喜欢什么？"), the longest one first; beside such letters a name of another script stands for itself
("Tom在哪里？").
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from memsvc_store.values.nodes import mentions
from memsvc_store.values.scripts import composed, folded
from memsvc_store.values.text import run_pattern, terms, unspaced

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from memsvc_store.values.memories import Node

MOST_DAYS = 20
"""Different days of a question that are looked for, the first ones: each is held against every day of a namespace."""

_YEAR_DIGITS = 4
"""Digits of the longest number in a day. Python refuses to read one of more than 4,300."""

_POSSESSIVE = r"(?:['’]s\b)?"
_ORDINAL = re.compile(r"(\d)(?:st|nd|rd|th)\b")
_PIECE = re.compile(r"\d{4}-\d{2}-\d{2}|[a-z]+|\d+")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_MONTH_NAMES = "january february march april may june july august september october november december".split()
_MONTHS = {name[:3]: number for number, name in enumerate(_MONTH_NAMES, 1)} | {
    name: number for number, name in enumerate(_MONTH_NAMES, 1)
} | {"sept": 9}  # fmt: skip
_VERBS = frozenset({"may", "mar", "march"})  # months only beside a number or one of these
_BEFORE_MONTHS = frozenset("in of on during since last by until early late mid".split())


class Day(NamedTuple):
    """A day or a month that a question names; None where it leaves the part open."""

    year: int | None
    month: int
    day: int | None

    def fits(self, when: date) -> float:
        """1 on the day and the day after it (when it is told), 0.5 elsewhere in the month, else 0."""
        if when.month != self.month or (self.year is not None and when.year != self.year):
            return 0.0
        return 1.0 if self.day is not None and 0 <= when.day - self.day <= 1 else 0.5


@dataclass(frozen=True, slots=True)
class Question:
    """A question, taken apart.

    `text` is what is embedded; `terms` are stems, each once; `nodes` the named things and key phrases.
    """

    text: str
    speakers: frozenset[str]
    terms: tuple[str, ...]
    days: tuple[Day, ...]
    nodes: tuple[Node, ...] = ()


def take_apart(question: str, names: Mapping[str, str]) -> Question:
    """Read a question; `names` maps the folded words that name speakers to the speakers."""
    question = composed(question)
    named, rest = _without_names(question, names)
    text = " ".join(rest.split())
    words = terms(text) or terms(question)
    return Question(
        text or question, named, tuple(dict.fromkeys(words)), tuple(days_in(question)), tuple(mentions(text))
    )


def _without_names(question: str, names: Mapping[str, str]) -> tuple[frozenset[str], str]:
    """The speakers that a question names, and what is left of it."""
    named: set[str] = set()

    def taken(match: re.Match[str]) -> str:
        speaker = names.get(folded(match[1]))
        if speaker is not None:
            named.add(speaker)
            return " "
        return _without_parts(match[1], names, named) + match[0][len(match[1]) :] if unspaced(match[1]) else match[0]

    def taken_whole(match: re.Match[str]) -> str:  # "user_42", of which no part is a name
        return taken(match) if folded(match[1]) in names else one.sub(taken, match[0])

    run = run_pattern(question)
    one = re.compile(f"({run}){_POSSESSIVE}")
    rest = re.sub(f"((?:{run})(?:[-_.@](?:{run}))*){_POSSESSIVE}", taken_whole, question)
    return frozenset(named), rest


def _without_parts(run: str, names: Mapping[str, str], named: set[str]) -> str:
    """A run of a script without spaces, without the names inside of it; a mark belongs to the letter before it."""
    seen, rest, place = folded(run), "", 0
    sizes = sorted({len(name) for name in names if unspaced(name)}, reverse=True)
    while place < len(seen):
        for end in (place + size for size in sizes if place + size <= len(seen)):
            marked = end < len(seen) and unicodedata.category(seen[end])[0] == "M"
            if not marked and (speaker := names.get(seen[place:end])) is not None:
                named.add(speaker)
                rest, place = f"{rest} ", end
                break
        else:
            rest, place = rest + seen[place], place + 1
    return rest


def days_in(question: str) -> list[Day]:
    """The days and months that a question names, in order: "5 May 2023", "May 5th", "in May", "2023-05-05".

    Each comes once; the first `MOST_DAYS` of them.
    """
    pieces = _PIECE.findall(_ORDINAL.sub(r"\1", folded(question)))
    found = []
    for place, piece in enumerate(pieces):
        iso = _ISO.fullmatch(piece)
        if iso is not None and 1 <= int(iso[2]) <= 12:
            found.append(Day(int(iso[1]), int(iso[2]), int(iso[3])))
        elif piece in _MONTHS:
            day = _around(pieces, place)
            verb = day.day is None and day.year is None and (not place or pieces[place - 1] not in _BEFORE_MONTHS)
            if not (piece in _VERBS and verb):
                found.append(day)
    return list(dict.fromkeys(found))[:MOST_DAYS]


def _around(pieces: list[str], place: int) -> Day:
    """The day whose month stands at `place`, with the numbers beside it."""
    before = place - 2 if place and pieces[place - 1] == "of" else place - 1
    after = place + 1
    day = _number(pieces, before, 1, 31)
    if day is None:
        day = _number(pieces, after, 1, 31)
        after += day is not None
    return Day(_number(pieces, after, 1900, 2100), _MONTHS[pieces[place]], day)


def _number(pieces: list[str], place: int, low: int, high: int) -> int | None:
    if not 0 <= place < len(pieces) or not pieces[place].isdigit() or len(pieces[place]) > _YEAR_DIGITS:
        return None
    number = int(pieces[place])
    return number if low <= number <= high else None
