"""A language model that extracts by rules: each new message becomes one fact that names speaker, time and text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from memsvc import Memory
from memsvc.testing import RuleModel
from memsvc_retrievers.language import Prompt

_LINE = re.compile(r"^\[(\d+)\] (\S+ \S+), \w+ \| (.*?): (.*)$", re.MULTILINE)
_NUMBERED = re.compile(r"^\[(\d+)\] \(\S+\) (.*)$", re.MULTILINE)


def new_messages(prompt: Prompt) -> list[tuple[int, str, str, str]]:
    """(number, time, speaker, text) of the messages that a prompt asks about."""
    found = _LINE.findall(prompt.user.partition("New messages:\n")[2])
    return [(int(number), when, speaker, text) for number, when, speaker, text in found]


def section(prompt: Prompt, label: str) -> str:
    """What stands under a label of a prompt, up to the next blank line."""
    return prompt.user.partition(f"{label}:\n")[2].partition("\n\n")[0]


def numbered(prompt: Prompt, label: str) -> dict[str, int]:
    """Text -> number of the facts under a label of an update prompt."""
    return {text: int(number) for number, text in _NUMBERED.findall(section(prompt, label))}


def fact_text(when: str, speaker: str, text: str) -> str:
    """The fact that stands for a message."""
    return f"{speaker} said on {when}: {text}"


def every_message(prompt: Prompt) -> dict[str, Any]:
    """One fact a message."""
    facts = [{"fact": fact_text(when, who, text), "messages": [n]} for n, when, who, text in new_messages(prompt)]
    return {"facts": facts}


def as_said(prompt: Prompt) -> dict[str, Any]:
    """Each message is a fact as it stands; what ends with a question mark is none."""
    lines = [(number, text) for number, _, _, text in new_messages(prompt) if not text.endswith("?")]
    return {"facts": [{"fact": text, "messages": [number]} for number, text in lines]}


def nothing_decided(_: Prompt) -> dict[str, Any]:
    """An update call that says nothing."""
    return {"decisions": []}


def extracting(
    facts: Callable[[Prompt], Any] = every_message, update: Callable[[Prompt], Any] = nothing_decided
) -> RuleModel:
    """A model with these rules."""
    return RuleModel({"facts": facts, "update": update})


def facts_of(memory: Memory, namespace: str = "ann") -> dict[str, tuple[str, ...]]:
    """Text -> sources of the live facts."""
    return {one.text: one.sources for one in memory.list(namespace=namespace, kind="fact", limit=1000)}


def talk(memory: Memory, *texts: str, namespace: str = "ann", session: str = "s1", hour: int = 9) -> list[str]:
    """Store messages, a minute apart, Ann and Bob in turn; returns their ids."""
    messages = [
        {
            "name": "Ann" if minute % 2 == 0 else "Bob",
            "content": text,
            "timestamp": f"2026-03-02T{hour:02}:{minute:02}Z",
        }
        for minute, text in enumerate(texts)
    ]
    return [receipt.id or "" for receipt in memory.add(messages, namespace=namespace, session_id=session)]


def purposes(model: RuleModel) -> list[Sequence[str]]:
    """What each batch was for."""
    return [[prompt.purpose for prompt in batch] for batch in model.batches]
