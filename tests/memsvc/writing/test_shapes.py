"""Messages of every framework: taken as they are, kept as they came, found by what they say."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage

from memsvc import InvalidMessage, Memory
from memsvc.times import Times
from memsvc.writing import shapes
from memsvc.writing.inline import reference
from memsvc.writing.messages import AS_CAME, Envelope, drafts
from memsvc.writing.shapes import FIELDS
from memsvc_store.values.drafts import Draft, Receipt
from tests.memsvc.writing.shapes_of import SHAPES

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ENVELOPE = Envelope(Times(NOW), 100_000)


def drafted(message: Any) -> Draft:
    [draft] = drafts([message], ENVELOPE)
    assert isinstance(draft, Draft), draft
    return draft


def as_it_came(draft: Draft) -> dict[str, Any]:
    """The message that a draft was made of, as `docs/messages.md` says it is read back."""
    metadata = dict(draft.metadata if draft.verbatim is None else draft.verbatim)
    kept = metadata.pop(AS_CAME, {"role": draft.role, "name": draft.speaker})
    return {"content": draft.text, "metadata": metadata} | kept


def full(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message without what is null or empty, and means the same left out; its time is a column."""
    return {name: one for name, one in message.items() if one not in (None, [], {}) and name != "timestamp"}


@pytest.mark.parametrize("shape", SHAPES, ids=[one["of"] for one in SHAPES])
def test_a_message_of_a_framework(shape: dict[str, Any]) -> None:
    message, role, text = shape["message"], shape["role"], shape["text"]
    draft = drafted(message)
    text = text.replace("#{png}", reference("iVBORw0KGgo=")[-13:]).replace("#{six}", reference("iVBORw0K")[-13:])
    assert (draft.role, draft.text) == (role, text)
    assert full(as_it_came(draft)) == full(message) | ({"name": role} if AS_CAME not in draft.metadata else {})
    if message.get("timestamp"):
        assert draft.said_at == datetime.fromisoformat(message["timestamp"])
    assert shapes.is_message(message)


def test_what_is_plain_leaves_nothing_beside_the_text() -> None:
    reply = ChatCompletionMessage(role="assistant", content="Hello.")
    assert reply.model_dump()["refusal"] is None
    assert drafted(reply) == drafted("Hello.").__class__(**{**_values(drafted("Hello.")), **_said_by("assistant")})


def _values(draft: Draft) -> dict[str, Any]:
    return {name: getattr(draft, name) for name in draft.__dataclass_fields__}


def _said_by(role: str) -> dict[str, Any]:
    named = drafted({"content": "Hello.", "role": role})
    return {"role": role, "speaker": role, "entities": named.entities}


def test_real_objects_are_read_as_their_dumps() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    [choice] = ChatCompletion.model_validate(
        {"id": "x", "created": 1, "model": "m", "object": "chat.completion",
         "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}]}
    ).choices  # fmt: skip
    assert drafted(choice.message) == drafted(message)
    item = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    assert drafted(ResponseFunctionToolCall.model_validate(item)) == drafted(item)
    said = {"type": "output_text", "text": "Hi", "annotations": []}
    output = {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [said]}
    assert drafted(ResponseOutputMessage.model_validate(output)).text == "Hi"
    # Mappings that hold objects, as `messages.append({"role": "assistant", "content": response.content})` makes them.
    assert drafted({"role": "assistant", "content": ResponseOutputMessage.model_validate(output).content}).text == "Hi"


@dataclass
class Prompt:
    """A part as pydantic-ai has it: a dataclass with times and bytes."""

    content: list[Any]
    timestamp: datetime = NOW
    part_kind: str = "user-prompt"


@dataclass
class Picture:
    """Bytes."""

    data: bytes
    media_type: str = "image/png"
    kind: str = "binary"


@dataclass
class Request:
    """A message of parts."""

    parts: list[Any] = field(default_factory=list)
    kind: str = "request"


def test_dataclasses_with_times_and_bytes() -> None:
    draft = drafted(Request([Prompt(["What is this?", Picture(b"\x89PNG\r\n")])]))
    assert draft.text.startswith("What is this?\n[file: 6 bytes, #")
    assert draft.said_at == NOW
    [prompt] = as_it_came(draft)["parts"]
    assert prompt["timestamp"] == "2026-03-02T09:00:00+00:00"
    assert prompt["content"][1]["data"] == "iVBORw0K"


def test_inline_bytes_stay_in_the_raw_log_and_out_of_everything_else(memory: Memory) -> None:
    encoded = "iVBORw0KGgo" * 1_000
    message = {"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}},
        {"type": "tool_use", "id": "t", "name": "save", "input": {"data": encoded}},
    ]}  # fmt: skip
    [receipt] = memory.add([message], namespace="ann")
    one = memory.get(str(receipt.id), namespace="ann")
    assert encoded[:100] not in f"{one.text}{one.metadata}"
    assert "[image: image/png, 8,250 bytes, #" in one.text
    exported = list(memory.export(namespace="ann"))
    assert json.loads(exported[1])["metadata"][AS_CAME] == message
    memory.import_(exported, namespace="copy")
    assert memory.get(one.id, namespace="copy").metadata == one.metadata
    assert list(memory.export(namespace="copy"))[1:] == exported[1:]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"id": "x", "object": "chat.completion", "choices": []}, r"give its message, `choices\[0\].message`"),
        ({"id": "r", "object": "response", "output": []}, "give its items, `response.output`"),
        ({"role": "assistant", "content": None}, "'content' came as NoneType"),
        ({"role": "assistant", "content": []}, "'content' came as NoneType"),
        ({"role": "user", "content": "x", "sesion_id": "s"}, "did you mean 'session_id'"),
        ({"role": 7, "content": "x"}, "'role' came as 7"),
        ({"role": "user", "content": [{"type": "text", "text": "half \ud83c"}]}, "half a character"),
        ({"role": "user", "content": "x", "id": "half \ud83c"}, "half a character"),
        ({"role": "user", "content": "x", "id": 1, "metadata": {"message": 1}}, "rename it"),
        ({"role": "user", "content": "x", "extra": object()}, "which JSON cannot hold"),
        ({"role": "user", "content": "x", "extra": float("nan")}, "cannot be written as JSON"),
    ],
)
def test_what_cannot_be_kept_is_rejected_with_its_reason(message: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidMessage, match=said):
        drafts(message, ENVELOPE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([
    *FIELDS, "type", "parts", "kind", "tool_calls", "function_call", "refusal", "id", "data", "kwargs", "lc", "output",
    "part_kind", "text", "input", "source", "arguments", "audio", "function",
])  # fmt: skip
KINDS = st.sampled_from(
    ["human", "ai", "text", "tool_use", "tool-result", "image", "function_call", "reasoning", "request"]
)
WORDS = st.text() | KINDS | st.sampled_from(["user", "assistant", "2026-03-02", "data:image/png;base64,iVBO"])
PARTS = st.dictionaries(NAMES, WORDS | JSON, max_size=5)
VALUES = WORDS | JSON | PARTS | st.lists(PARTS, max_size=3)


@given(
    st.dictionaries(NAMES | st.text(max_size=8), VALUES, max_size=6)
    | st.sampled_from([one["message"] for one in SHAPES])
)
def test_whatever_mapping_comes_is_kept_losslessly_or_rejected_with_a_reason(message: dict[str, Any]) -> None:
    [found] = drafts([message], ENVELOPE)
    if isinstance(found, Receipt):
        assert found.status == "rejected"
        assert found.reason
        return
    assert found.text.strip()
    came = as_it_came(found)
    own = {"session_id": found.session_id, "key": found.key, "timestamp": found.said_at}
    for name, value in message.items():
        if name in own or value in (None, [], {}):
            continue  # a column, whose checks have tests of their own; or what means the same left out
        assert came[name] == value, name


@given(JSON)
def test_a_text_that_merely_is_json_is_no_message(value: Any) -> None:
    assert not shapes.is_message(value)


@pytest.mark.parametrize(
    "value", [{"type": "config", "name": "x"}, {"content": "x", "size": 1}, {"role": "admin"}, ["x"]]
)
def test_what_looks_like_a_message_and_is_none(value: Any) -> None:
    assert not shapes.is_message(value)
