"""The threads in which verbs work: three bounded pools, so that the slow never starve the quick, and a share of each
for every key, so that nobody fills one alone."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import CapacityLimiter, to_thread

from memsvc.errors import RateLimited

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from memsvc.contract.table import Pool

T = TypeVar("T")

SIZES: dict[Pool, int] = {"read": 8, "write": 16, "slow": 16}
"""`read`: look-ups of some milliseconds; more threads than cores, so that their embeddings meet in one batch. With 32
of them a writer, who gives up Python's lock with each statement, held SQLite's for 35 ms instead of 4: under 64 clients
an add took 3.1 s at the 95th percentile instead of 0.5, at the same throughput. `write`: apart, since writers of one
namespace wait for each other (SQLite: all of them), and readers must not wait behind them. `slow`: what waits for a
model or goes through a whole namespace. Who finds a pool full waits its turn."""

SHARES: dict[Pool, int] = {name: size // 2 for name, size in SIZES.items()}
"""Places of a pool that one key gets: half of them, so that another's request is taken at once beside it."""

WAITING = 100
"""Requests of one key that wait for their turn in one pool: as many as the default rate brings in a second. Each holds
its body in memory; a key's places answer that many look-ups in about a second."""

EXPORTS = 12
"""Exports at once, of all keys: each holds a connection to the database while its reader takes the lines, and the
connections of PostgreSQL are 32, of SQLite 80. More than one key's share, so that no key has all of them."""


class _Share:
    """One key's places in one pool, and its line."""

    def __init__(self, places: int) -> None:
        self.places, self.waiting = asyncio.Semaphore(places), 0


class Pools:
    """The pools of one service. There are as many lines as keys that were ever used here."""

    def __init__(self) -> None:
        self._limits = {name: CapacityLimiter(size) for name, size in SIZES.items()}
        self._shares: dict[tuple[str, Pool], _Share] = {}
        self.exports = asyncio.Semaphore(EXPORTS)

    async def run(self, pool: Pool, work: Callable[..., T], *args: Any, **options: Any) -> T:
        """Do it in a thread of this pool. It is always waited for: a write that began is never left behind."""
        return await to_thread.run_sync(partial(work, *args, **options), limiter=self._limits[pool])

    async def take(self, key_id: str | None, pool: Pool, work: Callable[..., T], *args: Any, **options: Any) -> T:
        """Do it once it is this key's turn.

        Raises:
            RateLimited: as `turn`.
        """
        async with self.turn(key_id, pool):
            return await self.run(pool, work, *args, **options)

    @asynccontextmanager
    async def turn(self, key_id: str | None, pool: Pool) -> AsyncIterator[None]:
        """One of this key's places, for as long as the block lasts. Those beyond its share wait in a line of their own,
        and take no place from others. Without keys (None) there is nobody to share with.

        Raises:
            RateLimited: its line is full.
        """
        if key_id is None:
            yield
            return
        share = self._shares.setdefault((key_id, pool), _Share(SHARES[pool]))
        if share.waiting >= WAITING:
            raise RateLimited(
                f"key {key_id} has {SHARES[pool]} requests under way that {_KINDS[pool]}, and {WAITING} more wait for "
                "their turn; send the next one when some are answered"
            )
        share.waiting += 1
        try:
            await share.places.acquire()
        finally:
            share.waiting -= 1
        try:
            yield
        finally:
            share.places.release()

    def busy(self) -> dict[str, int]:
        """Threads at work, by pool."""
        return {name: int(limit.borrowed_tokens) for name, limit in self._limits.items()}


_KINDS: dict[Pool, str] = {"read": "look something up", "write": "write", "slow": "take long"}
