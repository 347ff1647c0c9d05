"""The parts of a message as text: what look-ups see of them. Pure.

A text is itself, a tool call is its name and arguments, a tool result its text, an image or a file a reference. The
names of parts and fields are those of OpenAI, Anthropic, LangChain, pydantic-ai and the AI SDK, which differ in little
but case and punctuation. What is unknown is shown as JSON, so that a part that is new tomorrow is found all the same.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from memsvc.errors import InvalidMessage
from memsvc.writing import inline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Sort = Literal["said", "aside", "call", "result"]


class Line(NamedTuple):
    """What a part says. An `aside` (reasoning, a system prompt beside a prompt) counts only where nothing else is said.

    `call` is the id of a tool call, which some messages name twice.
    """

    text: str
    sort: Sort = "said"
    call: str | None = None


_TEXT = re.compile(r"(?:(?:input|output|summary)-)?text(?:-plain)?|refusal|user-prompt")
_ASIDE = re.compile(
    r"(?:redacted-)?(?:thinking|reasoning)(?:-text)?|system-prompt|step-start|cache-point|compaction|.*-delta"
)
_CALL = re.compile(
    r".*-call(?:-chunk)?|(?:.*-)?tool-use|function|custom|dynamic-tool|tool-(?!call|result|use|return|approval).*"
)
_RESULT = re.compile(r".*-(?:results?|output|return)|.*-result-error|retry-(?:prompt|feedback)")
_MEDIA = re.compile(
    r"(?:input-)?(?:image|audio|video|document|file|media)(?:-url)?|binary|uploaded-file|container-upload"
    r"|source-(?:url|document)|web-search-result"
)

NO_OUTPUT = "[no output]"
"""What a tool said that said nothing: the call was answered all the same."""

_NAME = ("name", "toolName", "tool_name")
_ARGUMENTS = ("arguments", "args", "input", "action", "code", "queries")
_ID = ("call_id", "toolCallId", "tool_call_id", "id")
_GIVEN = ("output", "result", "content", "outputs", "errorText", "error", "value")
_SAID = ("text", "content", "refusal", "thinking", "reasoning", "summary", "transcript")


def lines(content: object) -> Iterator[Line]:
    """What the content of a message says, part by part.

    Raises:
        InvalidMessage: a part that is neither a text nor a mapping.
    """
    if isinstance(content, str):
        yield Line(content)
    elif isinstance(content, dict):
        yield from _of_part(content)
    elif isinstance(content, list):
        for place, part in enumerate(content):
            if not isinstance(part, str | dict):
                raise InvalidMessage(f"part {place} came as {type(part).__name__}; give a text or a mapping")
            yield from lines(part)
    elif content is not None:
        raise InvalidMessage(f"'content' came as {type(content).__name__}; give the text as a string, or its parts")


def joined(found: Iterable[Line]) -> str:
    """What is said, a line each; asides where there is nothing else. A call that is named twice is said once."""
    kept: list[Line] = []
    called: set[str] = set()
    for line in found:
        if line.text.strip() and line.call not in called:
            kept.append(line)
            called |= {line.call} if line.call else set()
    return "\n".join(line.text for line in [one for one in kept if one.sort != "aside"] or kept)


def kind(part: Mapping[str, Any]) -> str:
    """What a part calls itself, in one spelling: `tool_use`, `tool-call`, `image_url` as `tool-use` and so on."""
    return _type(part).replace("_", "-")


def _type(part: Mapping[str, Any]) -> str:
    return _first(part, ("type", "part_kind", "kind")) or ""


def is_part(value: object) -> bool:
    """Whether a value is a part of a kind that is known."""
    return isinstance(value, dict) and any(
        one.fullmatch(kind(value)) for one in (_TEXT, _ASIDE, _CALL, _RESULT, _MEDIA)
    )


def is_result(part: Mapping[str, Any]) -> bool:
    """Whether a part is the result of a tool."""
    return bool(_RESULT.fullmatch(kind(part)))


def call(part: Mapping[str, Any]) -> Line:
    """A tool call: its name and its arguments."""
    inner = next((part[one] for one in ("function", "custom") if isinstance(part.get(one), dict)), part)
    name = _first(inner, _NAME) or re.sub(r"[-_]call$|^tool-", "", _type(part)) or "tool"
    given = next((inner[one] for one in _ARGUMENTS if inner.get(one) is not None), None)
    identity = next((part[one] for one in _ID if isinstance(part.get(one), str) and part[one]), None)
    return Line(f"{name}({'' if given is None else _json(given)})", "call", identity)


def _of_part(part: dict[str, Any]) -> Iterator[Line]:
    named = kind(part)
    if _TEXT.fullmatch(named) or (not named and isinstance(part.get("text"), str)):
        yield from lines(_value(part, _SAID))
    elif _ASIDE.fullmatch(named):
        yield Line(_spoken(_value(part, _SAID)) or f"[{named}]", "aside")
    elif _MEDIA.fullmatch(named):
        yield from _media(named, part)
    elif _RESULT.fullmatch(named):
        yield Line(_spoken(_value(part, _GIVEN)) or NO_OUTPUT, "result")
    elif _CALL.fullmatch(named):
        yield call(part)
        if (given := _value(part, ("output", "outputs", "errorText", "error"))) is not None:
            yield Line(_spoken(given), "result")
    else:
        yield Line(_json(part))


def _spoken(value: object) -> str:
    """A result as text: a text, parts, or else JSON."""
    if isinstance(value, str):
        return value if inline.described(value) is None else f"[{inline.described(value)}]"
    if isinstance(value, dict) and "value" in value and isinstance(value.get("type"), str):
        return _spoken(value["value"])  # the AI SDK's {"type": "text" | "json" | "content", ..., "value"}
    if isinstance(value, list) and value and all(isinstance(one, str) or is_part(one) for one in value):
        return joined(lines(value))
    return "" if value is None else _json(value)


def _media(named: str, part: dict[str, Any]) -> Iterator[Line]:
    """A reference: what it is, its name, type and place; the bytes by their number."""
    source = part.get("source")
    if isinstance(source, dict) and source.get("type") in ("text", "content"):  # Anthropic's documents of plain text
        yield Line(_spoken(source.get("data", source.get("content"))))
        return
    facts = dict.fromkeys(fact for name, value in _flat(part) if (fact := _fact(name, value)))
    what = next((one for one in ("image", "audio", "video", "document", "source") if one in named), "file")
    yield Line(f"[{': '.join(filter(None, (what, ', '.join(facts))))}]")


_PLACES = ("url", "uri", "image_url", "file_url", "image", "data", "base64", "file_data", "source")
_FACTS = ("filename", "title", "file_id", "mime_type", "media_type", "mediaType", "mimeType", "format")


def _fact(name: str, value: str) -> str | None:
    if name in _FACTS:
        return value[:200]
    if name not in _PLACES or not value:
        return None
    said = inline.described(value)
    if said is not None or re.match(r"[a-z][a-z0-9+.-]*://", value):
        return said or value[:500]
    return inline.reference(value) if name in ("image", "data", "base64", "file_data") else value[:500]


def _flat(part: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in part.items():
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, dict):
            yield from ((inner, one) for inner, one in value.items() if isinstance(one, str))


def _json(value: Any) -> str:
    if isinstance(value, str):
        if len(value) < inline.LEAST:
            return value
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return _spoken(value)
    return json.dumps(inline.compact(value), ensure_ascii=False)


def _value(part: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((part[name] for name in names if part.get(name) not in (None, [], {})), None)


def _first(part: Mapping[str, Any], names: Iterable[str]) -> str | None:
    return next((part[name] for name in names if isinstance(part.get(name), str) and part[name]), None)
