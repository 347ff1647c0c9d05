"""Words, stems, tokens, named things, key phrases, points in time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc_store.errors import InvalidTimestamp
from memsvc_store.values.clock import from_instant, parse_timestamp, to_instant
from memsvc_store.values.memories import Node
from memsvc_store.values.nodes import hyperedge, key_phrases, named_things
from memsvc_store.values.text import asks, count_tokens, terms, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ann's dog doesn’t bark.", ["ann", "dog", "doesn", "bark"]),
        ("Straße 12b, e-mail_me!", ["strasse", "12b", "e", "mail", "me"]),
        ("我住在北京 since 2020", ["我", "住", "在", "北", "京", "since", "2020"]),
        ("", []),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_terms_are_stems_without_stop_words_but_with_repeats() -> None:
    assert terms("She was running, the runners run and run") == ["run", "runner", "run", "run"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("How was it?", (True, True)),
        ("How was it? [shares a photo: a cat]", (True, True)),
        ("Was it? It was.", (True, False)),
        ("It was. [why?]", (True, False)),
        ("[?]", (True, False)),
        ("你好吗？", (True, True)),
    ],
)
def test_asks(text: str, found: tuple[bool, bool]) -> None:
    assert asks(text) == found


@given(st.text(alphabet="a? \n[]？\x1c\u2003", max_size=12))
def test_what_stands_in_brackets_at_the_end_is_passed_over_once(text: str) -> None:
    said = re.sub(r"\s*\[[^\[\]]*\]\s*$", "", text).rstrip()
    assert asks(text)[1] == said.endswith(("?", "？"))


@given(st.text())
def test_text_functions_take_anything(text: str) -> None:
    terms(text)
    hyperedge(text, text, text, date(2026, 3, 2))
    assert (count_tokens(text) == 0) == (not text.strip() or not count_tokens(text))


def test_tokens_are_words_and_marks() -> None:
    assert count_tokens("I moved to Oslo, last week!") == 8
    assert count_tokens("  \n ") == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I moved to Oslo with Maria Garcia.", ["oslo", "maria garcia"]),
        ("New York City was fun. Hey Caroline!", ["new york city", "caroline"]),
        ("Thanks! That's great, I'm glad.", []),
        ("we saw Bob's car near the Eiffel Tower's gate", ["bob", "eiffel tower"]),
    ],
)
def test_named_things(text: str, found: list[str]) -> None:
    assert named_things(text) == found


def test_key_phrases_are_stemmed_neighbours() -> None:
    assert key_phrases("She signed up for pottery classes; classes start soon.") == [
        "potteri class",
        "class start",
        "start soon",
    ]


def test_a_hyperedge_joins_who_what_where_and_when() -> None:
    nodes = hyperedge("Back from Oslo", "Ann", "s1", date(2026, 3, 2))
    assert nodes[:3] == (Node("speaker", "ann"), Node("session", "s1"), Node("day", "2026-03-02"))
    assert Node("thing", "oslo") in nodes


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_instants_keep_the_moment_and_the_wall_clock(wall: datetime, minutes: int) -> None:
    moment = wall.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    again = from_instant(*to_instant(moment))
    assert again == moment
    assert again.replace(tzinfo=None) == moment.replace(tzinfo=None)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-03-02T09:00:00Z", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02", datetime(2026, 3, 2, tzinfo=UTC)),
        (" 2026-03-02 09:00 ", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02T09:00:00+05:30", datetime(2026, 3, 2, 9, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
        (datetime(2026, 3, 2, 9), datetime(2026, 3, 2, 9, tzinfo=UTC)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1772442000.5, datetime(2026, 3, 2, 9, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_timestamps(value: object, moment: datetime) -> None:
    parsed = parse_timestamp(value)
    assert parsed == moment
    assert parsed.utcoffset() == moment.utcoffset()


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "2026-13-01",
        "8 May 2023",
        1e20,
        float("nan"),
        True,
        None,
        b"2026",
        [],
        "0001-01-01T00:00+14:00",
    ],
)
def test_bad_timestamps_are_never_guessed(value: object) -> None:
    with pytest.raises(InvalidTimestamp, match="not a point in time"):
        parse_timestamp(value)
