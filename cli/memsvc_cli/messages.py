"""Reading messages from a file: one JSON message a line, or one JSON list.

The whole file is read before anything is stored: if it is malformed, nothing of it is.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from memsvc.errors import InvalidInput, InvalidMessage
from memsvc_store.errors import shown

STDIN = "-"


class Item(NamedTuple):
    """A message, and where it stands: "line 3", or "message 3" of a list."""

    place: str
    message: Any


def read_messages(file: str, key: str | None = None, *, facts: bool = False) -> list[Item]:
    """Every message of a file, or of stdin for `-`.

    Args:
        key: message `i` without a key of its own gets `key/i`, counted over the whole file as
            `Memory.add` counts over a list.
        facts: they are facts, which need neither key nor number.

    Raises:
        InvalidMessage: naming the file and the line that is not JSON.
        OSError: the file cannot be read.
    """
    from memsvc.client.slicing import numbered

    text = read_text(file)
    items = _of_list(text, file) if text.lstrip().startswith("[") else _of_lines(text, file)
    if facts:
        return items
    items = [Item(item.place, one) for item, one in zip(items, numbered([i.message for i in items]), strict=True)]
    if key is None:
        return items
    return [Item(item.place, _keyed(item.message, f"{key}/{index}")) for index, item in enumerate(items)]


def read_metadata(given: Sequence[str]) -> dict[str, Any]:
    """Metadata as a command takes it: `key=value`, whose value is a text, or JSON objects; later ones win.

    Raises:
        InvalidInput: one that is neither.
    """
    found: dict[str, Any] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if one.lstrip().startswith("{"):
            found |= _object(one)
        elif sign and name.strip():
            found[name.strip()] = value
        else:
            raise InvalidInput(f"--metadata came as {shown(one)}; give KEY=VALUE, or a JSON object")
    return found


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"--metadata came as {shown(text)}, which is not JSON ({error}); correct it") from error
    assert isinstance(value, dict), "it begins with a brace"
    return value


def name_of(file: str) -> str:
    """The file as messages to people name it."""
    return "stdin" if file == STDIN else file


def read_text(file: str) -> str:
    """The text of a file, or of stdin for `-`.

    Raises:
        InvalidMessage: naming the line that is not UTF-8.
        OSError: the file cannot be read.
    """
    data = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidMessage(
            f"{name_of(file)}, line {line} is not UTF-8; convert the file. Nothing was stored"
        ) from error


def _of_list(text: str, file: str) -> list[Item]:
    return [Item(f"message {number}", message) for number, message in enumerate(_json(text, file, 1), 1)]


def _of_lines(text: str, file: str) -> list[Item]:
    # Not splitlines(): JSON may hold U+2028 and its like inside a string.
    lines = enumerate(text.split("\n"), 1)
    return [Item(f"line {number}", _json(line, file, number)) for number, line in lines if line.strip()]


def _json(text: str, file: str, first_line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line, what = first_line + error.lineno - 1, f"{error.msg}, column {error.colno}"
    except (RecursionError, ValueError):
        line, what = first_line, "nested too deeply, or a number too long"
    raise InvalidMessage(f"{name_of(file)}, line {line} is not JSON ({what}); correct it. Nothing was stored")


def _keyed(message: Any, key: str) -> Any:
    if isinstance(message, str):
        return {"content": message, "key": key}
    if isinstance(message, dict) and message.get("key") is None:
        return {**message, "key": key}
    return message
