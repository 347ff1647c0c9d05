"""What an attempt taught, without a model: the trajectory's own steps, trimmed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Step = str | Mapping[str, Any]
    Trajectory = str | Sequence[Step]

FIRST, LAST = 3, 5
"""Steps that are kept of a long trajectory: how it began, and how it ended."""

STEP_CHARS = 240
"""Characters that are kept of one step."""


def steps(trajectory: Trajectory) -> list[str]:
    """The steps of a trajectory: its lines if it is a text; a step that is a mapping by its content, or as JSON."""
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
    if isinstance(content, str):
        return f"{step['role']}: {content}" if isinstance(step.get("role"), str) else content
    return json.dumps(dict(step), ensure_ascii=False)


def _cut(step: str) -> str:
    line = " ".join(step.split())
    return line if len(line) <= STEP_CHARS else f"{line[: STEP_CHARS - 3]}..."
