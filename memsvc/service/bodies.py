"""The bodies of requests. Types are strict and unknown fields an error; what values mean is the verbs' to check.

Pydantic reads these annotations, so that what they name is imported for real.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from memsvc.contract.sentences import sentences
from memsvc_retrievers.choices import Deliberation, Policy, Style

# Pydantic makes an error, of some 600 bytes, for each item of a list and each field that is wrong, on the event loop: a
# body of 1 MB cost 600 MB and 4 s. So lists end at their first error (`fail_fast`), and there are only so many fields.
MAX_FIELDS = 64
"""Fields of a body, known or not; no verb has more than twenty."""

MAX_MESSAGES = 1_000
"""Messages of one `add`: it is one transaction, and of SQLite's the writers after it wait 30 s at most."""

MAX_NAMES = 1_000
"""Sessions, speakers, or memories in one list."""

MAX_STEPS = 10_000
"""Steps of a trajectory; their characters are bounded by a setting."""

MAX_TOP_K = 1_000
"""Hits of one look-up over HTTP, as memories of one `list`."""

MESSAGE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Message",
    "required": ["content"],
    "additionalProperties": False,
    "properties": {
        "role": {"type": "string", "description": "user, assistant, ...; by default user"},
        "content": {"type": "string", "description": "the text, kept verbatim"},
        "name": {"type": "string", "description": "who said it; by default the role"},
        "timestamp": {"type": ["string", "number"], "description": "when: ISO 8601, or seconds since 1970"},
        "session_id": {"type": "string"},
        "key": {"type": "string", "description": "your own name for it: under one key it is stored once"},
        "metadata": {"type": "object"},
    },
}

Moment = Annotated[str | float, Field(description="ISO 8601, or seconds since 1970; without an offset it is UTC")]
Names = str | Annotated[list[str], Field(fail_fast=True, max_length=MAX_NAMES)]
# What a list holds is checked message by message: one that cannot be used is rejected in its own receipt.
_ONE = WithJsonSchema({"anyOf": [{"type": "string"}, MESSAGE_SCHEMA]})
_Several = Annotated[list[Annotated[Any, _ONE]], Field(fail_fast=True, max_length=MAX_MESSAGES)]
Messages = str | Annotated[dict[str, Any], WithJsonSchema(MESSAGE_SCHEMA)] | _Several
Steps = Annotated[list[str | dict[str, Any]], Field(fail_fast=True, max_length=MAX_STEPS)]


B = TypeVar("B", bound="Body")


class Body(BaseModel):
    """What a verb is told; what is null counts as not given."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _few(cls, value: Any) -> Any:
        if isinstance(value, dict) and len(value) > MAX_FIELDS:
            told = {"fields": len(value), "most": MAX_FIELDS}
            raise PydanticCustomError("too_many_fields", "{fields} fields came, and at most {most} are looked at", told)
        return value

    namespace: str = Field(description="whose memories: names joined by `/`, such as acme/alice")

    def given(self, *but: str) -> dict[str, Any]:
        """What was given, by name, as the verb takes it; `but` is left out."""
        found = {name: getattr(self, name) for name in type(self).model_fields if name not in but}
        return {name: value for name, value in found.items() if value is not None}


def told_by(verb: str) -> Callable[[type[B]], type[B]]:
    """A class decorator: fields of which nothing is said get the verb's own sentence about the parameter."""

    def told(body: type[B]) -> type[B]:
        for name, field in body.model_fields.items():
            field.description = field.description or sentences(verb).get(name)
        body.model_rebuild(force=True)
        return body

    return told


class AnyNamespace(Body):
    """For verbs that can go over all namespaces, which takes a key for all of them."""

    namespace: str | None = Field(None, description="only this namespace; null: all of them")  # type: ignore[assignment]


class Filtered(Body):
    """The filters of look-ups."""

    since: Moment | None = None
    until: Moment | None = None
    as_of: Moment | None = None
    session_id: Names | None = None
    speaker: Names | None = None


class Kinds(Filtered):
    """The filters of look-ups that see several kinds of memories."""

    kind: Names | None = None


@told_by("add")
class AddBody(Body):
    """Messages to store."""

    messages: Messages
    session_id: str | None = None
    key: str | None = None


@told_by("add_episode")
class EpisodeBody(Body):
    """A task attempt to store."""

    intent: str
    trajectory: str | Steps
    reward: float | None = None
    success: bool | None = None
    experience: str | None = None
    key: str | None = None
    session_id: str | None = None
    timestamp: Moment | None = None
    metadata: dict[str, Any] | None = None


@told_by("update")
class UpdateBody(Body):
    """A correction; what is null stays."""

    text: str | None = None
    valid_from: Moment | None = None
    valid_to: Moment | None = None


@told_by("search")
class SearchBody(Kinds):
    """A question to the fast index."""

    query: str
    top_k: int | None = Field(None, le=MAX_TOP_K)
    token_budget: int | None = None
    trace: bool = False
    for_session: str | None = None


@told_by("search_episodes")
class EpisodesBody(Filtered):
    """A task to find experience for."""

    intent: str
    top_k: int | None = Field(None, le=MAX_TOP_K)
    pool: int | None = Field(None, le=MAX_TOP_K)
    threshold: float | None = None
    weight: float | None = None
    epsilon: float | None = None
    seed: int | None = None


@told_by("ask")
class AskBody(Kinds):
    """A question to be answered."""

    question: str
    top_k: int | None = Field(None, le=MAX_TOP_K)
    gate: Policy | None = None
    deliberation: Deliberation | None = None
    style: Style | None = None
    for_session: str | None = None
    model: str | None = Field(None, description="another model than the service's own, as LiteLLM names it; admin only")


@told_by("feedback")
class FeedbackBody(Body):
    """A reward for what a look-up gave."""

    trace_id: str
    reward: float
    used: Annotated[list[str], Field(fail_fast=True, max_length=MAX_NAMES)] | None = None
    key: str | None = None
    source: str = "default"
    credit: str = "uniform"


@told_by("forget")
class ForgetBody(Body):
    """What to erase: one of these, or all of the namespace."""

    session_id: str | None = None
    memory_id: str | None = None
    source: str | None = None


@told_by("verify_erasure")
class ErasureBody(Body):
    """A receipt to check."""

    receipt: dict[str, Any]


@told_by("retain")
class RetainBody(Body):
    """How many memories stay in the fast index."""

    budget: int | None = None


@told_by("calibrate_gate")
class GateBody(Body):
    """What the gate is fitted to."""

    budget: float
