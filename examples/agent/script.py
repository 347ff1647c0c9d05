"""Plays the script: five weeks of Mia, with a memory that fails now and then, and counts what came of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from agent import Agent, Message
from lines import DAYS, OLD, Turn, price
from tools import SUPPLIERS, shop

from memsvc import DatabaseBusy, Memory

NAMESPACE = "mia"
GREETING = Turn("Good morning!", "Good morning, Mia.")
PARTING = Turn("Thanks, see you tomorrow.", "See you tomorrow, Mia.")
BACKFILLED = 12  # the day on which an old conversation is brought in


class Clock:
    """Weekdays from Monday, 5 January 2026, nine o'clock; every look is five seconds later."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 5, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time, which moves on."""
        self.moment += timedelta(seconds=5)
        return self.moment

    def next_day(self) -> None:
        """Nine o'clock on the next weekday."""
        days = 3 if self.moment.weekday() == 4 else 1
        self.moment = (self.moment + timedelta(days=days)).replace(hour=9, minute=0, second=0)


class Scripted:
    """A model that answers by the script of `turn`. Only at tasks it decides, by the lessons that it is shown."""

    def __init__(self) -> None:
        self.turn = GREETING
        self._ids = count()

    def __call__(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> Message:
        """Calls first; then the text, with what they gave."""
        if messages[-1]["role"] == "tool":
            return {"role": "assistant", "content": self.turn.reply.format(result=messages[-1]["content"])}
        calls = self.turn.calls or tuple(self._order(messages[0]["content"]))
        if not calls:
            return {"role": "assistant", "content": self.turn.reply}
        return {"role": "assistant", "content": None, "tool_calls": [self._call(*call) for call in calls]}

    def _order(self, system: str) -> Iterator[tuple[str, dict[str, str]]]:
        """Order where it went well before, else where it has not failed yet."""
        if self.turn.part:
            followed, _, avoided = system.partition("Examples to follow")[2].partition("Mistakes to avoid")
            if not followed:
                avoided = system.partition("Mistakes to avoid")[2]
            tried = rf'"{self.turn.part}", "supplier": "(\w+)"'
            good, bad = re.findall(tried, followed), re.findall(tried, avoided)
            choice = [*good, *(one for one in SUPPLIERS if one not in bad)][0]
            yield "order", {"item": self.turn.part, "supplier": choice}

    def _call(self, name: str, arguments: Mapping[str, str]) -> dict[str, Any]:
        function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
        return {"id": f"call_{next(self._ids)}", "type": "function", "function": function}


class Unreliable:
    """The memory, of which every ninth write fails: in turn before it is done, and after, with the receipt lost."""

    def __init__(self, memory: Memory) -> None:
        self._memory, self._writes, self.failed = memory, 0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._memory, name)

    def add(self, *arguments: Any, **options: Any) -> Any:
        """Store, or fail before or after it."""
        self._writes += 1
        fails = self._writes % 9 == 0
        self.failed += fails
        if fails and self.failed % 2:
            raise DatabaseBusy("somebody else is writing; try again")
        receipts = self._memory.add(*arguments, **options)
        if fails:
            raise DatabaseBusy("the answer was lost; try again")
        return receipts


@dataclass(frozen=True)
class Played:
    """A turn, what the reply had from memory, what was said for it, and the reward of a task."""

    turn: Turn
    remembered: str
    reply: str
    reward: float | None = None


@dataclass
class Outcome:
    """All turns, all messages as they were said by session, how many writes failed, and when it was over."""

    turns: list[Played] = field(default_factory=list)
    said: dict[str, list[Message]] = field(default_factory=dict)
    failed: int = 0
    ended: datetime | None = None

    @property
    def recalls(self) -> list[Played]:
        """The turns for which memory has to bring something."""
        return [one for one in self.turns if one.turn.wants]

    @property
    def injected(self) -> list[Played]:
        """Those with what was wanted among the lines of memory."""
        return [one for one in self.recalls if str(one.turn.wants) in one.remembered]

    @property
    def answered(self) -> list[Played]:
        """Those with what was wanted in what `ask` gave."""
        return [one for one in self.recalls if str(one.turn.wants) in one.reply]

    @property
    def corrected(self) -> list[Played]:
        """Those that ask for what was corrected."""
        return [one for one in self.recalls if one.turn.stale]

    @property
    def heeded(self) -> list[Played]:
        """Those of which the first line of memory that has either value has the one of the correction."""
        return [one for one in self.corrected if _first(one.remembered, one.turn) and _first(one.reply, one.turn)]

    @property
    def irrelevant(self) -> list[Played]:
        """Off-topic turns that were given lines of memory all the same."""
        return [one for one in self.turns if one.turn.off_topic and one.remembered]

    def report(self) -> str:
        """The counts, a line each."""
        off_topic = sum(one.turn.off_topic for one in self.turns)
        lines = sum(len(one.remembered.splitlines()) for one in self.irrelevant)
        rewards = [one.reward for one in self.turns if one.reward is not None]
        return "\n".join(
            (
                f"{len(self.turns)} turns in {len(self.said)} sessions, {sum(map(len, self.said.values()))} messages; "
                f"{self.failed} writes failed",
                f"recall: wanted line in the prompt {len(self.injected)} of {len(self.recalls)}, "
                f"in the answer of ask {len(self.answered)} of {len(self.recalls)}",
                f"corrections: {len(self.heeded)} of {len(self.corrected)} heeded, in the prompt and by ask",
                f"off topic: {len(self.irrelevant)} of {off_topic} turns were given anything, {lines} lines",
                f"tasks: {sum(reward > 0 for reward in rewards)} of {len(rewards)} done, failed at "
                f"{', '.join(str(n) for n, reward in enumerate(rewards, 1) if reward <= 0)}",
            )
        )


def _first(text: str, turn: Turn) -> bool:
    """Whether the first line that has either value has the one that is wanted."""
    either = (line for line in text.splitlines() if str(turn.wants) in line or str(turn.stale) in line)
    return str(turn.wants) in next(either, "")


def judge(steps: Sequence[Message]) -> float:
    """1 if the order was taken, -1 if not."""
    return 1.0 if any('"ordered": true' in (step.get("content") or "") for step in steps) else -1.0


def play(database: str | Path) -> Outcome:
    """Play all days with a memory in this database."""
    clock, model, outcome = Clock(), Scripted(), Outcome()
    with Memory.open(database, now=clock) as opened:
        flaky = Unreliable(opened)
        agent = Agent(flaky, model, shop(), namespace=NAMESPACE, now=clock)  # type: ignore[arg-type]
        for day, lines in enumerate(DAYS):
            agent.begin(f"{clock.moment:%Y-%m-%d}")
            if day == BACKFILLED:
                backfill(opened, outcome)
            for turn in (GREETING, price("inner tube"), *lines, PARTING):
                model.turn = turn
                outcome.turns.append(_play(agent, turn))
            outcome.said[agent.session_id] = agent.history
            clock.next_day()
        outcome.failed, outcome.ended = flaky.failed, clock.moment
    return outcome


def _play(agent: Agent, turn: Turn) -> Played:
    if turn.part:
        reward = agent.task(turn.text, judge)
        return Played(turn, agent.remembered, "", reward)
    reply = agent.reply(turn.text)
    if turn.wants:
        agent.rate(1.0 if turn.wants in reply else -1.0)
    return Played(turn, agent.remembered, reply)


def backfill(memory: Memory, outcome: Outcome) -> None:
    """Bring in an old conversation, twice: its times and places in the call make it the same."""
    messages = [{"role": role, "content": text, "timestamp": said_at} for role, text, said_at in OLD]
    for _ in range(2):
        memory.add(messages, namespace=NAMESPACE, session_id="2024-07-14")
    outcome.said["2024-07-14"] = messages
