"""A model of random weights writes what the schema allows, and nothing else."""

from __future__ import annotations

import json
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from memsvc.errors import InvalidReply, MissingDependency
from memsvc.models.local.loading import load
from memsvc.models.local.shapes import Reply, Request, UnsupportedSchema, never

pytestmark = pytest.mark.slow

pytest.importorskip("llguidance")


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Verdict(Closed):
    verdict: Literal["sufficient", "insufficient"]
    confident: bool


class Place(Closed):
    city: str = Field(max_length=12)
    since: int | None = Field(ge=1900, le=2100)


class Person(Closed):
    name: str = Field(min_length=1, max_length=12)
    home: Place


class Fact(Closed):
    text: str = Field(max_length=24)
    score: int = Field(ge=0, le=10)
    messages: list[int] = Field(max_length=3)


class Facts(Closed):
    facts: list[Fact] = Field(min_length=1, max_length=3)


class Step(Closed):
    kind: Literal["search", "answer", "merge"] = "search"
    question: str | None = Field(default=None, max_length=24)
    weight: float | None = Field(default=None, ge=0, le=1)


SCHEMAS = (Verdict, Person, Facts, Step)


@pytest.fixture(scope="module")
def engine(tiny_model: Path) -> Any:
    return load(str(tiny_model), device="cpu")


def ask(question: str, schema: dict[str, Any] | None, **settings: Any) -> Request:
    return Request(
        [{"role": "user", "content": question}],
        **{"max_tokens": 1200, "schema": schema and json.dumps(schema), **settings},
    )


def replies(engine: Any, requests: list[Request]) -> list[Reply]:
    found: dict[int, Reply] = {}
    engine.generate([engine.read(each, cancelled=never) for each in requests], found.__setitem__)
    return [found[place] for place in range(len(requests))]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("schema", SCHEMAS)
def test_ten_of_ten_replies_fit_the_schema(engine: Any, schema: type[BaseModel], temperature: float) -> None:
    asked = [ask(f"Question {at}?", schema.model_json_schema(), temperature=temperature, seed=at) for at in range(10)]

    given = replies(engine, asked)

    for reply in given:
        assert reply.finish_reason == "stop"
        schema.model_validate_json(reply.text)


def test_rows_of_one_batch_follow_each_its_own_schema_or_none(engine: Any) -> None:
    schemas = [*(schema.model_json_schema() for schema in SCHEMAS), None]
    asked = [
        ask(f"Question {at}?", schema, temperature=1.0, max_tokens=600 if schema else 6)
        for at, schema in enumerate(schemas)
    ]

    together = replies(engine, asked)

    for schema, reply in zip(SCHEMAS, together, strict=False):
        schema.model_validate_json(reply.text)
    assert together[-1].completion_tokens == 6
    assert together == [replies(engine, [each])[0] for each in asked]


def test_the_reply_ends_with_its_json_without_a_token_more(engine: Any) -> None:
    reply = replies(engine, [ask("Who?", {"const": {"a": [1, 2]}})])[0]
    assert json.loads(reply.text) == {"a": [1, 2]}
    assert reply.finish_reason == "stop"
    assert reply.completion_tokens <= len(reply.text)


def test_lengths_and_ranges_hold(engine: Any) -> None:
    schema = {
        "type": "object",
        "properties": {
            "text": {"type": "string", "minLength": 3, "maxLength": 5},
            "list": {"type": "array", "items": {"type": "integer", "minimum": -3, "maximum": 12}, "maxItems": 4},
        },
        "required": ["text", "list"],
        "additionalProperties": False,
    }
    asked = [ask("Who?", schema, temperature=2.0, seed=seed) for seed in range(20)]
    values = [json.loads(reply.text) for reply in replies(engine, asked)]

    assert {len(value["text"]) for value in values} <= {3, 4, 5}
    assert {len(value["list"]) for value in values} <= {0, 1, 2, 3, 4}
    assert all(-3 <= number <= 12 for value in values for number in value["list"])
    assert len({value["text"] for value in values}) > 10


def test_blanks_are_bounded(engine: Any) -> None:
    asked = [ask("Who?", Facts.model_json_schema(), temperature=2.0, seed=seed) for seed in range(10)]
    for reply in replies(engine, asked):
        outside = re.sub(r'"([^"\\]|\\.)*"', '""', reply.text)
        assert "  " not in outside
        assert "\n" not in outside


def test_a_reply_that_its_limit_cuts_says_so(engine: Any) -> None:
    reply = replies(engine, [ask("Who?", Facts.model_json_schema(), max_tokens=5)])[0]
    assert (reply.finish_reason, reply.completion_tokens) == ("length", 5)
    assert reply.text.startswith("{")


@pytest.mark.parametrize(
    ("schema", "named"), [({"type": "strin"}, "strin"), ({"not": {"type": "string"}}, "not"), ({"$ref": "#/x"}, "/x")]
)
def test_a_schema_that_cannot_be_followed_is_refused(engine: Any, schema: dict[str, Any], named: str) -> None:
    with pytest.raises(UnsupportedSchema, match=named):
        engine.read(ask("Who?", schema), cancelled=never)


@pytest.mark.parametrize("limits", [{"max_lexer_states": 12}, {"step_max_items": 3}])
def test_a_grammar_past_its_limits_is_an_error_and_no_half_reply(
    tiny_model: Path, limits: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from llguidance import LLMatcher, LLParserLimits

    engine = load(str(tiny_model), device="cpu")
    narrow: Any = partial(LLMatcher, limits=LLParserLimits(**limits))
    narrow.grammar_from_json_schema = LLMatcher.grammar_from_json_schema
    monkeypatch.setattr("llguidance.LLMatcher", narrow)

    free, bound = replies(engine, [ask("Who?", None, max_tokens=9), ask("Who?", Facts.model_json_schema())])

    assert isinstance(bound, InvalidReply)
    assert "left its schema after" in str(bound)
    assert free.completion_tokens == 9


def test_without_llguidance_a_schema_is_refused_and_free_text_is_not(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = load(str(tiny_model), device="cpu")
    monkeypatch.setitem(sys.modules, "llguidance", None)
    with pytest.raises(MissingDependency, match=r"memsvc\[local\]"):
        engine.read(ask("Who?", {"type": "object"}), cancelled=never)
    assert replies(engine, [ask("Who?", None, max_tokens=3)])[0].completion_tokens == 3
