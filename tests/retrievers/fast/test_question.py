"""Questions taken apart: names, words, days."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsvc_retrievers.fast.question import MOST_DAYS, Day, days_in, take_apart
from tests.retrievers.shards import day

NAMES = {"ann": "Ann", "bob": "Bob", "kate": "Ann"}
OTHERS = {name.casefold(): name for name in "Tom U01ABC Zoë Иван हिन्दी 田中 王小明 小明 user_42 ดา".split()}


@pytest.mark.parametrize(
    ("question", "text", "speakers"),
    [
        ("Where does Ann live?", "Where does live?", {"Ann"}),
        ("What is Kate's dog called?", "What is dog called?", {"Ann"}),
        ("Did ANN meet Bob?", "Did meet ?", {"Ann", "Bob"}),
        ("Where is Anna?", "Where is Anna?", set()),
        ("Ann", "Ann", {"Ann"}),
    ],
)
def test_speakers_are_named_and_taken_out(question: str, text: str, speakers: set[str]) -> None:
    taken = take_apart(question, NAMES)
    assert (taken.text, taken.speakers) == (text, speakers)


@pytest.mark.parametrize(
    ("question", "text", "speaker"),
    [
        ("Tom在哪里上班？", "在哪里上班？", "Tom"),
        ("ｔｏｍ在哪里？", "在哪里？", "Tom"),
        ("王小明喜欢什么？", "喜欢什么？", "王小明"),
        ("那小明呢？", "那 呢？", "小明"),
        ("田中さんはどこ？", "さんはどこ？", "田中"),
        ("What did U01ABC's team say to u01abc?", "What did team say to ?", "U01ABC"),
        ("Where is user_42 now?", "Where is now?", "user_42"),
        ("Где ИВАН?", "Где ?", "Иван"),
        ("Where is Zoe\u0308’s cat?", "Where is cat?", "Zoë"),
        ("हिन्दी क्या है?", "क्या है?", "हिन्दी"),
        ("ดาอยู่ไหน", "อยู่ไหน", "ดา"),
        ("How many columns does the user table have?", "How many columns does the user table have?", None),
        ("Is tom_tom or atom there?", "Is _ or atom there?", "Tom"),
        ("ดาํไหม", "ดาํไหม", None),
    ],
)
def test_a_name_counts_in_any_script(question: str, text: str, speaker: str | None) -> None:
    taken = take_apart(question, OTHERS)
    assert (taken.text, taken.speakers) == (text, {speaker} - {None})


@settings(deadline=None)
@given(st.text(st.sampled_from("TZomeë\u0308 小明王在?ดาํ_4u"), max_size=12))
def test_a_question_is_the_same_in_either_form_of_unicode(text: str) -> None:
    assert take_apart(unicodedata.normalize("NFC", text), OTHERS) == take_apart(
        unicodedata.normalize("NFD", text), OTHERS
    )


def test_terms_are_stems_each_once_and_never_none() -> None:
    assert take_apart("Which dogs did the dog like?", {}).terms == ("dog", "like")
    assert take_apart("Ann", NAMES).terms == ("ann",)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("on 5 May 2023?", [(2023, 5, 5)]),
        ("on May 5th, 2023?", [(2023, 5, 5)]),
        ("on the 5th of May", [(None, 5, 5)]),
        ("in August", [(None, 8, None)]),
        ("in Sept 2022", [(2022, 9, None)]),
        ("on 2023-05-05", [(2023, 5, 5)]),
        ("between 3 June and 7 July", [(None, 6, 3), (None, 7, 7)]),
        ("May I march to the mar?", []),
        ("last May", [(None, 5, None)]),
        ("on 2023-15-05", []),
        ("in 2023", []),
        ("45 May", []),
        ("in June " + "1" * 5_000, [(None, 6, None)]),
        ("May 0005", [(None, 5, 5)]),
        ("in June, in July, in June", [(None, 6, None), (None, 7, None)]),
    ],
)
def test_days(question: str, found: list[tuple[int | None, int, int | None]]) -> None:
    assert days_in(question) == [Day(*each) for each in found]


def test_a_list_of_days_ends_somewhere() -> None:
    days = days_in(" ".join(f"June {number} " for number in range(1, 31)))
    assert [day.day for day in days] == list(range(1, MOST_DAYS + 1))


@given(st.text())
def test_any_text_is_a_question(text: str) -> None:
    taken = take_apart(text, NAMES)
    assert set(taken.speakers) <= {"Ann", "Bob"}


def test_how_a_day_fits() -> None:
    asked = Day(None, 5, 8)
    assert [asked.fits(day(f"2023-05-{number:02}")) for number in (7, 8, 9, 10)] == [0.5, 1, 1, 0.5]
    assert asked.fits(day("2023-06-08")) == 0
    assert Day(2022, 5, 8).fits(day("2023-05-08")) == 0
    assert Day(2023, 5, None).fits(day("2023-05-08")) == 0.5
