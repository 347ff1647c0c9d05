"""Reads an instruction as tokens: what it says of the table's columns, of values, and in which words.

A token is a word, or something that a statement could hold in the same place: `columns` (one or more, as in "the name,
city and age"), `text`, `number`, `aggregate`, `comparison`, `direction`. Longer names win over shorter ones, and whole
names over parts of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from memsvc_evals.learning.llb.database import Table

Kind = Literal["word", "columns", "text", "number", "aggregate", "comparison", "direction"]


class Token(NamedTuple):
    """A word of an instruction, or what it stands for. The value of `columns` is a tuple of names."""

    kind: Kind
    value: str | tuple[str, ...]


# The words in which instructions speak of what a statement says. Made from the instructions' English, not from their
# answers; what is not in it stays a word.
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
NUMBERS = {word: number for number, word in enumerate("two three four five six seven eight nine ten".split(), 2)}
ORDINALS = {
    word: number for number, word in enumerate("second third fourth fifth sixth seventh eighth ninth tenth".split(), 2)
}
VAGUE = frozenset("id by is of number per total count last current average max min".split())
"""Parts of a column's name that alone say nothing."""

_AGGREGATES = {
    "AVG": "average, mean",
    "SUM": "total, sum",
    "COUNT": "number of, total number of, count",
    "MAX": "maximum, highest, longest, latest, most recent, largest, most expensive",
    "MIN": "minimum, lowest, shortest, earliest, smallest, least expensive",
}
_COMPARISONS = {
    ">=": "greater than or equal to, at least, on or after",
    "<=": "less than or equal to, at most, on or before",
    ">": "greater than, more than, higher than, longer than, larger than, exceed, exceeding, above, after, over",
    "<": "less than, lower than, shorter than, fewer than, below, before, under",
}
_DIRECTIONS = {
    "ASC": "ascending, alphabetical, alphabetically, lowest to highest, smallest to largest, oldest to newest, "
    "earliest to latest, lowest first, oldest first, earliest first",
    "DESC": "descending, highest to lowest, largest to smallest, newest to oldest, latest to earliest, highest first, "
    "newest first, latest first, most recent to earliest, most recent first",
}


def stem(word: str) -> str:
    """The word in lower case without the ending of a plural."""
    word = word.lower()
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "shes", "ches", "xes", "uses")):
        return word[:-2]
    return word[:-1] if len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _phrases() -> dict[tuple[str, ...], tuple[Kind, str]]:
    kinds: tuple[tuple[Kind, dict[str, str]], ...] = (
        ("aggregate", _AGGREGATES),
        ("comparison", _COMPARISONS),
        ("direction", _DIRECTIONS),
    )
    phrases = {
        tuple(stem(word) for word in phrase.split()): (kind, value)
        for kind, table in kinds
        for value, listed in table.items()
        for phrase in listed.split(", ")
    }
    return dict(sorted(phrases.items(), key=lambda one: -len(one[0])))


PHRASES = _phrases()
"""The stems of a phrase -> the kind and the value of its token; longer phrases first."""

_PIECE = re.compile(
    r"'(?P<quoted>[^']*)'"
    rf"|\b(?P<month>{'|'.join(MONTHS)}) (?P<day>\d{{1,2}}), (?P<year>\d{{4}})"
    r"|(?<![A-Za-z\d_])(?P<number>\d[\d,]*(?:\.\d+)?)(?:th|st|nd|rd)?\b"
    r"|(?P<word>[A-Za-z]+)|(?P<mark>[,.?:;()%])"
)
_PART = re.compile(r"[A-Za-z]+|\d+")
_BETWEEN = ({",", "and"}, {"and", "the", "their", "corresponding"})


def read(instruction: str, table: Table) -> tuple[Token, ...]:
    """The instruction as tokens, in order."""
    labels = _Labels(list(_pieces(instruction, table)))
    names = sorted(((_stems(name), name) for name in table.kinds), key=lambda one: -len(one[0]))
    found = {name for words, name in names if labels.place(words, Token("columns", (name,)))}
    for words, token in PHRASES.items():
        if len(words) > 1:
            labels.place(words, Token(*token))
    keys = [name for name in table.kinds if name.lower().endswith("id")]
    if keys:
        labels.place(("id",), Token("columns", (keys[0],)))
    _place_parts(labels, [(words, name) for words, name in names if name not in found])
    for words, token in PHRASES.items():
        labels.place(words, Token(*token))
    for value in _texts(table):
        labels.place(_stems(value), Token("text", value))
    for word, number in (*NUMBERS.items(), *ORDINALS.items()):
        labels.place((word,), Token("number", str(number)))
    return tuple(_joined(labels.tokens()))


class _Labels:
    """Pieces of an instruction, and the tokens that some of them were found to be part of."""

    def __init__(self, pieces: list[Token]) -> None:
        self._pieces = pieces
        self._labels: list[Token | None] = [None] * len(pieces)
        self._taken = [piece.kind != "word" for piece in pieces]

    def place(self, words: Sequence[str], token: Token) -> bool:
        """Put the token wherever these words stand and nothing was put yet; whether they stood anywhere."""
        if not words:
            return False
        length, placed = len(words), False
        for start in range(len(self._pieces) - length + 1):
            span = range(start, start + length)
            if any(self._taken[at] or self._pieces[at].value != words[at - start] for at in span):
                continue
            for at in span:
                self._taken[at] = True
            self._pieces[start + 1 : start + length] = [Token("word", "")] * (length - 1)
            self._labels[start] = token
            placed = True
        return placed

    def tokens(self) -> list[Token]:
        """What was put, and the words between."""
        both = zip(self._labels, self._pieces, strict=True)
        return [token for token in (label or piece for label, piece in both) if token.value != ""]


def _pieces(instruction: str, table: Table) -> Iterator[Token]:
    """Values, words and marks. A quoted name of a column is that column."""
    columns = {name.lower(): name for name in table.kinds}
    for found in _PIECE.finditer(instruction):
        if found["quoted"] is not None:
            column = columns.get(found["quoted"].lower().replace(" ", "_"))
            yield Token("text", found["quoted"]) if column is None else Token("columns", (column,))
        elif found["month"]:
            month = MONTHS.index(found["month"]) + 1
            yield Token("text", f"{found['year']}-{month:02}-{int(found['day']):02}")
        elif found["number"]:
            yield Token("number", found["number"].replace(",", ""))
        else:
            yield Token("word", stem(found["word"]) if found["word"] else found["mark"])


def _place_parts(labels: _Labels, names: Iterable[tuple[tuple[str, ...], str]]) -> None:
    """Columns that go by a part of their name: "dates" for `shift_date`, "hours" for `hours_worked`."""
    left = list(names)
    for part in (slice(1, None), slice(None, -1), slice(-1, None), slice(0, 1)):
        for words, name in list(left):
            short = words[part]
            loses_its_kind = words[-1] in ("id", "date") and short[-1:] != words[-1:]
            if not short or short == words or loses_its_kind or short[0] in VAGUE:
                continue
            if labels.place(short, Token("columns", (name,))):
                left.remove((words, name))


def _joined(tokens: Sequence[Token]) -> Iterator[Token]:
    """With columns that are listed one after the other as one token."""
    at = 0
    while at < len(tokens):
        token, at = tokens[at], at + 1
        if token.kind == "columns":
            names = [*token.value]
            while (following := _next_column(tokens, at)) is not None:
                names += tokens[following].value
                at = following + 1
            token = Token("columns", tuple(names))
        yield token


def _next_column(tokens: Sequence[Token], at: int) -> int | None:
    """Where the list goes on after a comma or an "and"; None if it ends here."""
    if at >= len(tokens) or tokens[at].kind != "word" or tokens[at].value not in _BETWEEN[0]:
        return None
    at += 1
    while at < len(tokens) and tokens[at].kind == "word" and tokens[at].value in _BETWEEN[1]:
        at += 1
    return at if at < len(tokens) and tokens[at].kind == "columns" else None


def _texts(table: Table) -> list[str]:
    """The words that stand in the table, as one looks them up: longer ones first."""
    places = [place for place, (_, kind) in enumerate(table.columns) if kind == "TEXT"]
    values = {row[place] for row in table.rows for place in places}
    texts = [value for value in values if isinstance(value, str) and re.search("[A-Za-z]{3}", value)]
    return sorted(texts, key=lambda text: (-len(_stems(text)), text))


def _stems(name: str) -> tuple[str, ...]:
    return tuple(stem(part) for part in _PART.findall(name))
