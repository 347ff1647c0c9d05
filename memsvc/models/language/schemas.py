"""A pydantic schema as a server and a model are told it, and which way of telling it a server takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

Constraint = Literal["json_schema", "json_object", "prompt"]
ORDER: tuple[Constraint, ...] = ("json_schema", "json_object", "prompt")
"""Tried one after the other."""

# What OpenAI's strict mode takes: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
_STRICT_KEYWORDS = frozenset(
    "$defs $ref additionalProperties anyOf const description enum exclusiveMaximum exclusiveMinimum format items "
    "maximum maxItems minimum minItems multipleOf pattern properties required title type".split()
)

_NAMED = ("properties", "$defs")  # keywords that hold schemas by name; a name is no keyword
_VALUES = frozenset({"const", "default", "enum", "examples"})  # keywords that hold values, not schemas


def in_words(schema: type[BaseModel]) -> str:
    """What stands at the end of the system prompt, for servers that don't hear of the schema otherwise."""
    told = json.dumps(_shortened(schema.model_json_schema()), ensure_ascii=False, separators=(",", ":"))
    return f"Reply with one JSON value that fits this JSON schema, and with nothing else:\n{told}"


def response_format(schema: type[BaseModel], constraint: Constraint) -> dict[str, Any] | None:
    """OpenAI's `response_format` for this constraint; None where the prompt alone asks for JSON."""
    if constraint == "prompt":
        return None
    if constraint == "json_object":
        return {"type": "json_object"}
    told = _closed(schema.model_json_schema())
    return {
        "type": "json_schema",
        "json_schema": {"name": schema.__name__, "schema": told, "strict": _is_strict(told)},
    }


def _mapped(node: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """The schema with `change` made at every schema object, innermost first."""
    if isinstance(node, list):
        return [_mapped(part, change) for part in node]
    if not isinstance(node, dict):
        return node
    return change({key: _part(key, part, change) for key, part in node.items()})


def _part(key: str, part: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    if key in _VALUES:
        return part
    if key in _NAMED:
        return {name: _mapped(schema, change) for name, schema in part.items()}
    return _mapped(part, change)


def _shortened(schema: dict[str, Any]) -> Any:
    """Without titles, which pydantic makes of the names that stand there anyway."""
    return _mapped(schema, lambda node: {key: part for key, part in node.items() if key != "title"})


def _closed(schema: dict[str, Any]) -> Any:
    """With no other keys allowed than those named: what a strict server demands, and a free one should know."""
    return _mapped(schema, lambda node: {"additionalProperties": False, **node} if "properties" in node else node)


def _is_strict(node: Any) -> bool:
    """Whether OpenAI's strict mode takes the schema: every key required, every object closed, plain keywords."""
    if isinstance(node, list):
        return all(_is_strict(part) for part in node)
    if not isinstance(node, dict):
        return True
    if not node.keys() <= _STRICT_KEYWORDS or ("$ref" in node and len(node) > 1):
        return False
    if node.get("type") == "object" and not (
        node.get("additionalProperties") is False and node.get("properties", {}).keys() == set(node.get("required", ()))
    ):
        return False
    named = [schema for key in _NAMED for schema in node.get(key, {}).values()]
    return all(map(_is_strict, [*named, node.get("items"), node.get("anyOf")]))


class Negotiation:
    """What one server was found to take. No library's table is asked: for local servers they are wrong.

    What works for a schema is kept for that schema, and is where new schemas start: a server may
    take json_schema in general and fail on one schema whose grammar it cannot build.
    Not locked: all calls of a model run on one event loop.
    """

    def __init__(self) -> None:
        self.settled: Constraint | None = None
        self._of_schema: WeakKeyDictionary[type[BaseModel], Constraint] = WeakKeyDictionary()

    def steps(self, schema: type[BaseModel] | None) -> tuple[Constraint | None, ...]:
        """Constraints to try, one after the other; `(None,)` where none is wanted."""
        if schema is None:
            return (None,)
        return ORDER[ORDER.index(self._of_schema.get(schema, self.settled or ORDER[0])) :]

    def worked(self, schema: type[BaseModel] | None, constraint: Constraint | None) -> None:
        """The server answered under this constraint, and had rejected those above it. The first that worked stays."""
        if schema is None or constraint is None:
            return
        self._of_schema.setdefault(schema, constraint)
        self.settled = self.settled or constraint
