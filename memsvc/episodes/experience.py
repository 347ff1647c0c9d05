"""What an attempt taught, without a model: the trajectory's own steps, trimmed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from memsvc.errors import InvalidMessage
from memsvc.writing.shapes import is_message, read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Step = str | Mapping[str, Any]
    Trajectory = str | Sequence[Step]

FIRST, LAST = 3, 5
"""Steps that are kept of a long trajectory: how it began, and how it ended."""

STEP_CHARS = 240
"""Characters that are kept of one step."""


def steps(trajectory: Trajectory) -> list[str]:
    """The steps of a trajectory: its lines if it is a text; of a step that is a mapping its content, or JSON.

    A message of a model (docs/messages.md) is told as look-ups see it, calls of tools as `order({"item": "chains"})`.
    """
    if isinstance(trajectory, str):
        return [line.strip() for line in trajectory.splitlines() if line.strip()]
    return [_step(step) for step in trajectory]


def by_rule(trajectory: Trajectory) -> str:
    """The first three and the last five steps, a line each, cut to 240 characters."""
    told = steps(trajectory)
    if len(told) > FIRST + LAST:
        left_out = len(told) - FIRST - LAST
        told = [*told[:FIRST], f"... {left_out} steps ...", *told[-LAST:]]
    return "\n".join(f"- {_cut(step)}" for step in told)


def _step(step: Step) -> str:
    if isinstance(step, str):
        return step
    content = step.get("content")
    if is_message(step) and (text := _told(step)):
        content = text
    if isinstance(content, str):
        return f"{step['role']}: {content}" if isinstance(step.get("role"), str) else content
    return json.dumps(dict(step), ensure_ascii=False)


def _told(step: Mapping[str, Any]) -> str | None:
    """The message as look-ups see it; None if it is none after all: a step may be any JSON."""
    try:
        return read(step).text
    except InvalidMessage:
        return None


def _cut(step: str) -> str:
    line = " ".join(step.split())
    return line if len(line) <= STEP_CHARS else f"{line[: STEP_CHARS - 3]}..."
