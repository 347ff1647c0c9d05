"""Asking a server again when it fails, with growing pauses."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memsvc.errors import InvalidInput
from memsvc.models.language.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tenacity import RetryCallState

    from memsvc.models.language.border import Reply

LONGEST_PAUSE = 8.0  # seconds between two tries
LONGEST_RETRY_AFTER = 60.0  # seconds; a server that asks for more is given up at once


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to ask again. `pause`: seconds before the first retry, doubled at each further one."""

    retries: int = 3
    repairs: int = 2
    pause: float = 0.5

    def __post_init__(self) -> None:
        if min(self.retries, self.repairs, self.pause) < 0:
            raise InvalidInput(f"{self} has a number below 0: 0 retries, repairs or seconds are the least")


async def retried(ask: Callable[[], Awaitable[Reply | Failure]], patience: Patience) -> Reply | Failure:
    """The first reply, or the failure that no retry mends, or the last one of the retries."""
    from tenacity import AsyncRetrying, retry_if_result, stop_after_attempt

    def pause(state: RetryCallState) -> float:
        growing: float = min(LONGEST_PAUSE, patience.pause * 2 ** (state.attempt_number - 1))
        # Jitter, so that a batch that failed together doesn't come back together.
        return max(growing * random.uniform(0.5, 1.5), _outcome(state).retry_after or 0.0)

    retrying = AsyncRetrying(
        stop=stop_after_attempt(patience.retries + 1),
        wait=pause,
        retry=retry_if_result(_is_worth_a_retry),
        retry_error_callback=_outcome,
    )
    return await retrying(ask)


def _is_worth_a_retry(outcome: Reply | Failure) -> bool:
    if not isinstance(outcome, Failure) or outcome.kind != "passing":
        return False
    return (outcome.retry_after or 0.0) <= LONGEST_RETRY_AFTER


def _outcome(state: RetryCallState) -> Failure:
    """What the try that was judged came to: a failure, or it would not have been judged so."""
    assert state.outcome is not None
    outcome = state.outcome.result()
    assert isinstance(outcome, Failure)
    return outcome
