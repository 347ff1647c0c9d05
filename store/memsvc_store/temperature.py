"""Hot and cold: a cold memory takes part in no look-up of the projections, and is kept in full everywhere else.

Listings, exports, the log that deliberation reads and its own history still show it; it keeps its utility.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_store.writes import Write


def turn(write: Write, ids: Sequence[str], *, cold: bool) -> list[str]:
    """Turn live memories cold, or warm again; those that changed, in the order given."""
    there = write.records.live_with(write.namespace, ids, cold=not cold)
    changed = [memory_id for memory_id in dict.fromkeys(ids) if memory_id in there]
    write.records.set_cold(write.namespace, changed, cold=cold)
    for memory_id in changed:
        write.step("cool" if cold else "warm", memory_id)
    return changed
