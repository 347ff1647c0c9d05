"""The library's values as JSON documents: the fields keep their names, times are ISO 8601."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any


def document(value: Any) -> Any:
    """A value, and everything in it, as what JSON knows."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): document(one) for key, one in value.items()}
    if is_dataclass(value):
        return {field.name: document(getattr(value, field.name)) for field in fields(value)}
    if hasattr(value, "_asdict"):
        return document(value._asdict())
    if isinstance(value, Sequence | Set):
        return [document(one) for one in value]
    return str(value)
