"""Text in any script: one form for all spellings, and words that are whole."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsvc_store.values.nodes import ROLES, called, hyperedge
from memsvc_store.values.scripts import composed, folded, patterns
from memsvc_store.values.text import asks, runs, terms, words

HARD = (
    "aA eZ\u0301\u0308\u0345\u0344ßİıſΣς;\u037e'’stm 北京ไทยก็\u0e31हि\u094d"
    "ｶﾞﾀが\u200d\ufe0f\u20e3👍🏽❤🇩🇪1¼²™ﬁ…¨´ᾳΩÅ각\u1100\u1161\u11a8"
)
TEXTS = st.one_of(st.text(st.sampled_from(HARD), max_size=16), st.text(max_size=12))

FUNCTIONS = (
    words,
    runs,
    terms,
    folded,
    composed,
    asks,
    called,
    lambda text: hyperedge(text, text, "s", date(2026, 3, 2)),
)


def forms(text: str) -> tuple[str, str]:
    return unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)


@settings(deadline=None)
@given(TEXTS)
def test_composed_and_decomposed_letters_are_the_same(text: str) -> None:
    one, other = forms(text)
    for function in FUNCTIONS:
        assert function(text) == function(one) == function(other)  # type: ignore[operator]


@settings(deadline=None)
@given(TEXTS)
def test_what_was_read_once_reads_the_same_again(text: str) -> None:
    found = words(text)
    assert words(" ".join(found)) == found == [word for run in runs(text) for word in words(run)]
    assert folded(folded(text)) == folded(text)


@given(st.text(st.characters(codec=None), max_size=12))
def test_any_string_is_read_half_characters_too(text: str) -> None:
    for function in FUNCTIONS:
        function(text)  # type: ignore[operator]


@pytest.mark.parametrize("marks", [10, 24, 28, 29, 30, 31, 60, 999, 2_000])
@pytest.mark.parametrize("letter", ["e", "é", "ǖ", "각"])
def test_a_stack_of_marks_is_ornament_however_it_is_composed(letter: str, marks: int) -> None:
    stacked = "x" + letter + "\u0301\u0316" * (marks // 2) + "\u0301" * (marks % 2) + "y"
    one, other = forms(stacked)
    assert words(stacked) == words(one) == words(other)
    own = sum(map(bool, map(unicodedata.combining, unicodedata.normalize("NFD", letter))))
    kept = sum(map(bool, map(unicodedata.combining, unicodedata.normalize("NFD", words(stacked)[0]))))
    assert kept == (own + marks if own + marks <= 30 else 0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("हिन्दी में, தமிழ்", ["हिन्दी", "में", "தமிழ்"]),
        ("עִבְרִית مَرْحَبًا", ["עִבְרִית", "مَرْحَبًا"]),
        ("Ｔｏｍ　１２ ｶﾞｷﾞ ﬁn", ["tom", "12", "ガ", "ギ", "fin"]),
        ("ไทยดี", ["ไ", "ท", "ย", "ดี"]),
        ("안녕 하세요", ["안녕", "하세요"]),
        ("Так, ЙОД", ["так", "йод"]),
        ("ok 👍🏽👍 ❤️ 🇩🇪 👨‍👩‍👧", ["ok", "👍", "👍", "❤", "🇩🇪", "👨", "👩", "👧"]),
        ("می\u200cخواهم co\u00adop Apple™", ["میخواهم", "coop", "apple"]),
        ("tom在哪里", ["tom", "在", "哪", "里"]),
        ("İstanbul’s", ["i\u0307stanbul"]),
    ],
)
def test_words_of_other_scripts(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_pairs_of_characters_are_terms_beside_the_characters() -> None:
    assert terms("我喜欢 café") == ["我", "喜", "欢", "café", "我喜", "喜欢"]
    assert terms("北, 京") == ["北", "京"]
    assert terms("ดีๆ")[-1] == "ดีๆ"


def test_latin_letters_and_punctuation_need_no_tables() -> None:
    """The quick way and the thorough one read them alike."""
    letters = [chr(code) for code in range(0xA0, 0x17F)] + [chr(code) for code in range(0x2010, 0x2028)]
    for letter in letters:
        text = f"a{letter}b {letter} 'tis{letter}s"
        assert words(text) == words(f"{text} 北")[:-1] == patterns().word.findall(" ".join(words(text)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Πού είναι;", (True, True)),
        ("Που; Εκεί.", (True, False)),
        ("x = 1;", (False, False)),
        ("é;", (False, False)),
        ("أين؟", (True, True)),
        ("Ո՞վ", (True, False)),
    ],
)
def test_question_marks_by_script(text: str, found: tuple[bool, bool]) -> None:
    assert asks(text) == found


@pytest.mark.parametrize(
    ("speaker", "found"),
    [
        ("Ann-Marie O'Neil", ["ann", "marie", "neil"]),
        ("U01ABC", ["u01abc"]),
        ("user_42", ["user_42"]),
        ("王小明", ["王小明"]),
        ("ジョン・スミス", ["ジョン", "スミス"]),
        ("ｔｏｍ", ["tom"]),
        ("42", []),
        *((role, []) for role in sorted(ROLES)),
    ],
)
def test_what_a_speaker_is_called(speaker: str, found: list[str]) -> None:
    assert called(speaker) == found
