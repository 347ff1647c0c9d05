"""Relative dates, read by the day on which they were said: a Monday."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc_retrievers.relative_dates import relative_dates

SAID = date(2026, 3, 9)


@pytest.mark.parametrize(
    ("phrase", "meant"),
    [
        ("today", "9 March 2026"),
        ("Yesterday", "8 March 2026"),
        ("last night", "8 March 2026"),
        ("the day before yesterday", "7 March 2026"),
        ("tomorrow morning", "10 March 2026"),
        ("the day after tomorrow", "11 March 2026"),
        ("two days ago", "7 March 2026"),
        ("a couple of days ago", "about 7 March 2026"),
        ("three weeks ago", "about 16 February 2026"),
        ("4 months ago", "November 2025"),
        ("a year ago", "2025"),
        ("two days from now", "11 March 2026"),
        ("last week", "the week before 9 March 2026"),
        ("this week", "the week of 9 March 2026"),
        ("next weekend", "the weekend after 9 March 2026"),
        ("last month", "February 2026"),
        ("next year", "2027"),
        ("last Friday", "6 March 2026"),
        ("last Monday", "2 March 2026"),
        ("this Friday", "13 March 2026"),
        ("next Friday", "the Friday after 9 March 2026"),
        ("last March", "March 2025"),
        ("last January", "January 2026"),
        ("next March", "March 2027"),
        ("next July", "July 2026"),
    ],
)
def test_what_a_phrase_means(phrase: str, meant: str) -> None:
    assert relative_dates(f"So it was {phrase}, I think.", SAID) == {phrase: meant}


@pytest.mark.parametrize("text", ["I read it in two days.", "The last weekly news.", "May I?", "I sat. Next!", ""])
def test_what_is_no_date_or_has_two_readings_is_left(text: str) -> None:
    assert relative_dates(text, SAID) == {}


def test_each_comes_once_in_the_order_of_the_text() -> None:
    found = relative_dates("Yesterday I slept, last week I did not, yesterday I woke.", SAID)
    assert found == {
        "Yesterday": "8 March 2026",
        "last week": "the week before 9 March 2026",
        "yesterday": "8 March 2026",
    }


@given(st.dates(), st.sampled_from(["last", "next", "this"]), st.sampled_from(["week", "month", "year", "May"]))
def test_any_day_can_be_counted_from(said: date, which: str, unit: str) -> None:
    text = f"{which} {unit}, 999 weeks ago, 999 years ago, 999 years from now, 999 months ago, tomorrow, yesterday"
    assert relative_dates(text, said)
