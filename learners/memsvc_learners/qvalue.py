"""What a memory is worth: a Q-value that every reward of a use moves (MemRL, Eq. 8).

    Q <- Q + cut(alpha * (r - Q)),      Q in [-1, 1], at first 0;   r in [-1, 1]

`cut` bounds how far one source can have moved one memory within a window: the balance of its steps there, up less
down, stays within the cap. So a client that rewards in bad faith comes to an end, and one whose honest rewards vary
does not: a sum of the distances would freeze it (docs/log.md has both).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from memsvc_store.errors import InvalidInput
from memsvc_store.values.learned import Utility

if TYPE_CHECKING:
    from memsvc_store.values.learned import Situation

ALPHA = 0.3
"""MemRL, Tables 7-9: the last three rewards make two thirds of the value."""

CAP = 0.5
"""Half of the way from 0 to either bound: in one window no source turns a value over by itself."""

WINDOW = timedelta(hours=24)


def moved(q: float, reward: float, *, alpha: float = ALPHA, cap: float | None = CAP, balance: float = 0.0) -> float:
    """The Q-value after a reward; see the formula at the top.

    Args:
        cap: how far the balance of the source's steps may go within the window, either way; None for as far as it will.
        balance: where they have moved the memory there, up less down.

    Raises:
        InvalidInput: a reward outside [-1, 1], or a rate outside [0, 1].
    """
    if not -1.0 <= reward <= 1.0:
        raise InvalidInput(f"a reward of {reward} came; give a number from -1 to 1")
    if not 0.0 <= alpha <= 1.0:
        raise InvalidInput(f"an alpha of {alpha} came; give a number from 0 to 1")
    step = alpha * (reward - q)
    if cap is not None:
        step = min(max(step, min(0.0, -cap - balance)), max(0.0, cap - balance))
    return min(max(q + step, -1.0), 1.0)


def decide(situation: Situation) -> Utility:
    """A memory's utility after one feedback. The same for a feedback as it comes and for a replay of the log.

    The average of rewards begins with the first one and follows at the same rate as Q; unlike Q it is not capped: it
    says what was reported, and nothing is ranked by it.

    Raises:
        InvalidInput: see `moved`.
    """
    known, reward, alpha = situation.utility, situation.reward, situation.alpha
    before = 0.0 if known is None else known.q
    average = reward if known is None else known.reward_average + alpha * (reward - known.reward_average)
    return Utility(
        q=moved(before, reward, alpha=alpha, cap=situation.cap, balance=situation.balance),
        visits=1 if known is None else known.visits + 1,
        reward_average=average,
        last_reward=reward,
        updated_at=situation.at,
    )
