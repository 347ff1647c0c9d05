"""A JSON file and the values in it, checked one by one: everything here either fits or raises `DatasetError`."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from memsvc_evals.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SHOWN = 80  # characters of a bad value that a message quotes
_EXAMPLE = datetime(2023, 5, 8, 13, 56, 4)


def complain(place: str, value: object, wanted: str) -> DatasetError:
    """The error for a value that cannot be used."""
    shown = repr(value)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    return DatasetError(f"{place}: found {shown}, wanted {wanted}")


def read_json(path: Path) -> tuple[Any, str]:
    """The parsed file and the SHA-256 of its bytes.

    Raises:
        DatasetError: it cannot be read, is not UTF-8 or is not whole JSON.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); give the path of the data set") from error
    try:
        value = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: byte {error.start} is not UTF-8; wanted a JSON file") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise DatasetError(f"{path}: {where}: {error.msg}; wanted whole JSON, the file may be truncated") from error
    except RecursionError as error:
        raise DatasetError(f"{path}: nested too deeply; wanted a data set") from error
    return value, hashlib.sha256(raw).hexdigest()


def as_object(value: object, place: str) -> Mapping[str, Any]:
    """The value, if it is a JSON object."""
    if not isinstance(value, dict):
        raise complain(place, value, "an object")
    return value


def as_list(value: object, place: str) -> list[Any]:
    """The value, if it is a JSON list."""
    if not isinstance(value, list):
        raise complain(place, value, "a list")
    return value


def require(record: Mapping[str, Any], key: str, place: str) -> Any:
    """The value under `key`, which must be there."""
    if key not in record:
        raise complain(place, sorted(record), f"an object with {key!r}")
    return record[key]


def text_of(record: Mapping[str, Any], key: str, place: str) -> str:
    """The string under `key`, which must be there; it may be empty."""
    value = require(record, key, place)
    if not isinstance(value, str):
        raise complain(f"{place}.{key}", value, "a string")
    return value


def name_of(record: Mapping[str, Any], key: str, place: str) -> str:
    """The string under `key`, which must be there and say something."""
    value = text_of(record, key, place)
    if not value.strip():
        raise complain(f"{place}.{key}", value, "a string that is not empty")
    return value


def moment(value: str, form: str, place: str) -> datetime:
    """A date without a zone, taken as UTC; `form` is that of `strptime`."""
    try:
        return datetime.strptime(value.strip(), form).replace(tzinfo=UTC)
    except ValueError as error:
        raise complain(place, value, f"a date like {_EXAMPLE.strftime(form)!r}") from error
