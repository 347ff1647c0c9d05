"""Values as JSON: the one rendering of what verbs give, for the shell, HTTP, MCP and `to_dict`.

Fields keep their names and come in their order, followed by what a value works out of them (`computed_field`: a hit's
score, a ledger's sums). Times are ISO 8601 with their offset; what is not finite is null. `adapter` describes and
reads what `dump` wrote as an equal value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import from_json


class Value:
    """What a verb gives."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """This value, and everything in it, as dicts, lists, strings and numbers that `json.dumps` takes."""
        found: dict[str, Any] = from_json(dump(self))
        return found


def to_dict(value: Any) -> Any:
    """What any verb gave as `json.dumps` takes it: of a list of values a list of dicts."""
    if isinstance(value, Value):
        return value.to_dict()
    if is_dataclass(value):
        return {field.name: to_dict(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): to_dict(one) for name, one in value.items()}
    if isinstance(value, Sequence | Set) and not isinstance(value, str | bytes):
        return [to_dict(one) for one in value]
    return from_json(dump(value))


def dump(value: object) -> bytes:
    """A value as a JSON document."""
    kind: Any = type(value)
    return adapter(kind).dump_json(value, fallback=_plain)


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """Schema, reader and writer of a kind of value, such as a frozen dataclass."""
    return TypeAdapter(kind)


def _plain(value: object) -> object:
    """What the writer does not know by itself: mappings that are no dict, and other sequences."""
    return dict(value) if isinstance(value, Mapping) else list(value)  # type: ignore[call-overload]
