"""What filters read of metadata: for each key that was asked for, a number a row that says which value it has.

A facet is made when a filter first asks for its key: of the memories that are held, and of one statement where some are
not. From then on it is kept in step. A look-up without such a filter neither makes nor reads any; snapshots hold none.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from memsvc_store.projections.columns import Column, size
from memsvc_store.values import where
from memsvc_store.values.where import MISSING, value_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from memsvc_store.values.where import Condition

MOST = 64
"""Keys that one shard knows at most, as many as one filter may name; what was not used for longest goes first."""

_TRUTHS = 8
"""Conditions that a facet remembers the outcome of, by value."""

_VALUE_BYTES = 200
"""A value's places in a list and in tables, without the value; measured."""


class Facet:
    """The values of one key of the metadata, by row."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._rows = Column(np.int32)
        self._values: list[Any] = [MISSING]
        self._numbers: dict[tuple[type, Any], int] = {}
        self._truths: dict[Condition, Column] = {}
        self._bytes = 0

    def __len__(self) -> int:
        """Rows."""
        return len(self._rows)

    def extend(self, metadata: Iterable[Mapping[str, Any]]) -> None:
        """Append rows, by the metadata of each."""
        self._rows.extend([self._number(value_at(one, self._key)) for one in metadata])

    def mask(self, condition: Condition) -> NDArray[np.bool_]:
        """Of which rows a condition holds, shape `(rows,)`.

        Each different value is looked at once: 10,000 take 5 ms, and none the next time.
        """
        truth = self._truths.pop(condition, None) or Column(np.bool_)
        truth.extend(list(map(condition.holds, self._values[len(truth) :])))
        self._truths[condition] = truth
        if len(self._truths) > _TRUTHS:
            del self._truths[next(iter(self._truths))]
        mask: NDArray[np.bool_] = truth.values[self._rows.values]
        return mask

    def plain(self, rows: NDArray[np.int64]) -> list[Any]:
        """The values of rows, as they are in any shard that holds the same memories."""
        return [self._values[number] for number in self._rows.values[rows].tolist()]

    @property
    def nbytes(self) -> int:
        """What it takes in memory, about."""
        return 4 * len(self) + self._bytes

    def _number(self, value: Any) -> int:
        if value is MISSING:
            return 0
        same = (type(value), json.dumps(value) if isinstance(value, list | dict) else value)
        number = self._numbers.get(same)
        if number is None:
            number = self._numbers[same] = len(self._values)
            self._values.append(value)
            self._bytes += _VALUE_BYTES + size(value)
        return number


class Facets:
    """The facets of one shard, by key."""

    def __init__(self) -> None:
        self._of: dict[str, Facet] = {}

    @property
    def keys(self) -> list[str]:
        """The keys that are known."""
        return list(self._of)

    @property
    def nbytes(self) -> int:
        """What all of them take in memory, about."""
        return sum(one.nbytes for one in self._of.values())

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Those of the keys that are not known yet, each once; the others count as used."""
        for key in keys:
            if key in self._of:
                self._of[key] = self._of.pop(key)
        return [key for key in dict.fromkeys(keys) if key not in self._of]

    def learn(self, keys: Iterable[str], metadata: Iterable[Mapping[str, Any]]) -> None:
        """Know further keys, by the metadata of each row from the first."""
        held = list(metadata)
        for key in keys:
            self._of[key] = Facet(key)
            self._of[key].extend(held)
        for key in self.keys[:-MOST]:
            del self._of[key]

    def extend(self, metadata: Iterable[Mapping[str, Any]]) -> None:
        """Append rows to each."""
        if self._of:
            held = list(metadata)
            for facet in self._of.values():
                facet.extend(held)

    def mask(self, document: str) -> NDArray[np.bool_]:
        """Which rows have metadata as a document (`values/where.py`) wants it; its keys must be known."""
        return where.combined(
            where.read(document), lambda one: self._of[one.key].mask(one), _all, _any, lambda mask: ~mask
        )

    def plain(self, key: str, rows: NDArray[np.int64]) -> list[Any]:
        """The values of a key in these rows."""
        return self._of[key].plain(rows)


def _all(masks: Iterable[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.logical_and.reduce(list(masks))
    return found


def _any(masks: Iterable[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.logical_or.reduce(list(masks))
    return found
