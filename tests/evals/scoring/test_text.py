"""The text measures, each rule against a case worked out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc_evals import MeasurementError, load_locomo
from memsvc_evals.scoring.text import (
    GROUPS,
    abstained,
    bleu1,
    category_of,
    exact_match,
    f1,
    f1_set,
    group_name,
    normalize,
    text_scores,
    word_tokens,
)
from tests.evals.conftest import EXAMPLES

WORDS = [
    "the",
    "a",
    "and",
    "dog",
    "Dogs",
    "running",
    "ran",
    "Oslo",
    "7",
    "May",
    "2023",
    "don't",
    "café",
    "naïve",
    "x-ray",
]
texts = st.lists(st.sampled_from([*WORDS, ",", ";", ".", "!"]), max_size=8).map(" ".join) | st.text(max_size=20)
plain = st.sampled_from([2, 4, None])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The dog, and a cat!", "dog cat"),
        ("dairy-free", "dairyfree"),
        ("Don't", "dont"),
        ("1,000", "1000"),
        ("  an \t apple\n", "apple"),
        ("Band of brothers", "band of brothers"),  # "and" inside a word stays
        ("don’t", "don’t"),  # only ASCII punctuation goes
        ("", ""),
    ],
)
def test_normalize(text: str, wanted: str) -> None:
    assert normalize(text) == wanted


def test_plain_f1_by_hand() -> None:
    # {7, may, 2023} against {on, 7, may}: 2 shared, P = 2/3, R = 2/3
    assert f1("on 7 May", "7 May 2023", 2) == pytest.approx(2 / 3)
    # P = 1/4, R = 1/1: 2 · 0.25 / 1.25 = 0.4
    assert f1("she lives in Oslo", "Oslo", 4) == pytest.approx(0.4)
    # counted as often as they occur: "no no" against "no": P = 1/2, R = 1
    assert f1("no no", "no", 4) == pytest.approx(2 / 3)


def test_words_are_stemmed_as_nltk_does() -> None:
    assert f1("running dogs", "run dog", 4) == 1
    assert f1("ponies", "pony", 4) == 1  # both "poni"
    assert f1("dying", "die", 4) == 1  # nltk's own extension of Porter: the 1980 algorithm makes "dy" of it


def test_category_1_takes_the_best_part_for_each_part_of_gold() -> None:
    # gold "pottery": 1 with "pottery class"? P = 1/2, R = 1: 2/3. "camping": 1. "swimming": 0. Mean (2/3 + 1 + 0) / 3
    assert f1("pottery class, camping", "pottery, camping, swimming", 1) == pytest.approx(5 / 9)
    # more parts cost nothing, as they would in the plain rule: there 2 shared, P = 2/4, R = 1: 2/3
    assert f1("a dog, cat, cow, pig", "dog, cat", 1) == 1
    assert f1("a dog, cat, cow, pig", "dog, cat", 4) == pytest.approx(2 / 3)
    # a part without words is a part: (1 + 0) / 2
    assert f1("dog,", "dog,", 1) == 0.5


def test_category_3_ends_gold_at_its_first_semicolon() -> None:
    assert f1("yes", "Yes; since she likes it; a lot", 3) == 1
    # the prediction is not cut: "yes since she like it" against "yes": P = 1/5, R = 1: 0.4 / 1.2
    assert f1("Yes; since she likes it", "Yes; since she likes it", 3) == pytest.approx(1 / 3)
    assert f1("Yes; since she likes it", "Yes; since she likes it", 4) == 1


def test_category_5_wants_an_abstention_whatever_gold_says() -> None:
    assert f1("That is NOT MENTIONED in the conversation.", None, 5) == 1
    assert f1("No information available", "Oslo", 5) == 1
    assert f1("Oslo", "Oslo", 5) == 0
    assert f1("", None, 5) == 0


@pytest.mark.parametrize("said", ["I don't know", "no information", "mentioned", "not  mentioned", ""])
def test_other_ways_of_saying_so_are_none_of_the_papers(said: str) -> None:
    assert not abstained(said)


@pytest.mark.parametrize("category", [None, 1, 2, 3, 4])
def test_empty_texts_score_nothing(category: int | None) -> None:
    for said, gold in (("", ""), ("", "dog"), ("dog", ""), ("the", "a")):
        assert text_scores(said, gold, category) == {
            "f1": 0,
            "f1_set": 0,
            "bleu1": 0,
            "em": 0,
        }


def test_gold_and_category_are_checked() -> None:
    with pytest.raises(MeasurementError, match="category 4 came without a gold answer"):
        f1("x", None, 4)
    with pytest.raises(MeasurementError, match=r"category 7 came; wanted one of \[1, 2, 3, 4, 5\]"):
        f1("x", "y", 7)


def test_set_f1_by_hand() -> None:
    # {the, dog, ran} against {a, dog, ran, home}: P = 2/3, R = 2/4: 2 · 1/3 / (7/6) = 4/7
    assert f1_set("The dog. Dog ran!", "a dog,ran home?") == pytest.approx(4 / 7)
    assert f1_set("dogs", "dog") == 0  # no stemming
    assert f1_set("don't; stop", "don't stop") == 0.5  # {don't;, stop}: other marks stay


def test_bleu_by_hand() -> None:
    # "the the cat" against "the cat sat": "the" counts once: 2 of 3 tokens; equally long, so no penalty
    assert bleu1("the the cat", "the cat sat") == pytest.approx(2 / 3)
    # 1 of 1 token, gold has 4: exp(1 - 4/1)
    assert bleu1("cat", "the cat sat down") == pytest.approx(math.exp(-3))
    # longer than gold: 2 of 4
    assert bleu1("it was 7 May", "7 May") == pytest.approx(1 / 2)
    # the full stop is a token: 1 of 2, and equally long
    assert bleu1("Oslo.", "oslo !") == pytest.approx(1 / 2)


@given(texts, texts)
def test_bleu_is_what_papers_call(said: str, gold: str) -> None:
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    published = sentence_bleu(
        [word_tokens(gold.lower())],
        word_tokens(said.lower()),
        weights=(1, 0, 0, 0),
        smoothing_function=SmoothingFunction().method1,
    )
    assert bleu1(said, gold) == published


@given(texts, texts)
def test_bleu_is_precision_times_penalty(said: str, gold: str) -> None:

    said_tokens, gold_tokens = list(word_tokens(said.lower())), list(word_tokens(gold.lower()))
    left, same = gold_tokens.copy(), 0
    for token in said_tokens:
        if token in left:
            left.remove(token)
            same += 1
    penalty = min(1.0, math.exp(1 - len(gold_tokens) / len(said_tokens))) if same else 0.0
    assert bleu1(said, gold) == pytest.approx(penalty * same / max(1, len(said_tokens)))


def test_exact_match_forgives_case_articles_and_punctuation() -> None:
    assert exact_match("The dog, and cat.", "dog cat") == 1
    assert exact_match("dogs", "dog") == 0
    assert exact_match("cat dog", "dog cat") == 0
    assert exact_match("...", "the") == 0  # nothing is left of either


def test_scores_without_gold_are_f1_alone() -> None:
    assert text_scores("Not mentioned", None, 5) == {"f1": 1}
    assert set(text_scores("Not mentioned", "Oslo", 5)) == {"f1", "f1_set", "bleu1", "em"}


@given(texts, texts, st.sampled_from([None, 1, 2, 3, 4, 5]))
def test_every_measure_lies_between_0_and_1(said: str, gold: str, category: int | None) -> None:
    assert all(0 <= value <= 1 for value in text_scores(said, gold, category).values())


@given(texts, texts, plain)
def test_plain_f1s_are_symmetric(said: str, gold: str, category: int | None) -> None:
    assert f1(said, gold, category) == pytest.approx(f1(gold, said, category))
    assert f1_set(said, gold) == pytest.approx(f1_set(gold, said))


@given(texts, texts, st.sampled_from([None, 1, 2, 3, 4]), st.sampled_from(["the", "A", "an", "And"]))
def test_f1_is_blind_to_articles_and_ascii_case(said: str, gold: str, category: int | None, article: str) -> None:
    scored = f1(said, gold, category)
    assert f1(f"{article} {said}", gold, category) == scored
    assert f1(said, f"{article} {gold}", category) == scored
    assert exact_match(f"{article} {said}", gold) == exact_match(said, gold)
    if said.isascii():
        assert f1(said.upper(), gold, category) == scored
        assert f1_set(said.upper(), gold) == f1_set(said, gold)
        assert bleu1(said.upper(), gold) == bleu1(said, gold)


@given(texts, plain)
def test_an_answer_is_its_own_gold(text: str, category: int | None) -> None:
    assert f1(text, text, category) == exact_match(text, text) == float(bool(normalize(text)))
    assert f1_set(text, text) in (0, 1)
    assert f1(text.replace(";", ""), text.replace(";", ""), 3) == float(bool(normalize(text)))


@given(texts, texts, plain)
def test_an_exact_match_has_full_f1(said: str, gold: str, category: int | None) -> None:
    assert f1(said, gold, category) >= exact_match(said, gold)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", ""),
        ("7 may 2023", "7 may 2023"),
        ("oslo.", "oslo ."),
        ("she moved to oslo. she likes it.", "she moved to oslo . she likes it ."),
        ("dr. smith met mr. jones.", "dr. smith met mr. jones ."),  # abbreviations keep their full stop
        ("at 5 p.m. in washington d.c. today", "at 5 p.m. in washington d.c. today"),
        ("it was in 2019. it rained.", "it was in 2019. it rained ."),  # a number before a small letter ends nothing
        ("she was ill. he was not.", "she was ill. he was not ."),  # Illinois
        ("don't stop, it's 3,000 dogs' toys!", "do n't stop , it 's 3,000 dogs ' toys !"),
        ("we cannot... go (now)", "we can not ... go ( now )"),
        ('he said "yes"', "he said `` yes ''"),
        ("self-care & yoga; 50%", "self-care & yoga ; 50 %"),
        ("café “au lait”", "café “ au lait ”"),
    ],
)
def test_tokens_are_nltks(text: str, tokens: str) -> None:
    assert word_tokens(text) == tuple(tokens.split())


@pytest.mark.parametrize(
    ("value", "category"),
    [
        (1, 1), ("2", 2), (" 3 ", 3), (4.0, 4), ("multi-hop", 1), ("Multi Hop", 1), ("single_hop", 4),
        ("open-domain", 3), ("commonsense", 3), ("temporal", 2), ("Adversarial", 5),
        (0, None), (6, None), ("6", None), (1.5, None), ("", None), ("world", None), ("01", None), ("²", None),
        (True, None), (None, None), ([1], None), ({}, None), (float("nan"), None), (10**400, None),
    ],
)  # fmt: skip
def test_what_says_a_category(value: object, category: int | None) -> None:
    assert category_of(value) == category


def test_groups_are_those_of_the_data_set() -> None:
    assert dict(load_locomo(EXAMPLES).groups) == GROUPS
    assert [group_name(group) for group in GROUPS] == [
        "1 multi-hop", "2 temporal", "3 open-domain", "4 single-hop", "5 adversarial", "1-4", "all",
    ]  # fmt: skip
