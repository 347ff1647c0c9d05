"""The bodies of requests. Types are strict and unknown fields an error; what values mean is the verbs' to check.

Pydantic reads these annotations, so that what they name is imported for real.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

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


class AnyNamespace(Body):
    """For verbs that can go over all namespaces, which takes a key for all of them."""

    namespace: str | None = Field(None, description="only this namespace; null: all of them")  # type: ignore[assignment]


class Filtered(Body):
    """The filters of look-ups."""

    since: Moment | None = Field(None, description="said at or after this time")
    until: Moment | None = Field(None, description="said at or before this time")
    as_of: Moment | None = Field(None, description="valid at this moment")
    session_id: Names | None = Field(None, description="only these sessions")
    speaker: Names | None = Field(None, description="only what these said")


class Kinds(Filtered):
    """The filters of look-ups that see several kinds of memories."""

    kind: Names | None = Field(None, description="message, fact, episode")


class AddBody(Body):
    """Messages to store."""

    messages: Messages = Field(description="a text, a message, or a list of either")
    session_id: str | None = Field(None, description="the session of messages that name none")
    key: str | None = Field(None, description="makes the call idempotent: message i is stored once under key/i")


class EpisodeBody(Body):
    """A task attempt to store."""

    intent: str = Field(description="what was asked")
    trajectory: str | Steps = Field(description="what was done: a text, or its steps")
    reward: float | None = Field(None, description="from -1 to 1")
    success: bool | None = Field(None, description="by default whether the reward is above 0")
    experience: str | None = Field(None, description="what to take from it")
    key: str | None = Field(None, description="makes the call idempotent")
    session_id: str | None = None
    timestamp: Moment | None = None
    metadata: dict[str, Any] | None = None


class UpdateBody(Body):
    """A correction; what is null stays."""

    text: str | None = None
    valid_from: Moment | None = None
    valid_to: Moment | None = None


ForSession: Any = Field(
    None, description="on whose behalf: for a while, what this session is given and sends back is not stored again"
)


class SearchBody(Kinds):
    """A question to the fast index."""

    query: str
    top_k: int | None = Field(None, le=MAX_TOP_K, description="how many at most; 10 unless a budget is given")
    token_budget: int | None = Field(None, description="take the best that fit into so many tokens")
    trace: bool = Field(False, description="keep what was found, so that it can be rewarded")
    for_session: str | None = ForSession


class EpisodesBody(Filtered):
    """A task to find experience for."""

    intent: str
    top_k: int | None = Field(None, le=MAX_TOP_K, description="how many are given at most (k2); 5")
    pool: int | None = Field(None, le=MAX_TOP_K, description="how many of the most similar are considered (k1); 10")
    threshold: float | None = Field(None, description="the cosine that an intent must exceed")
    weight: float | None = Field(None, description="utility's part in the ranking, 0 to 1")
    epsilon: float | None = Field(None, description="the probability of choosing from the pool at random")
    seed: int | None = None


class AskBody(Kinds):
    """A question to be answered."""

    question: str
    top_k: int | None = Field(None, le=MAX_TOP_K, description="memories that the fast answer sees")
    gate: Policy | None = None
    deliberation: Deliberation | None = None
    style: Style | None = None
    for_session: str | None = ForSession
    model: str | None = Field(None, description="another model than the service's own, as LiteLLM names it; admin only")


class FeedbackBody(Body):
    """A reward for what a look-up gave."""

    trace_id: str
    reward: float = Field(description="from -1 (harmful) to 1 (helpful)")
    used: Annotated[list[str], Field(fail_fast=True, max_length=MAX_NAMES)] | None = Field(
        None, description="which of the memories given were of use; null: all"
    )
    key: str | None = Field(None, description="makes the call idempotent")
    source: str = Field("default", description="who gives it")
    credit: str = Field("uniform", description="uniform: all that were used; cited: those the answer names")


class ForgetBody(Body):
    """What to erase: one of these, or all of the namespace."""

    session_id: str | None = Field(None, description="this session's messages and episodes")
    memory_id: str | None = Field(None, description="this message, fact or episode")
    source: str | None = Field(None, description="what was added under this key or metadata `source`")


class ErasureBody(Body):
    """A receipt to check."""

    receipt: dict[str, Any] = Field(description="as `forget` gave it")


class RetainBody(Body):
    """How many memories stay in the fast index."""

    budget: int | None = Field(None, description="by default the setting hot_memories")


class GateBody(Body):
    """What the gate is fitted to."""

    budget: float = Field(description="the share of questions that may escalate, 0 to 1")
