"""Every word is kept: a month of an agent's work, however it is handed over, stands in the log word for word."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from memsvc import Memory
from memsvc.testing import HashEmbedder
from tests.memsvc.conftest import START

SAID = ["Please water the plants today.", "No.", "ok", "What about you?", "Book me a table for two in Oslo at seven."]
DONE = [
    '{"tool": "calendar.list", "arguments": {"day": "today"}}',
    "[]",
    "The plants were watered at nine, as on every day.",
    "def main() -> None:\n    print('  spaces  are kept ')\n",
    "Done.",
]
ROLES = {"user": SAID, "assistant": DONE, "tool": DONE[:3]}
TURNS = 2
"""A day."""

Message = dict[str, Any]


class Clock:
    """Stands still within a minute, as the clocks of exports do."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> Any:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(path: Path, clock: Clock) -> Iterator[Memory]:
    with Memory.open(path, embedder=HashEmbedder(), now=clock) as opened:
        yield opened


def day(chance: random.Random, clock: Clock) -> Iterator[list[Message]]:
    """The turns of a day: a few messages each, several in a minute, most of which were said before."""
    for _ in range(TURNS):
        clock.at += timedelta(minutes=chance.randint(1, 40))
        roles = ["user", *chance.choices(["assistant", "tool"], k=chance.randint(1, 3))]
        yield [{"role": role, "content": chance.choice(ROLES[role])} for role in roles]


def keyed(memory: Memory, session: str, said: list[Message], new: list[Message], at: str) -> None:
    """The whole history anew each turn, every message under its own key."""
    said += [{**one, "key": f"{session}-{len(said) + n}"} for n, one in enumerate(new)]
    memory.add(said, namespace="agent", session_id=session)


def timed(memory: Memory, session: str, said: list[Message], new: list[Message], at: str) -> None:
    """The whole history anew each turn, with times to the minute."""
    said += [{**one, "timestamp": at} for one in new]
    memory.add(said, namespace="agent", session_id=session)


def told(memory: Memory, session: str, said: list[Message], new: list[Message], at: str) -> None:
    """Message by message as it is said, without key and time; most repeat what was just looked up."""
    said += new
    for one in new:
        memory.add(one, namespace="agent", session_id=session)


def retried(memory: Memory, session: str, said: list[Message], new: list[Message], at: str) -> None:
    """Each turn under a key of its own, and sent twice, as after a broken connection."""
    key = f"{session}-{len(said)}"
    said += new
    for _ in range(2):
        memory.add(new, namespace="agent", session_id=session, key=key)


def backfilled(memory: Memory, session: str, said: list[Message], new: list[Message], at: str) -> None:
    """Nothing until the end of the day; then all of it, twice."""
    said += [{**one, "timestamp": at} for one in new]
    if len({one["timestamp"] for one in said}) == TURNS:
        for _ in range(2):
            memory.add(said, namespace="agent", session_id=session)


WAYS: list[Callable[[Memory, str, list[Message], list[Message], str], None]] = [keyed, timed, told, retried, backfilled]


def log(memory: Memory, namespace: str) -> dict[str, list[tuple[str, str]]]:
    """Session -> what stands in the raw log, in its order there."""
    found: dict[str, list[tuple[str, str]]] = {}
    messages = [message for message, _, _ in memory.store.export(namespace)]
    for message in sorted(messages, key=lambda one: (one.session_id, one.position)):  # type: ignore[union-attr]
        found.setdefault(message.session_id, []).append((message.role, message.text))  # type: ignore[union-attr]
    return found


def test_a_month_of_work_stands_in_the_log_word_for_word(memory: Memory, clock: Clock) -> None:
    chance = random.Random(7)
    sessions: dict[str, list[Message]] = {}
    for number in range(30):
        clock.at = START + timedelta(days=number)
        session, way = f"day {number:02}", WAYS[number % len(WAYS)]
        said = sessions[session] = []
        for new in day(chance, clock):
            memory.search(new[0]["content"], namespace="agent", for_session=session, top_k=5)
            way(memory, session, said, new, clock.at.isoformat(timespec="minutes"))
    wanted = {session: [(one["role"], one["content"]) for one in said] for session, said in sessions.items()}
    assert log(memory, "agent") == wanted
    listed = memory.list(namespace="agent", limit=1_000)
    assert Counter(one.text for one in listed) == Counter(text for said in wanted.values() for _, text in said)
    assert 0 < sum(one.echo_of is not None for one in listed) < len(listed) / 2
    memory.import_(memory.export(namespace="agent"), namespace="copy")
    assert log(memory, "copy") == wanted
    assert memory.verify() == []
