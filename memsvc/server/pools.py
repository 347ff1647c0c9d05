"""The threads in which verbs work: three bounded pools, so that the slow never starve the quick."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from anyio import CapacityLimiter, to_thread

if TYPE_CHECKING:
    from collections.abc import Callable

Pool = Literal["read", "write", "slow"]
T = TypeVar("T")

SIZES: dict[Pool, int] = {"read": 32, "write": 16, "slow": 16}
"""`read`: look-ups of some milliseconds; more threads than cores, so that their embeddings meet in one batch.
`write`: apart, since writers of one namespace wait for each other (SQLite: all of them), and readers must not wait
behind them. `slow`: what waits for a model or goes through a whole namespace. Who finds a pool full waits its turn."""


class Pools:
    """The pools of one service."""

    def __init__(self) -> None:
        self._limits = {name: CapacityLimiter(size) for name, size in SIZES.items()}

    async def run(self, pool: Pool, work: Callable[..., T], *args: Any, **options: Any) -> T:
        """Do it in a thread of this pool. It is always waited for: a write that began is never left behind."""
        return await to_thread.run_sync(partial(work, *args, **options), limiter=self._limits[pool])

    def busy(self) -> dict[str, int]:
        """Threads at work, by pool."""
        return {name: int(limit.borrowed_tokens) for name, limit in self._limits.items()}
