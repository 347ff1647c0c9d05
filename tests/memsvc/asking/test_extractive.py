"""The answer without a model: what was said, whole, in an order that can be defended, and never a question."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from memsvc.asking.answer import NOTHING_FOUND
from memsvc.asking.extractive import LONGEST, MOST, extract
from memsvc_store.values.hits import Hit, Parts
from memsvc_store.values.memories import Memory

MONDAY = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)


def hit(text: str, speaker: str = "Ann", days: int = 0, score: float = 1.0, relevance: float = 0.5) -> Hit:
    said = MONDAY + timedelta(days=days)
    memory = Memory(
        f"{speaker}{days}", "ann", "message", text, "s", 0, speaker, (), (), said, None, said, None, {}
    )  # fmt: skip
    return Hit(memory, 1, Parts(score, 0.0, 0.0, 0.0), 0.5, relevance)


def told(question: str, *hits: Hit) -> list[str]:
    return [one.quote for one in extract(question, hits).evidence]


def test_a_message_is_given_whole_with_its_speaker_its_day_and_what_its_dates_mean() -> None:
    answer = extract("When was Kittiwake built?", [hit("Kittiwake. Built last year,\nlarch on oak.")])
    assert answer.process == "extractive"
    assert answer.text == "“Kittiwake. Built last year, larch on oak.” (Ann, 9 March 2026; “last year” is 2025)"
    assert answer.evidence[0].dates == {"last year": "2025"}


@pytest.mark.parametrize(
    "asks",
    [
        "Sorry, I don't know where Ann lives on Kittiwake.",
        "I could not find where Ann lives.",
        "I’m not sure where Ann lives.",
        "I have no information about Ann's berth.",
        "Where do you live?",
        "Hey Ann! Nice. Where do you live?",
        "Kittiwake.",
        "Ann, where? 😊",
        "你住在哪里？",
        "Ann lives?",
    ],
)
def test_a_question_and_a_bare_word_of_the_question_are_no_answers(asks: str) -> None:
    answer = extract("Where does Ann live, on Kittiwake?", [hit(asks, "Ben")])
    assert (answer.process, answer.text, answer.evidence) == ("abstained", NOTHING_FOUND, ())


@pytest.mark.parametrize(
    "says",
    [
        "I don't have any siblings.",
        "I can't swim.",
        "In Oslo. And you?",
        "Where do I live? By the harbour.",
        "Ann lives on Kittiwake.",
    ],
)
def test_what_tells_something_beside_a_question_counts(says: str) -> None:
    assert told("Where does Ann live, on Kittiwake?", hit(says, "Ben")) == [says]


def test_the_most_relevant_come_first_and_few() -> None:
    said = ["Oslo is cold.", "Bergen rains.", "Tromsø glows.", "Bodø blows."]
    assert told("How is the weather?", *(hit(text, f"S{n}") for n, text in enumerate(said))) == said[:MOST]


def test_what_is_far_less_relevant_than_the_best_is_left_out() -> None:
    assert told("Where?", hit("In Oslo."), hit("It rains.", "Ben", relevance=0.04)) == ["In Oslo."]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("I live in Bergen.", "I moved to Oslo."),
        ("The launch is on the 3rd of May.", "The launch is on the 17th of August."),
        ("My favourite colour is green.", "Actually, blue."),
    ],
)
def test_the_latest_comes_before_what_it_overtakes(older: str, newer: str) -> None:
    assert told("Where, when, which?", hit(older), hit(newer, days=9, score=0.9)) == [newer, older]
    assert told("Where, when, which?", hit(newer, days=9, score=0.9), hit(older)) == [newer, older]
    assert told("Where, when, which?", hit(older), hit(newer, "Ben", 9, 0.9)) == [older, newer], "another speaker"


def test_what_was_said_again_comes_once_with_its_latest_day() -> None:
    answer = extract("Where does Ann live?", [hit("I live in Oslo."), hit("I live in Oslo!", days=2)])
    assert answer.text == "“I live in Oslo!” (Ann, 11 March 2026)"


def test_of_a_long_message_what_stands_around_the_match_is_given() -> None:
    text = "Nothing here. " * 100 + "Where was Kittiwake built? Kittiwake was built in 1958. " + "Nor here. " * 100
    [quote] = told("When was Kittiwake built?", hit(text))
    assert "Kittiwake was built in 1958." in quote
    assert quote in text
    assert len(quote) <= LONGEST
