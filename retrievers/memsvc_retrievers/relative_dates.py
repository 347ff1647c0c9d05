"""Relative dates of English ("last week", "two days ago"), read by the day on which they were said.

What names a day gives the day. What names a longer time gives no more than it says: "last week" is the week before the
day, "three weeks ago" is about a day. What has two readings is left as it is: "in two days" is a date in "I fly in two
days" and a duration in "I read it in two days".

A table of rules and no library: dateparser 1.5 takes "may" and "sat" for dates in running text, and gives one moment
where a week or a month was named.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Rule = Callable[[re.Match[str], date], str | None]

MONTHS = "January February March April May June July August September October November December".split()
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()

_NUMBERS = {
    name: number
    for number, names in enumerate(
        ("a an one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1
    )
    for name in names.split()
} | {"a couple of": 2, "a couple": 2}
_NUMBER = rf"(?P<number>a couple(?: of)?|\d{{1,3}}|{'|'.join(_NUMBERS)})"
_WHICH = {"last": -1, "this": 0, "next": 1, "previous": -1, "past": -1, "coming": 1, "following": 1}
_BEFORE_OR_AFTER = {-1: "before", 0: "of", 1: "after"}


def relative_dates(text: str, said: date) -> dict[str, str]:
    """The relative dates of a text as it has them, each with the time that it names, in the order of the text.

    Args:
        said: the day on which it was said, on its author's clock.
    """
    found: dict[str, str] = {}
    for match in _pattern().finditer(text):
        meant = _RULES[str(match.lastgroup)][1](match, said)
        if meant is not None:
            found.setdefault(match.group(), meant)
    return found


def day_in_words(day: date) -> str:
    """A day, such as 9 March 2026; `strftime` would name the month in the machine's language."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _shift(days: int) -> Rule:
    return lambda _, said: _moved(said, days)


def _moved(said: date, days: int) -> str | None:
    try:
        return day_in_words(said + timedelta(days))
    except OverflowError:
        return None


def _month(said: date, months: int) -> str | None:
    year, month = divmod(said.year * 12 + said.month - 1 + months, 12)
    return f"{MONTHS[month]} {year}" if 1 <= year <= date.max.year else None


def _ago(match: re.Match[str], said: date) -> str | None:
    """So many days, weeks, months or years before, or "from now" after."""
    number, unit, when = (match[name].lower() for name in ("number", "unit", "when"))
    count = (_NUMBERS.get(number) or int(number)) * (1 if when == "from now" else -1)
    if unit in ("day", "week"):
        day = _moved(said, count if unit == "day" else 7 * count)
        return day and (day if unit == "day" and "couple" not in number else f"about {day}")
    if unit == "month":
        return _month(said, count)
    return str(said.year + count) if 1 <= said.year + count <= date.max.year else None


def _span(match: re.Match[str], said: date) -> str | None:
    """Last, this or next week, weekend, month or year."""
    step, unit = _WHICH[match["which"].lower()], match["span"].lower()
    if unit == "month":
        return _month(said, step)
    if unit == "year":
        return str(max(1, said.year + step))
    return f"the {unit} {_BEFORE_OR_AFTER[step]} {day_in_words(said)}"


def _weekday(match: re.Match[str], said: date) -> str | None:
    """Last Friday is the one before. Next Friday is to some the first that comes and to others that of next week."""
    step, wanted = _WHICH[match["that"].lower()], WEEKDAYS.index(match["weekday"].capitalize())
    if step > 0:
        return f"the {WEEKDAYS[wanted]} after {day_in_words(said)}"
    ahead = (wanted - said.weekday()) % 7
    return _moved(said, ahead if step == 0 else ahead - 7)


def _named_month(match: re.Match[str], said: date) -> str | None:
    """Last March is the one before this month, next March the one after; this March is this year's."""
    step, wanted = _WHICH[match["side"].lower()], MONTHS.index(match["month"].capitalize()) + 1
    year = said.year + (step if step * (wanted - said.month) <= 0 else 0)
    return f"{MONTHS[wanted - 1]} {year}"


_RULES: dict[str, tuple[str, Rule]] = {
    "two_before": (r"the day before yesterday", _shift(-2)),
    "two_after": (r"the day after tomorrow", _shift(2)),
    "before": (r"yesterday(?: morning| afternoon| evening)?|last night", _shift(-1)),
    "after": (r"tomorrow(?: morning| afternoon| evening| night)?", _shift(1)),
    "same": (r"today|tonight|this morning|this afternoon|this evening", _shift(0)),
    "ago": (rf"{_NUMBER} (?P<unit>day|week|month|year)s? (?P<when>ago|from now)", _ago),
    "period": (r"(?P<which>last|this|next|previous|past) (?P<span>weekend|week|month|year)", _span),
    "on": (rf"(?P<that>last|this|next|past|coming) (?P<weekday>{'|'.join(WEEKDAYS)})", _weekday),
    "in": (rf"(?P<side>last|this|next) (?P<month>{'|'.join(MONTHS)})", _named_month),
}
"""Name -> (pattern, what it means); the first that matches counts."""


@cache
def _pattern() -> re.Pattern[str]:
    """All rules as one, when it is first needed. A name of a group outside of a rule says which it was."""
    return re.compile("|".join(rf"(?P<{name}>\b(?:{rule})\b)" for name, (rule, _) in _RULES.items()), re.IGNORECASE)
