"""Objects of other libraries as what JSON can hold, read by what they offer, so that none of them need be installed."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum
from typing import Any, ClassVar, Protocol
from uuid import UUID

from memsvc.errors import InvalidMessage
from memsvc_store.errors import shown

MAX_DEPTH = 64
"""Objects in each other; one that holds itself ends here. What is stored is bounded by `checks.MAX_DEPTH`."""


class Model(Protocol):
    """An object with a `model_dump`, such as pydantic's: messages of OpenAI, Anthropic and LangChain."""

    def model_dump(self) -> dict[str, Any]:
        """Its fields, by name."""
        ...


class Dataclass(Protocol):
    """A dataclass, such as the messages of pydantic-ai."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


def is_object(value: object) -> bool:
    """Whether a value is an object that `plain` makes a mapping of."""
    return not isinstance(value, type) and (
        callable(getattr(value, "model_dump", None)) or dataclasses.is_dataclass(value)
        or (hasattr(value, "content") and hasattr(value, "__dict__"))
    )  # fmt: skip


def plain(value: object, depth: int = MAX_DEPTH) -> Any:
    """A value as JSON holds it: objects as mappings of their fields, times in ISO 8601, bytes in base64.

    Raises:
        InvalidMessage: a key that is no string, another kind of object, or what is nested deeper than `MAX_DEPTH`.
    """
    if value is None or isinstance(value, str | int | float | bool):
        return value.value if isinstance(value, Enum) else value
    if not depth:
        raise InvalidMessage(f"a message is nested deeper than {MAX_DEPTH}; flatten it, or give its parts as text")
    if isinstance(value, Mapping):
        return {_name(key): plain(one, depth - 1) for key, one in value.items()}
    if isinstance(value, date):  # or a datetime
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, Enum):
        return plain(value.value, depth - 1)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Sequence):
        return [plain(one, depth - 1) for one in value]
    if is_object(value):
        return plain(fields(value), depth - 1)
    raise InvalidMessage(
        f"{shown(value)} ({type(value).__name__}) came in a message, which JSON cannot hold; give strings, numbers, "
        "lists or mappings"
    )


def fields(value: object) -> Mapping[str, Any]:
    """The fields of an object, by name.

    Raises:
        InvalidMessage: it cannot say them.
    """
    if callable(dump := getattr(value, "model_dump", None)):
        try:
            found = dump()
        except (TypeError, ValueError) as error:  # pydantic's errors are ValueErrors
            raise InvalidMessage(f"a {type(value).__name__} cannot be dumped ({error}); give a mapping") from error
    elif dataclasses.is_dataclass(value):
        names = [one.name for one in dataclasses.fields(value) if not one.name.startswith("_")]
        found = {name: getattr(value, name) for name in names}
    else:
        found = {name: one for name, one in vars(value).items() if not name.startswith("_")}
    if not isinstance(found, Mapping):
        raise InvalidMessage(f"a {type(value).__name__} was dumped as {type(found).__name__}; give a mapping")
    return found


def _name(key: object) -> str:
    if not isinstance(key, str):
        raise InvalidMessage(f"a message has a key that came as {shown(key)}; give mappings with string keys")
    return key
