"""A measurement declared in a TOML file: the fields of a frozen dataclass, under what the command line says."""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from memsvc.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")


def read(path: Path | None, kind: type[T], **given: Any) -> T:
    """The declaration; what the file leaves out has the default of its field.

    Args:
        path: a TOML file; None declares nothing.
        kind: a dataclass, whose fields are the keys.
        given: what overrides the file; None and what is empty does not.

    Raises:
        InvalidInput: the file cannot be read, or has a key or a value that the measurement does not know.
    """
    declared = {} if path is None else _table(path)
    declared |= {name: value for name, value in given.items() if value not in (None, (), [])}
    place = "the command line" if path is None else str(path)
    known = sorted(field.name for field in fields(kind))  # type: ignore[arg-type]
    if unknown := sorted(declared.keys() - set(known)):
        raise InvalidInput(f"{place}: {unknown[0]!r} is nothing that is known here; there are {', '.join(known)}")
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_json(json.dumps(declared, default=str), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise InvalidInput(f"{place}: {name} came as {first['input']!r}; {_lower(first['msg'])}") from error


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path}: cannot be read as a plan ({error}); give a file of TOML") from error


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
