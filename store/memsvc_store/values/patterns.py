"""Patterns of namespaces: a name, `prefix/*` for all below a prefix (not itself), or `*` for all there are."""

from __future__ import annotations

EVERYTHING = "*"
"""The pattern of all namespaces."""


def covers(pattern: str, namespace: str) -> bool:
    """Whether a namespace is one of a pattern's. Both are compared character by character, in the case they came in."""
    if pattern == EVERYTHING:
        return True
    return namespace.startswith(pattern[:-1]) if pattern.endswith("/*") else namespace == pattern


def common(one: str, other: str) -> str | None:
    """The pattern of what two patterns both cover; None where that is nothing. Either one is in the other, or none."""
    for narrow, wide in ((one, other), (other, one)):
        if covers(wide, narrow):
            return narrow
    return None
