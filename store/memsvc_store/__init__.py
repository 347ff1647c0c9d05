"""What is kept: SQL as the truth, and the projections that look-ups run on.

`store.Store` is the way in. Here are only the sizes at which the store changes its ways, so that settings import
nothing heavy.
"""

EXACT_LIMIT = 20_000
"""Memories of a namespace up to which look-ups are exact: about 1 ms, a fifth of what embedding the question costs."""

SHARD_BYTES = 1 << 30
"""Memory for the projections of all namespaces together."""

SNAPSHOT_ROWS = 5_000
"""Rows from which a shard gets a snapshot: below, building from SQL takes less than half a second."""
