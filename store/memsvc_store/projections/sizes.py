"""What Python values take in memory, for the budget of the projections."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from memsvc_store.values.shapes import Nodes

if TYPE_CHECKING:
    from memsvc_store.values.shapes import Memory

_MEMORY = 800
"""Bytes of a memory beside its text, metadata and nodes: the object, its times and names, its place in a table."""

_NODES = 4
"""Bytes in memory for one of a hyperedge's JSON: the text, and what it was read into, part of which others share."""


def size(value: Any) -> int:
    """Bytes of a string or number, or of a list, tuple or mapping of such with all its parts, however deep."""
    total, left = 0, [value]
    while left:
        one = left.pop()
        total += _size_of_text(one) if isinstance(one, str) else sys.getsizeof(one)
        if isinstance(one, Mapping):
            left += one.keys()
            left += one.values()
        elif isinstance(one, list | tuple):
            left += one
    return total


def size_of_memory(memory: Memory) -> int:
    """Bytes of a memory that is held; the same whether its nodes have been read by now or not."""
    entities = memory.entities
    nodes = _NODES * _size_of_text(entities.stored) if isinstance(entities, Nodes) else size(entities)
    return _MEMORY + _size_of_text(memory.text) + size(memory.metadata) + nodes


def _size_of_text(text: str) -> int:
    """Not `getsizeof`: that grows when a text beyond ASCII is written somewhere, since Python keeps its UTF-8."""
    return 50 + len(text) * (1 if text.isascii() else 4)
