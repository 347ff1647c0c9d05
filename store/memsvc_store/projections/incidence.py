"""Which rows hold which names, both ways: what the word index and the hypergraph are made of.

Names (terms, nodes) get small numbers on first sight. Rows are only appended; a removed row leaves
its postings in place, to be masked by the reader, and leaves `degree` at once.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from memsvc_store.projections.columns import size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

Name = TypeVar("Name")
Arrays = dict[str, "NDArray[np.int32]"]

_NAME_BYTES = 210
"""A name's places in a table and three lists, its number and the array of its postings; measured, without the name."""

_POSTING_BYTES = 16
"""A row, a count, a code, and what arrays keep free to grow."""

_ROW_BYTES = 90
"""The array of what a row holds."""


class Incidence(Generic[Name]):
    """Rows and the names they hold, each with a count."""

    def __init__(self) -> None:
        self._codes: dict[Name, int] = {}
        self._names: list[Name] = []  # by code
        self._postings: list[array[int]] = []  # by code: row, count, row, count, ...; rows ascending
        self._degrees: list[int] = []  # by code: rows that are not removed
        self._held: list[array[int]] = []  # by row: codes
        self._bytes = 0  # of the names and the postings

    def __len__(self) -> int:
        """Rows, removed ones included."""
        return len(self._held)

    def add(self, counts: Mapping[Name, int]) -> None:
        """Append one row that holds these names."""
        row = len(self._held)
        held = array("i")
        for name, count in counts.items():
            code = self._codes.get(name)
            if code is None:
                code = self._codes[name] = len(self._names)
                self._names.append(name)
                self._postings.append(array("i"))
                self._degrees.append(0)
                self._bytes += _NAME_BYTES + size(name)
            self._postings[code].extend((row, count))
            self._degrees[code] += 1
            held.append(code)
        self._held.append(held)
        self._bytes += _POSTING_BYTES * len(held)

    def remove(self, row: int) -> None:
        """Take a row out of every degree."""
        for code in self._held[row]:
            self._degrees[code] -= 1
        self._held[row] = array("i")

    @property
    def nbytes(self) -> int:
        """What all this takes in memory, about."""
        return self._bytes + _ROW_BYTES * len(self._held)

    def code(self, name: Name) -> int | None:
        """The name's number, or None if no row ever held it."""
        return self._codes.get(name)

    def degree(self, code: int) -> int:
        """How many rows hold it, removed ones not counted."""
        return self._degrees[code]

    def rows(self, code: int) -> NDArray[np.int32]:
        """Rows that hold it, ascending, removed ones included: a view, stale after the next `add`."""
        return np.frombuffer(self._postings[code], np.int32)[::2]

    def counts(self, code: int) -> NDArray[np.int32]:
        """How often each of `rows(code)` holds it."""
        return np.frombuffer(self._postings[code], np.int32)[1::2]

    def held(self, row: int) -> NDArray[np.int32]:
        """What a row holds; nothing for a removed one."""
        return np.frombuffer(self._held[row], np.int32)

    def name(self, code: int) -> Name:
        """The name that has this number."""
        return self._names[code]

    def names(self) -> list[Name]:
        """Every name, by its number."""
        return list(self._names)

    def degrees(self) -> dict[Name, int]:
        """How many rows hold each name, names that none holds left out."""
        return {name: self._degrees[code] for name, code in self._codes.items() if self._degrees[code]}

    def pack(self) -> Arrays:
        """The postings as flat arrays; the names go beside them."""
        joined = np.frombuffer(b"".join(postings.tobytes() for postings in self._postings), np.int32)
        return {
            "sizes": np.array([len(postings) // 2 for postings in self._postings], np.int32),
            "rows": joined[::2],
            "counts": joined[1::2],
        }

    @classmethod
    def unpack(cls, names: Iterable[Name], arrays: Arrays, alive: NDArray[np.bool_]) -> Incidence[Name]:
        """What `pack` was called on; `alive` has one entry a row."""
        self = cls()
        self._names = list(names)
        self._codes = {name: code for code, name in enumerate(self._names)}
        rows, counts, sizes = arrays["rows"], arrays["counts"], arrays["sizes"]
        both, ends = np.stack((rows, counts), axis=1), np.cumsum(sizes)[:-1]
        self._postings = [array("i", part.tobytes()) for part in np.split(both, ends)] if len(sizes) else []
        self._bytes = _POSTING_BYTES * len(rows) + sum(_NAME_BYTES + size(name) for name in self._names)
        codes = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        codes, rows = codes[alive[rows]], rows[alive[rows]]
        self._degrees = np.bincount(codes, minlength=len(sizes)).tolist()
        order = np.argsort(rows, kind="stable")
        bounds = np.cumsum(np.bincount(rows, minlength=len(alive)))[:-1]
        self._held = [array("i", part.tobytes()) for part in np.split(codes[order], bounds)] if len(alive) else []
        return self
