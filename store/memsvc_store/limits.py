"""Sizes at which the store changes its ways. In a module of their own, so that settings import nothing heavy."""

from __future__ import annotations

EXACT_LIMIT = 20_000
"""Memories of a namespace up to which look-ups are exact: about 1 ms, a fifth of what embedding the question costs."""

SHARD_BYTES = 1 << 30
"""Memory for the projections of all namespaces together."""

SNAPSHOT_ROWS = 5_000
"""Rows from which a shard gets a snapshot: below, building from SQL takes less than half a second."""
