"""Patterns of namespaces: a name, `prefix/*` for all below a prefix (not itself), or `*` for all there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterable

EVERYTHING = "*"
"""The pattern of all namespaces."""

_AFTER_SLASH = chr(ord("/") + 1)
"""Names below `acme/` are those from `acme/` to before `acme0`."""


def covers(pattern: str, namespace: str) -> bool:
    """Whether a namespace is one of a pattern's. Both are compared character by character, in the case they came in."""
    if pattern == EVERYTHING:
        return True
    return namespace.startswith(pattern[:-1]) if pattern.endswith("/*") else namespace == pattern


def covered(name: sa.ColumnElement[str], patterns: Iterable[str]) -> sa.ColumnElement[bool]:
    """`covers` of any of these patterns as a condition on a column that sorts by bytes.

    Its index answers: the time that takes follows from what the patterns cover, not from the names of others.
    """
    return sa.or_(sa.false(), *(_one(name, pattern) for pattern in patterns))


def _one(name: sa.ColumnElement[str], pattern: str) -> sa.ColumnElement[bool]:
    if pattern == EVERYTHING:
        return sa.true()
    if pattern.endswith("/*"):
        below = pattern[:-1]
        return sa.and_(name >= below, name < below[:-1] + _AFTER_SLASH)
    return name == pattern
