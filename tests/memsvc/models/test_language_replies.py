from __future__ import annotations

import json
import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, RootModel

from memsvc.models.language.replies import LONGEST, Unreadable, read_text, read_value


class Fact(BaseModel):
    text: str
    score: int


class Facts(BaseModel):
    facts: list[Fact]


class Lenient(BaseModel):
    """Every field has a default, so that anything could pass for it."""

    facts: list[Fact] = []
    note: str = ""


class Names(RootModel[list[str]]):
    pass


ONE = Facts(facts=[Fact(text="Ann lives in Oslo", score=9)])
JSON = ONE.model_dump_json()
facts = st.builds(Facts, facts=st.lists(st.builds(Fact, text=st.text(), score=st.integers(-9, 9)), max_size=3))


def why(reply: str, schema: type[BaseModel] = Facts) -> str:
    read = read_value(reply, schema)
    assert isinstance(read, Unreadable), read
    return read.reason


@pytest.mark.parametrize(
    "reply",
    [
        JSON,
        f"  \n{JSON}\n\n",
        f"```json\n{JSON}\n```",
        f"```\n{JSON}```",
        f"Sure! Here it is:\n{JSON}\nLet me know if you need more.",
        f"As asked [see above], the facts (1) are {JSON}",
        f'<think>What about {{}} or {{"facts": []}}?</think>{JSON}',
        f"<THINK>\nhm\n</THINK>\n```json\n{JSON}\n```",
        f"the template opened this one {{...}} </think>\n{JSON}",
        f"{JSON}{JSON}",
        f"{JSON}}}",
        json.dumps(ONE.model_dump(), indent=4),
    ],
)
def test_what_stands_around_a_value_does_not_matter(reply: str) -> None:
    assert read_value(reply, Facts) == ONE


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "it is empty"),
        (" \n ", "it is empty"),
        ("<think>I should", "thoughts and no answer"),
        ("<think>so</think>\n", "thoughts and no answer"),
        ("I'm sorry, but I can't help with that.", "no JSON object"),
        (JSON[:-2], "cut off"),
        ('{"facts": [{"text": "Ann", "score": 1}, {"te', "cut off"),
        ('```json\n{"facts": [\n', "cut off"),
        ("{", "cut off"),
        ('{"facts": [{"text": "Ann" "score": 1}]}', "broken"),
        ("{'facts': []}", "broken"),
        ("{facts: [{}]}", "broken"),
        ('{"facts": [{"text": "Ann"}]}', r"facts\.0\.score: Field required"),
        ('{"facts": "none"}', "facts: Input should be a valid"),
        ('{"error": "overloaded"}', "none of the keys facts"),
        ("[]", "does not fit"),
        (f"{JSON} or rather {{\"facts\": []}}", "2 different JSON values"),
        ('{"facts": []}\n{"facts": [{"tex', "cut off"),
        ("[" * 50_000, "nested too deeply"),
        ('{"facts": [{"text": "\\ud800", "score": 1}]}', "does not fit"),
        ('{"facts": [{"text": "", "score": ' + "9" * 5000 + "}]}", "broken"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(reply: str, reason: str) -> None:
    assert re.search(reason, why(reply)), why(reply)


def test_the_schema_itself_is_no_reply() -> None:
    assert "repeats the schema" in why(json.dumps(Facts.model_json_schema()))
    assert "repeats the schema" in why(json.dumps(Lenient.model_json_schema()), Lenient)
    assert "repeats the schema" in why(json.dumps({"properties": {"facts": []}}), Lenient)


def test_another_object_is_not_taken_for_one_without_facts() -> None:
    assert "none of the keys facts, note" in why('{"error": "overloaded"}', Lenient)
    assert "none of the keys" in why("{}", Lenient)


def test_a_part_of_a_broken_value_is_not_taken_for_the_whole() -> None:
    assert "cut off" in why('{"facts": [{"facts": []}, {"facts": [', Lenient)
    assert "broken" in why('{"facts": [{"facts": []} {"facts": []}]}', Lenient)


def test_a_value_may_quote_a_thought() -> None:
    quoting = Facts(facts=[Fact(text="Ben wrote <think> in his template, and </think> later", score=2)])
    assert read_value(quoting.model_dump_json(), Facts) == quoting


def test_a_long_value_is_read_all_the_same() -> None:
    long = Facts(facts=[Fact(text="Ann lives in Oslo", score=9)] * 2_000)
    assert len(long.model_dump_json()) > LONGEST
    assert read_value(long.model_dump_json(), Facts) == long


def test_a_schema_whose_root_is_a_list() -> None:
    assert read_value('The names: ["Ann", "Ben"].', Names) == Names(["Ann", "Ben"])


def test_raw_line_breaks_in_strings_are_forgiven() -> None:
    assert read_value('{"facts": [{"text": "a\nb", "score": 1}]}', Facts) == Facts(facts=[Fact(text="a\nb", score=1)])


def test_long_nonsense_is_read_in_no_time() -> None:
    started = process_time()
    assert "broken" in why("{a} " * (LONGEST // 4)), "7 s, when each was looked at"
    assert "2,000,000 characters long" in why("[x" * 1_000_000), "it never ended"
    assert process_time() - started < 2.0
    for nonsense in ('{"' * 20_000, "[x" * 20_000, '{"a" ' * 8_000 + "}" * 8_000, "{}" * 10_000):
        assert isinstance(read_value(nonsense, Facts), Unreadable)


@given(facts)
def test_every_value_is_read_back_whatever_its_text_holds(value: Facts) -> None:
    told = value.model_dump_json()
    assert read_value(told, Facts) == value
    assert read_value(f"Here:\n```json\n{told}\n```", Facts) == value


@given(facts, st.data())
def test_a_value_that_is_cut_off_is_never_read(value: Facts, data: st.DataObject) -> None:
    told = value.model_dump_json()
    cut = told[: data.draw(st.integers(0, len(told) - 1))]
    assert isinstance(read_value(cut, Facts), Unreadable)
    assert isinstance(read_value(cut, Lenient), Unreadable)


@given(st.text())
def test_any_text_at_all_is_read_or_told_apart(reply: str) -> None:
    assert isinstance(read_value(reply, Facts), Facts | Unreadable)
    assert read_text(reply)


def test_plain_text_loses_its_thoughts() -> None:
    assert read_text("<think>Oslo? Bergen?</think>\n\nOslo.") == "Oslo."
    assert read_text("hm, Oslo</think>Oslo.") == "Oslo."
    assert read_text("<think>never closed") == Unreadable("it holds thoughts and no answer")
    assert read_text("\n") == Unreadable("it is empty")
    assert read_text("a < b, and I think so") == "a < b, and I think so"
