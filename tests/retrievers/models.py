"""Fake models for the slow processes: replies by rule, written down as the tests see them."""

from __future__ import annotations

import re
from typing import Any

from memsvc.errors import InvalidReply
from memsvc.testing import RuleModel
from memsvc_retrievers.language import Prompt


def answering(text: str, *sources: int) -> dict[str, Any]:
    return {"thoughts": "", "answer": text, "sources": list(sources)}


def fact(text: str, score: int, *messages: int, quote: str = "") -> dict[str, Any]:
    return {"fact": text, "score": score, "messages": list(messages), "quote": quote}


def judgement(**failed: str) -> dict[str, Any]:
    """A gate's reply; what is named fails, for the reason given."""
    return {
        name: {"reason": failed.get(name, "fine"), "status": "fail" if name in failed else "pass"}
        for name in ("relevance", "faithfulness", "completeness")
    }


def unreadable(prompt: Prompt) -> Any:
    raise InvalidReply(f"{prompt.purpose}: no JSON in the reply")


def line_numbers(prompt: Prompt, after: str) -> list[int]:
    """The numbers of the lines that a prompt shows after a label."""
    shown = prompt.user.partition(after)[2].partition("\n\n")[0]
    return [int(number) for number in re.findall(r"^\[(\d+)\]", shown, re.MULTILINE)]


def purposes(model: RuleModel) -> list[str]:
    return [prompt.purpose for prompt in model.prompts]
