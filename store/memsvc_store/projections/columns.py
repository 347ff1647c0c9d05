"""The columns of a shard, one table of them: how each is filled, kept in snapshots and checked.

`Shard` appends, packs and unpacks its rows by this table, `verify` compares two shards by it, and the budget counts
bytes by it: a new column is one line here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from memsvc_store.values.memories import KINDS, Nodes
from memsvc_store.values.text import asks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike, NDArray

    from memsvc_store.sql.rows import Entry
    from memsvc_store.values.memories import Memory

FOREVER = np.iinfo(np.int64).max

_MEMORY = 800
"""Bytes of a memory beside its text, metadata and nodes: the object, its times and names, its place in a table."""

_NODES = 4
"""Bytes in memory for one of a hyperedge's JSON: the text, and what it was read into, part of which others share."""


class Column:
    """One value a row. `values` is a view of the filled part and is stale after the next `extend`."""

    def __init__(self, dtype: DTypeLike) -> None:
        self._data: NDArray[Any] = np.empty(64, dtype)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def values(self) -> NDArray[Any]:
        """The filled part, writable."""
        return self._data[: self._size]

    def extend(self, values: Sequence[Any] | NDArray[Any]) -> None:
        """Append rows; capacity doubles, so that a row costs constant time in the long run."""
        size = self._size + len(values)
        if size > len(self._data):
            grown = np.empty(max(size, 2 * len(self._data)), self._data.dtype)
            grown[: self._size] = self.values
            self._data = grown
        self._data[self._size : size] = values
        self._size = size


class Codes:
    """Small numbers for strings, so that a column can be compared as integers."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._codes = {name: code for code, name in enumerate(names)}

    def code(self, name: str) -> int:
        """The string's number, given on first sight."""
        return self._codes.setdefault(name, len(self._codes))

    def find(self, names: Sequence[str]) -> list[int]:
        """The numbers of those strings that were seen."""
        return [self._codes[name] for name in names if name in self._codes]

    @property
    def names(self) -> list[str]:
        """Every string, by its number."""
        return list(self._codes)


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of one column; called, it makes an empty one.

    `read` gives the value of a new row, from the shard and from what SQL has of the memory. `packed`: snapshots hold
    it; else it is zero in a shard from a snapshot, until what was learned is read. `plain` gives values as they are
    in any shard that holds the same memories, in whatever rows and under whatever codes.
    """

    dtype: DTypeLike
    read: Callable[[Columns, Entry], Any]
    plain: Callable[[Columns, NDArray[Any]], Any] = lambda _, values: values
    packed: bool = True

    def __call__(self) -> Column:  # noqa: D102 - the class says it
        return Column(self.dtype)


@dataclass(eq=False)
class Columns:
    """The columns, and what their values refer to. Row `i` means the same memory in all of them.

    `before` and `after` are the rows of the utterances around it in the same session, -1 for none; `asks` holds a
    question, `only_asks` ends with one. `of_caller` are facts that the caller worked out. `q` is the learned utility, 0
    where it was not visited yet.
    """

    ids: list[str] = field(default_factory=list)
    sessions: Codes = field(default_factory=Codes)
    speakers: Codes = field(default_factory=Codes)
    roles: Codes = field(default_factory=Codes)
    utilities: dict[str, float] = field(default_factory=dict)
    """Of every visited memory of the namespace, whether it has a row or not."""

    keys: Column = field(default_factory=Rule(np.int64, lambda _, new: new.key))
    kind: Column = field(default_factory=Rule(np.int8, lambda _, new: KINDS.index(new.memory.kind)))
    session: Column = field(
        default_factory=Rule(
            np.int32,
            lambda to, new: to.sessions.code(new.memory.session_id),
            lambda of, values: _named(of.sessions, values),
        )
    )
    speaker: Column = field(
        default_factory=Rule(
            np.int32,
            lambda to, new: to.speakers.code(new.memory.speaker),
            lambda of, values: _named(of.speakers, values),
        )
    )
    role: Column = field(
        default_factory=Rule(
            np.int32,
            lambda to, new: to.roles.code(new.memory.role or ""),
            lambda of, values: _named(of.roles, values),
        )
    )
    position: Column = field(default_factory=Rule(np.int32, lambda _, new: new.memory.position))
    valid_from: Column = field(default_factory=Rule(np.int64, lambda _, new: new.valid_from))
    valid_to: Column = field(
        default_factory=Rule(np.int64, lambda _, new: FOREVER if new.valid_to is None else new.valid_to)
    )
    expires_at: Column = field(
        default_factory=Rule(np.int64, lambda _, new: FOREVER if new.expires_at is None else new.expires_at)
    )
    of_caller: Column = field(default_factory=Rule(np.bool_, lambda _, new: new.memory.fact_by == "caller"))
    alive: Column = field(default_factory=Rule(np.bool_, lambda _, new: True))
    embedded: Column = field(default_factory=Rule(np.bool_, lambda _, new: new.vector is not None))
    before: Column = field(default_factory=Rule(np.int32, lambda _, new: -1, lambda of, rows: _ids(of, rows)))
    after: Column = field(default_factory=Rule(np.int32, lambda _, new: -1, lambda of, rows: _ids(of, rows)))
    asks: Column = field(default_factory=Rule(np.bool_, lambda _, new: asks(new.memory.text)[0]))
    only_asks: Column = field(default_factory=Rule(np.bool_, lambda _, new: asks(new.memory.text)[1]))
    q: Column = field(
        default_factory=Rule(np.float64, lambda to, new: to.utilities.get(new.memory.id, 0.0), packed=False)
    )
    visited: Column = field(default_factory=Rule(np.bool_, lambda to, new: new.memory.id in to.utilities, packed=False))

    def column(self, name: str) -> Column:
        """A column by its name."""
        found: Column = getattr(self, name)
        return found


def _ids(columns: Columns, rows: NDArray[Any]) -> list[str | None]:
    return [columns.ids[row] if row >= 0 else None for row in rows.tolist()]


def _named(codes: Codes, values: NDArray[Any]) -> list[str]:
    names = codes.names
    return [names[code] for code in values.tolist()]


RULES = {one.name: one.default_factory for one in fields(Columns) if isinstance(one.default_factory, Rule)}
"""Every column, by its name."""

ROW_BYTES = 740 + sum(np.dtype(rule.dtype).itemsize for rule in RULES.values())
"""Of a row's id, its places in tables (measured), and its part of the columns."""


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
