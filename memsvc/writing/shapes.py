"""A message as frameworks write it: who said it, when, and what look-ups see of it. Pure.

`docs/messages.md` has the table of shapes.

One object is one message with one receipt, as its framework means it: a request of pydantic-ai with a prompt and a
tool's return, or a user's turn of Anthropic with results of tools, is not taken apart.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memsvc.errors import InvalidMessage
from memsvc.writing.parts import NO_OUTPUT, call, is_part, is_result, joined, lines
from memsvc_store.errors import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from memsvc.writing.parts import Line

FIELDS = ("role", "content", "name", "timestamp", "session_id", "key", "occurrence", "metadata", "tags", "expires_at")
"""The fields of a message of our own."""

ROLES: Mapping[str, str] = {
    "human": "user", "HumanMessageChunk": "user", "ai": "assistant", "AIMessageChunk": "assistant",
    "model": "assistant", "function": "tool", "ToolMessageChunk": "tool", "FunctionMessageChunk": "tool",
    "SystemMessageChunk": "system", "request": "user", "response": "assistant",
}  # fmt: skip
"""What other names of roles mean; any other is a role as it stands."""

_TYPES = {"human", "ai", "system", "tool", "chat", *ROLES} - {"request", "response", "model"}
"""The types of LangChain's messages."""

_CALLS = ("tool_calls", "invalid_tool_calls", "function_call")

_ALIKE = 0.8
"""From which likeness (`difflib`) on an unknown field counts as a misspelt one of ours: `timestmap`, `sesion_id`, but
not LangChain's `usage_metadata`. A message under the wrong session or time would be worse than one that is refused."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A message that was read. `text` is what look-ups see, `kept` what came where it is no message of our own.

    `role`, `name` and `timestamp` are None where it names none.
    """

    text: str
    role: str | None
    name: str | None
    timestamp: Any
    kept: Mapping[str, Any]


def read(message: Mapping[str, Any]) -> Shape:
    """A message of any framework, as JSON holds it.

    Raises:
        InvalidMessage: it is no message, a field of ours is misspelt, or its content has no form that is known.
    """
    inner = _unwrapped(message)
    _check_fields(inner)
    found = list(_lines(inner))
    text, content = joined(found), inner.get("content")
    if not found:
        raise InvalidMessage(_NOTHING.get(next(iter(_NOTHING.keys() & inner.keys()), ""), _NO_CONTENT))
    role = _role(inner, found)
    text = text or (NO_OUTPUT if role == "tool" else "")
    if isinstance(content, str) and not text:
        text = content  # which is told as empty
    name = None if _is_item(inner) else inner.get("name")
    return Shape(text, role, name, _timestamp(inner), _kept(message, text, role))


def _kept(message: Mapping[str, Any], text: str, role: str | None) -> dict[str, Any]:
    """What came, but for what has a place of its own and what is empty; of a message of our own nothing.

    `{"content": text} | kept` is the message as it came: where its content is not the text, it is kept too.
    """
    kept = {name: value for name, value in message.items() if name not in _PLACED and value not in (None, [], {})}
    if message.get("content") == text:
        return {} if kept.keys() <= {"role", "name"} and kept.get("role", role) == role else kept
    return {"content": message.get("content"), **kept}


def is_message(value: object) -> bool:
    """Whether a JSON value is a message beyond doubt: a text that merely is JSON is a text."""
    if not isinstance(value, dict):
        return False
    inner = _unwrapped(value)
    if isinstance(inner.get("role"), str) or _langchain(inner) or _pydantic_ai(inner):
        return any(field in inner for field in ("content", "parts", *_CALLS))
    return _is_item(inner) or ("content" in inner and inner.keys() <= {*FIELDS})


_PLACED = {"content", "timestamp", "session_id", "key", "occurrence", "metadata", "tags", "expires_at"}

_NO_CONTENT = "'content' came as NoneType; give a text, parts, or a message with tool calls"
_NOTHING = {
    "choices": "a whole completion came; give its message, `choices[0].message`",
    "output": "a whole response came; give its items, `response.output`",
}


def _unwrapped(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message inside what LangChain's `message_to_dict` (`data`) and `dumpd` (`kwargs`) give."""
    for field, mark in (("data", "type"), ("kwargs", "lc")):
        inner = message.get(field)
        if mark in message and "content" not in message and isinstance(inner, dict) and "content" in inner:
            return {"type": message["type"], **inner}
    return message


def _lines(message: Mapping[str, Any]) -> Iterator[Line]:
    if _is_item(message):
        yield from lines(dict(message))
        return
    content, parts = message.get("content"), message.get("parts")
    if parts and isinstance(parts, list):
        content = [*([content] if content and not any(_says(one, content) for one in parts) else []), *parts]
    yield from lines(content)
    yield from lines([{"type": "refusal", "refusal": message["refusal"]}] if message.get("refusal") else [])
    for field in _CALLS:
        given = message.get(field)
        yield from (call(one) for one in (given if isinstance(given, list) else [given]) if isinstance(one, dict))
    audio = message.get("audio")
    if isinstance(audio, dict) and isinstance(audio.get("transcript"), str):
        yield from lines(audio["transcript"])


def _says(part: object, content: object) -> bool:
    return isinstance(part, dict) and part.get("text") == content


def _langchain(message: Mapping[str, Any]) -> bool:
    return isinstance(message.get("type"), str) and message["type"] in _TYPES


def _pydantic_ai(message: Mapping[str, Any]) -> bool:
    return message.get("kind") in ("request", "response") and "parts" in message


def _is_item(message: Mapping[str, Any]) -> bool:
    """Whether a message is but one part: an item of OpenAI's Responses that is no `message`, such as a tool call."""
    if "role" in message or "parts" in message or _langchain(message) or not is_part(message):
        return False
    return is_result(message) or not isinstance(message.get("content"), str)


def _role(message: Mapping[str, Any], found: list[Line]) -> str | None:
    named = message.get("role")
    if named is not None and not isinstance(named, str):
        raise InvalidMessage(f"'role' came as {shown(named)}; give a string, such as user or assistant")
    if named is None and _langchain(message):
        named = message["type"]
    if named is None and _pydantic_ai(message):
        named = message["kind"]
    if named is None and _is_item(message):
        named = {"result": "tool", "said": None}.get(found[0].sort, "assistant")
    role = ROLES.get(named, named) if named is not None else None
    said = {line.sort for line in found}
    if role == "user" and "result" in said and "said" not in said:
        return "tool"  # results of tools alone: Anthropic and pydantic-ai send them as the user's
    if named == "request" and said == {"aside"}:
        return "system"
    return role


def _timestamp(message: Mapping[str, Any]) -> Any:
    """Its own, or that of the first part that has one: pydantic-ai dates the parts of requests."""
    parts = message.get("parts") if message.get("timestamp") is None else None
    dated = [one for one in parts if isinstance(one, dict)] if isinstance(parts, list) else []
    return next((one["timestamp"] for one in (message, *dated) if one.get("timestamp") is not None), None)


def _check_fields(message: Mapping[str, Any]) -> None:
    for field in message:
        near = difflib.get_close_matches(field, FIELDS, 1, _ALIKE) if field not in FIELDS else []
        if near and near[0] not in message:
            raise InvalidMessage(f"unknown field {shown(field)}; did you mean {near[0]!r}?")
