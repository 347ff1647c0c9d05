"""Lists that go in several calls: each message still says which of its like it is."""

from __future__ import annotations

from typing import Any

from memsvc.client.slicing import MOST_MESSAGES, numbered, slices

PICTURE = {"content": "<Media omitted>", "timestamp": "2026-03-02T10:02", "name": "Bob"}


def occurrences(messages: list[Any]) -> list[Any]:
    return [one.get("occurrence") if isinstance(one, dict) else None for one in messages]


def test_messages_with_a_time_and_no_key_are_counted_with_their_like() -> None:
    other = {**PICTURE, "name": "Ann"}
    keyed = {**PICTURE, "key": "m1"}
    given = [PICTURE, "hello", other, keyed, {**PICTURE, "metadata": {"n": 3}}, {"content": "no time"}, PICTURE]
    assert occurrences(numbered(given)) == [0, None, 0, None, 2, None, 3]


def test_the_count_goes_on_from_one_request_to_the_next() -> None:
    several = slices({"messages": [PICTURE] * (MOST_MESSAGES + 2), "key": "k", "namespace": "ann"})
    assert [len(one["messages"]) for one in several] == [MOST_MESSAGES, 2]
    assert [(one["key"], one["occurrence"]) for one in several[1]["messages"]] == [("k/1000", 1000), ("k/1001", 1001)]
    few = {"messages": [PICTURE] * 3}
    assert slices(few) == [few], "one request is counted where it is heard"
