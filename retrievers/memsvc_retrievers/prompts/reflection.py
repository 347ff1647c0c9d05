"""From a trajectory to an experience (MemRL, section 4.3, App. I.1): a script of what worked, or a reflection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc_retrievers.language import Prompt
from memsvc_retrievers.prompts.replies import Long, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCRIPT = """\
An agent did a task and succeeded. Write the script that led there, so that it helps with other tasks of the same kind.
- Three to five short steps, in the order in which they matter: the decisions and the checks, not every action.
- General: leave out names, numbers and paths that belong to this one task.
Reply with JSON: "experience", the steps as one text, a line each."""

_REFLECTION = """\
An agent did a task and failed. Write what to remember, so that it does not happen again with tasks of the same kind.
- What went wrong first, and which assumption was behind it.
- What to do instead, and what to check before.
- Two to four short sentences, general: leave out names, numbers and paths that belong to this one task.
Reply with JSON: "experience", the reflection as one text."""


class ExperienceReply(Reply):
    """What an attempt taught."""

    experience: Long


def reflect(intent: str, steps: Sequence[str], *, success: bool) -> Prompt:
    """Write down the experience of one attempt."""
    told = "\n".join(f"[{number}] {' '.join(step.split())}" for number, step in enumerate(steps, 1))
    return Prompt(_SCRIPT if success else _REFLECTION, f"Task: {intent}\n\nTrajectory:\n{told}", "reflect")
