"""Lists of messages that are longer than one request may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

_BESIDE = ("key", "occurrence", "metadata")
"""Fields that messages which say the same may differ in."""

MOST_MESSAGES = 1_000
"""Messages that one request may hold; the service's own bound (`memsvc/service/bodies.py`)."""


def slices(given: dict[str, Any]) -> list[dict[str, Any]]:
    """The arguments of `add`, in as many calls as it takes, in order.

    Receipts and keys are those of one call: `key="import-7"` makes `import-7/0`, `import-7/1` and so on all through,
    for the messages that have no key of their own. Which of several equal messages one is (`occurrence`) is counted
    over the whole list.
    """
    messages, key = given.get("messages"), given.get("key")
    if not isinstance(messages, Sequence) or isinstance(messages, str | bytes | bytearray):
        return [given]
    if len(messages) <= MOST_MESSAGES:
        return [given]
    messages = numbered(messages)
    if isinstance(key, str):
        messages = [_keyed(message, f"{key}/{place}") for place, message in enumerate(messages)]
        given = {name: value for name, value in given.items() if name != "key"}
    starts = range(0, len(messages), MOST_MESSAGES)
    return [given | {"messages": messages[start : start + MOST_MESSAGES]} for start in starts]


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
