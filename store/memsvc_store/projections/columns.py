"""Arrays that grow at the end: the columns of a shard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike, NDArray


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
