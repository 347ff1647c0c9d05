"""What the agent does with a mission and the episodes that it was given.

1. Of the successes, best first, it takes the first whose script can be filled from this mission: that is of its verb.
2. With none to follow it tries a script of the mission's verb by chance, rather one that it was not shown to fail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Iterable

    from memsvc_evals.learning.babyai.missions import Mission, Script


def decide(
    mission: Mission, successes: Iterable[Script], failures: Collection[Script], chance: random.Random
) -> Script:
    """The script to try, given those that went well and those that went wrong, best first."""
    for script in successes:
        if script in mission.scripts:
            return script
    untried = [script for script in mission.scripts if script not in failures]
    return chance.choice(untried or mission.scripts)
