"""Lists of messages that are longer than one request may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from memsvc.errors import InvalidInput
from memsvc.times import later
from memsvc.writing.messages import as_mapping
from memsvc.writing.plain import is_object
from memsvc_store.values.drafts import Receipt

_BESIDE = ("key", "occurrence", "metadata", "tags")
"""Fields that messages which say the same may differ in."""

MOST_MESSAGES = 1_000
"""Messages that one request may hold; the service's own bound (`memsvc/service/bodies.py`)."""


def slices(given: dict[str, Any]) -> list[dict[str, Any]]:
    """The arguments of `add`, in as many calls as it takes, in order; objects of frameworks as mappings.

    Receipts, keys and times are those of one call: `key="import-7"` makes `import-7/0`, `import-7/1` and so on all
    through, for the messages that have no key of their own. Which of several equal messages one is (`occurrence`) is
    counted over the whole list.

    Raises:
        InvalidMessage: an object that cannot say its fields, or holds what JSON cannot.
        InvalidInput: `strict`, and more than one call.
        InvalidTimestamp: the time of all of them cannot be read.
    """
    messages, key = given.get("messages"), given.get("key")
    if not isinstance(messages, Sequence) or isinstance(messages, str | bytes | bytearray):
        return [given | {"messages": _sent(messages)}]
    messages = [_sent(message) for message in messages]
    if len(messages) <= MOST_MESSAGES:
        return [given | {"messages": messages}]
    if given.get("strict"):
        raise InvalidInput(
            f"{len(messages):,} messages came with strict, and a service stores {MOST_MESSAGES:,} at once; "
            "give at most as many in one call"
        )
    if given.get("kind") != "fact":
        messages = numbered(messages)
    if isinstance(key, str):
        messages = [_keyed(message, f"{key}/{place}") for place, message in enumerate(messages)]
        given = {name: value for name, value in given.items() if name != "key"}
    starts = range(0, len(messages), MOST_MESSAGES)
    return [given | _later(given, start) | {"messages": messages[start : start + MOST_MESSAGES]} for start in starts]


def rejections(part: dict[str, Any], reasons: Mapping[int, str]) -> list[Receipt]:
    """The receipts of a part of a longer list, of which every message was rejected."""
    return [Receipt("rejected", None, reasons.get(place)) for place in range(len(part["messages"]))]


def _sent(message: Any) -> Any:
    """A message of a framework as a mapping; what is no message is the service's to reject."""
    return as_mapping(message) if isinstance(message, Mapping) or is_object(message) else message


def _later(given: dict[str, Any], start: int) -> dict[str, Any]:
    """The time of a later part, so that equal messages of two parts stay two."""
    if given.get("timestamp") is None:
        return {}
    return {"timestamp": later(given["timestamp"], given.get("timezone"), start)}


def numbered(messages: Sequence[object]) -> list[object]:
    """Messages that go in several calls; one that has a time, and no key of its own, says which of its like it is."""
    seen: Counter[str] = Counter()
    return [_numbered(message, seen) for message in messages]


def _numbered(message: object, seen: Counter[str]) -> object:
    if not isinstance(message, Mapping) or message.get("timestamp") is None:
        return message
    alike = str(sorted((str(name), str(value)) for name, value in message.items() if name not in _BESIDE))
    seen[alike] += 1
    if message.get("key") is not None or message.get("occurrence") is not None:
        return message
    return {**message, "occurrence": seen[alike] - 1}


def _keyed(message: object, key: str) -> object:
    """A message under a key, unless it has one; what is no message is the service's to reject."""
    if isinstance(message, str):
        return {"content": message, "key": key}
    if isinstance(message, Mapping) and message.get("key") is None:
        return {**message, "key": key}
    return message
