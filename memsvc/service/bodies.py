"""What requests hold, made of the contract: a model of the body of each verb, and the types of a query's parameters.

Types are strict and unknown fields an error; what values mean is the verbs' to check.
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, create_model, model_validator
from pydantic_core import PydanticCustomError

from memsvc.contract.options import Identified, Kept, Order
from memsvc.contract.parameters import LOCAL, SHARED, Parameter, about, parameters
from memsvc.contract.table import VERBS
from memsvc_learners.credit import Credit
from memsvc_retrievers.choices import Deliberation, Policy, Style
from memsvc_retrievers.graph.values import CONSIDERED
from memsvc_store.values.jobs import JobState
from memsvc_store.values.learned import TraceKind

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
    "description": "a message of this form, or one of OpenAI, Anthropic, LangChain, pydantic-ai or the AI SDK as it is",
    "properties": {
        "role": {"type": "string", "description": "user, assistant, tool, system, ...; by default user"},
        "content": {"description": "the text, kept verbatim, or its parts; null beside tool calls"},
        "name": {"type": ["string", "null"], "description": "who said it; by default the role"},
        "timestamp": {
            "type": ["string", "number", "null"],
            "description": "when: ISO 8601, a date, 7d (ago), or seconds since 1970",
        },
        "session_id": {"type": ["string", "null"]},
        "key": {"type": ["string", "null"], "description": "your own name for it: under one key it is stored once"},
        "metadata": {"type": ["object", "null"]},
        "tags": {"type": ["array", "null"], "items": {"type": "string"}, "description": "labels, to filter by"},
        "expires_at": {
            "type": ["string", "number", "null"],
            "description": "gone from then on: a time, or 30d",
        },
    },
}

T = TypeVar("T")

_Moment = Annotated[
    str | float, Field(description="ISO 8601, a date or month, yesterday, 7d (ago), or seconds since 1970")
]
_Strings = Annotated[list[T], Field(fail_fast=True, max_length=MAX_NAMES)]
# What a list holds is checked message by message: one that cannot be used is rejected in its own receipt.
_ONE = WithJsonSchema({"anyOf": [{"type": "string"}, MESSAGE_SCHEMA]})
_Several = Annotated[list[Annotated[Any, _ONE]], Field(fail_fast=True, max_length=MAX_MESSAGES)]
_Object = Annotated[dict[str, Any], WithJsonSchema(MESSAGE_SCHEMA)]
_Steps = Annotated[list[str | dict[str, Any]], Field(fail_fast=True, max_length=MAX_STEPS)]

_JSON: Mapping[str, Any] = {
    "Any": Any, "Credit": Credit, "Deliberation": Deliberation, "JobState": JobState, "Kept": Kept, "Order": Order,
    "Policy": Policy, "Style": Style, "Identified": Identified, "TraceKind": TraceKind,
    "Time": _Moment, "Names": str | _Strings[str], "Where": dict[str, Any], "Sequence": _Strings, "Mapping": dict,
    "Messages": str | _Object | _Several, "Trajectory": str | _Steps, "LanguageModel": str, "Erasure": dict[str, Any],
}  # fmt: skip
"""What the names in the contract's annotations are as JSON: each of a verb's own types has its form here."""

_QUERY: Mapping[str, Any] = {**_JSON, "Time": str, "Names": list[str], "Where": str}
"""The same in a query, which holds strings; a list is a name that comes more than once."""

_BOUNDS: Mapping[str, Mapping[str, Any]] = {
    "top_k": {"le": MAX_TOP_K}, "pool": {"le": MAX_TOP_K}, "limit": {"ge": 1, "le": MAX_TOP_K}, "offset": {"ge": 0},
    "last": {"ge": 1, "le": MAX_TOP_K},
}  # fmt: skip
"""What keeps an answer small, whoever asks."""

_OTHERWISE: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("graph", "limit"): {"le": CONSIDERED},
    ("ask", "model"): {"description": "another model than the service's own, as LiteLLM names it; admin only"},
}
"""Where HTTP says something else of a parameter than the contract."""

_ONE_NAMESPACE = ("feedback",)
"""Verbs that over HTTP go to one namespace, which their key is checked against."""

_NOT_HTTPS = {
    ("search_episodes", "kind"): "only episodes are looked up: any other kind is an error",
    ("search_episodes", "role"): "episodes have none",
}
"""Parameters that requests do without, and why."""


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

    namespace: str = Field(description=SHARED["namespace"])

    def given(self, *but: str) -> dict[str, Any]:
        """What was given, by name, as the verb takes it; `but` is left out."""
        found = {name: getattr(self, name) for name in type(self).model_fields if name not in but}
        return {name: value for name, value in found.items() if value is not None}


def sent(verb: str) -> Mapping[str, Parameter]:
    """The parameters that a request to a verb names."""
    found = parameters(verb)
    return {name: one for name, one in found.items() if name not in LOCAL and (verb, name) not in _NOT_HTTPS}


def queried(verb: str, parameter: Parameter) -> tuple[Any, Mapping[str, Any]]:
    """The type of a parameter in a query, and what is said of it: its description and bounds."""
    return _kind(parameter, _QUERY), _said(verb, parameter)


@cache
def body(verb: str, page: int | None = None, longest: int | None = None, *, whole: bool = False) -> type[Body]:
    """The model of what a verb takes, but for what its path names.

    Args:
        whole: with what its path names.
        page: how many a list gives unless it is told otherwise; by default the verb's own number.
        longest: the most that a look-up or a list may give, where that is less than over HTTP.
    """
    fields: dict[str, Any] = {}
    for name, one in sent(verb).items():
        if (whole or f"{{{name}}}" not in VERBS[verb].path) and not (name == "namespace" and verb in _ONE_NAMESPACE):
            said = _said(verb, one)
            if longest is not None and "le" in said:
                said["le"] = longest
            default = page if page is not None and name == "limit" else ... if one.required else one.default
            fields[name] = (_kind(one, _JSON), Field(default, **said))
    title = "".join(part.capitalize() for part in verb.split("_"))
    return create_model(f"{title}Body", __base__=Body, __doc__=about(verb).partition("\n")[0], **fields)


def _kind(parameter: Parameter, names: Mapping[str, Any]) -> Any:
    return eval(parameter.kind, {}, dict(names))  # an annotation of ours, with other meanings for its names


def _said(verb: str, parameter: Parameter) -> dict[str, Any]:
    bounds = _BOUNDS.get(parameter.name, {})
    described = {"description": parameter.sentence} if parameter.sentence else {}
    return {**described, **bounds, **_OTHERWISE.get((verb, parameter.name), {})}
