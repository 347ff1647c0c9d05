"""Hot and cold: a cold memory takes part in no look-up of the shared projections, and is kept in full everywhere else.

Listings, exports, the log and the look-ups of deliberation (`whole.py`) and its own history still show it; it keeps
its utility.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_store.writing.transaction import Write


def turn(write: Write, ids: Sequence[str], *, cold: bool) -> list[str]:
    """Turn live memories cold, or warm again; those that changed, in the order given."""
    there = write.records.live_with(write.namespace, ids, cold=not cold)
    changed = [memory_id for memory_id in dict.fromkeys(ids) if memory_id in there]
    write.records.set_cold(write.namespace, changed, cold=cold)
    for memory_id in changed:
        write.step("cool" if cold else "warm", memory_id)
    return changed


def retain(write: Write, cold: Sequence[str], since: int) -> tuple[list[str], list[str]]:
    """Have these memories cold and no others; (those that turned cold, those that turned warm).

    What was written after version `since`, at which the choice was made, stays as it is: an answer may have warmed it.
    """
    touched = set(write.records.changes.changed_since(write.namespace, since))
    cooled = turn(write, [one for one in cold if one not in touched], cold=True)
    others = write.records.cold_ids(write.namespace).difference(cold, touched)
    return cooled, turn(write, sorted(others), cold=False)
