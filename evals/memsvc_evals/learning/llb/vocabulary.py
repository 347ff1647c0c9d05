"""The words in which the tasks' instructions speak of what a statement says. Made from the instructions' English, not
from their answers; what is not in it stays a word.
"""

from __future__ import annotations

from typing import Literal

Operator = Literal["aggregate", "comparison", "direction"]

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


def _phrases() -> dict[tuple[str, ...], tuple[Operator, str]]:
    kinds: tuple[tuple[Operator, dict[str, str]], ...] = (
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
