"""What callers hand over, as JSON and as a query."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence, Set
from datetime import date
from typing import TYPE_CHECKING, Any

from memsvc.errors import InvalidMessage
from memsvc_store.errors import shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

CHUNK = 64 << 10
"""Characters of an import that are sent at a time."""


def body(given: Mapping[str, Any]) -> bytes:
    """A JSON document.

    Raises:
        InvalidMessage: what JSON cannot hold, or would change: bytes, NaN, keys that are no strings. Nothing was sent.
    """
    try:
        return json.dumps(_plain(given), allow_nan=False).encode()
    except InvalidMessage:  # a ValueError as well
        raise
    except (ValueError, RecursionError) as error:
        raise InvalidMessage(f"this cannot be written as JSON ({error}); nothing was sent") from error


def query(given: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Names and values; a list is a name that comes more than once.

    Raises:
        InvalidMessage: a value that is no string, number or list of them.
    """
    pairs = []
    for name, value in given.items():
        plain = _plain(value)
        for one in plain if isinstance(plain, list) else [plain]:
            pairs.append((name, one if isinstance(one, str) else json.dumps(one)))
    return tuple(pairs)


def chunks(lines: Iterable[str]) -> Iterator[bytes]:
    """Lines, with or without their ends, as the bytes of an upload.

    Raises:
        InvalidMessage: no lines, or one that holds half a character.
    """
    gathered = _Gathered()
    for line in checked_lines(lines):
        if gathered.add(line):
            yield gathered.taken()
    yield gathered.taken()


async def achunks(lines: Iterable[str] | AsyncIterable[str]) -> AsyncIterator[bytes]:
    """The same for lines that may have to be waited for."""
    if not isinstance(lines, AsyncIterable):
        for chunk in chunks(lines):
            yield chunk
        return
    gathered = _Gathered()
    async for line in lines:
        if gathered.add(line):
            yield gathered.taken()
    yield gathered.taken()


def checked_lines(lines: object) -> Iterable[str]:
    """What can be lines.

    Raises:
        InvalidMessage: it cannot.
    """
    if isinstance(lines, str | bytes) or not isinstance(lines, Iterable):
        raise InvalidMessage(f"an export came as {type(lines).__name__}; give its lines, such as an open file")
    return lines


class _Gathered:
    """Lines on their way into one chunk."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._size = 0

    def add(self, line: str) -> bool:
        """Take one in; whether the chunk is full."""
        self._lines.append(line if line.endswith("\n") else f"{line}\n")
        self._size += len(line)
        return self._size >= CHUNK

    def taken(self) -> bytes:
        """The chunk; the next one is empty."""
        text = "".join(self._lines)
        self._lines, self._size = [], 0
        try:
            return text.encode()
        except UnicodeEncodeError as error:
            raise InvalidMessage("a line holds half a character; decode the source as UTF-8") from error


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, date):  # or a datetime
        return value.isoformat()
    if isinstance(value, Mapping):
        return {_name(key): _plain(one) for key, one in value.items()}
    if isinstance(value, Sequence | Set) and not isinstance(value, bytes | bytearray | memoryview):
        return [_plain(one) for one in value]
    raise InvalidMessage(
        f"{shown(value)} ({type(value).__name__}) came, which JSON cannot hold; give strings, numbers, lists "
        "or mappings. Nothing was sent"
    )


def _name(key: object) -> str:
    if not isinstance(key, str):
        raise InvalidMessage(f"a key came as {shown(key)}; give mappings with string keys. Nothing was sent")
    return key
