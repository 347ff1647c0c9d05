"""What a model wrote, read as what was asked for. Pure.

A reply is accepted only whole. Of a list that was cut off nothing is taken, and of two different
values none is chosen: either would lose facts in silence, where asking again costs one call.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

_THOUGHT = re.compile(r"<(think|thinking)>.*?(</\1>|\Z)", re.DOTALL | re.IGNORECASE)
# Some chat templates open the block in the prompt, so that the reply holds only its end.
_TAIL_OF_THOUGHT = re.compile(r"\A.*</(think|thinking)>", re.DOTALL | re.IGNORECASE)
_DECODER = json.JSONDecoder(strict=False)  # weak models write raw line breaks into strings
_BEGINS_IN_A_LIST = frozenset("\"'{[")
_SHOWN_PROBLEMS = 3

LONGEST = 50_000
"""Characters in which a value is looked for; a reply of twenty facts has 15,000. Brackets that open no JSON cost the
square of them (0.3 s), on the thread that serves every model: 2 MB of them never ended."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a reply cannot be read, in words that the model is told as well."""

    reason: str


def without_thoughts(reply: str) -> str:
    """The reply without its `<think>` blocks, also one that was never closed or never opened; stripped."""
    return _TAIL_OF_THOUGHT.sub("", _THOUGHT.sub("", reply)).strip()


def read_text(reply: str) -> str | Unreadable:
    """The reply as plain text, without thoughts."""
    return without_thoughts(reply) or Unreadable(_nothing_left(reply))


def read_value(reply: str, schema: type[BaseModel]) -> BaseModel | Unreadable:
    """The one JSON value in the reply that fits `schema`; code fences and prose around it don't matter."""
    whole = _whole(reply)
    if whole is not None and not isinstance(value := _fitted(whole, schema), Unreadable):
        return value  # before thoughts are cut out: a value may quote somebody who wrote <think>
    text = without_thoughts(reply)
    if not text:
        return Unreadable(_nothing_left(reply))
    if len(text) > LONGEST:
        return Unreadable(f"it is {len(text):,} characters long and no JSON value; at most {LONGEST:,} are searched")
    found = list(_values(text))
    fitted = [_fitted(value, schema) for value in found if not isinstance(value, Unreadable)]
    fitting = [value for value in fitted if not isinstance(value, Unreadable)]
    broken = [value for value in found if isinstance(value, Unreadable)]
    if broken:
        return broken[0]
    if not fitting:
        misfits = [value for value in fitted if isinstance(value, Unreadable)]
        return misfits[-1] if misfits else Unreadable("there is no JSON object in it")
    if any(value != fitting[0] for value in fitting):
        return Unreadable(f"it holds {len(fitting)} different JSON values where one was asked for")
    return fitting[0]


def _nothing_left(reply: str) -> str:
    return "it holds thoughts and no answer" if reply.strip() else "it is empty"


def _whole(reply: str) -> Any:
    try:
        return _DECODER.decode(reply.strip())
    except (ValueError, RecursionError):
        return None


def _values(text: str) -> Iterator[Any]:
    """The outermost JSON objects and arrays in the text, in order, up to one that is broken: an `Unreadable`.

    Inside of a broken one nothing is looked for: its parts could pass for the whole.
    """
    at = 0
    while (start := _next_bracket(text, at)) is not None:
        try:
            value, at = _DECODER.raw_decode(text, start)
            yield value
        except RecursionError:
            yield Unreadable("its JSON is nested too deeply")
            return
        except ValueError as error:  # also an integer of more than 4,300 digits
            if not _meant_as_json(text, start):
                at = start + 1
                continue
            cut = _end_of(text, start) is None
            yield Unreadable("its JSON is cut off before the end" if cut else f"its JSON is broken ({error})")
            return


def _next_bracket(text: str, start: int) -> int | None:
    found = re.compile(r"[{\[]").search(text, start)
    return found.start() if found else None


def _meant_as_json(text: str, start: int) -> bool:
    """Whether the bracket opens JSON, however bad, and not an aside such as `[see below]`."""
    rest = text[start + 1 : start + 200].lstrip()
    return text[start] == "{" or not rest or rest[0] in _BEGINS_IN_A_LIST


def _end_of(text: str, start: int) -> int | None:
    """Behind the bracket that closes the one at `start`; None when it is never closed."""
    depth = 0
    for token in re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]|"', re.DOTALL).finditer(text, start):
        if token.group() == '"':
            return None  # a string that never ends
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token.group(), 0)
        if depth == 0:
            return token.end()
    return None


def _fitted(value: Any, schema: type[BaseModel]) -> BaseModel | Unreadable:
    wanted = _keys(schema)
    if isinstance(value, dict) and wanted and not value.keys() & wanted:
        if value.keys() & {"properties", "$defs", "$ref"}:
            return Unreadable("it repeats the schema; a value that fits the schema was asked for")
        # Where every field has a default, anything at all would pass for a value without facts.
        return Unreadable(f"its JSON has none of the keys {', '.join(sorted(wanted))}")
    try:
        return schema.model_validate_json(json.dumps(value))
    except ValidationError as error:
        return Unreadable(f"its JSON does not fit: {_problems(error)}")


@lru_cache(maxsize=128)
def _keys(schema: type[BaseModel]) -> frozenset[str]:
    """The schema's own keys, as they are spelled in JSON."""
    return frozenset(schema.model_json_schema().get("properties", {}))


def _problems(error: ValidationError) -> str:
    listed = error.errors(include_url=False, include_input=False)
    told = [
        f"{'.'.join(map(str, problem['loc'])) or 'value'}: {problem['msg']}" for problem in listed[:_SHOWN_PROBLEMS]
    ]
    more = len(listed) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")
