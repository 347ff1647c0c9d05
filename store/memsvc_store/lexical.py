"""BM25 for one namespace, exact and incremental, the same on every database.

    score(d, q) = sum over t in q of  qf(t) * idf(t) * tf / (tf + k1 * (1 - b + b * |d| / avg))
    idf(t)      = ln(1 + (N - df + 0.5) / (df + 0.5))

(Robertson and Zaragoza 2009, with Lucene's idf, which is never negative, and without the constant
factor k1 + 1.) Row `i` of the shard is row `i` here. Removing a row takes it out of N, df and avg
at once, so that scores equal those of an index that never held it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from memsvc_store.columns import Column
from memsvc_store.incidence import Arrays, Incidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

K1 = 0.9
B = 0.4
"""For short turns: 1.5 and 0.75 found 2-3 points less of the evidence among the first 10 (docs/log.md)."""


class LexicalIndex:
    """Postings by term, with the statistics of the live rows."""

    def __init__(self) -> None:
        self._terms: Incidence[str] = Incidence()
        self._lengths = Column(np.float32)
        self._live_rows = 0
        self._live_length = 0

    def __len__(self) -> int:
        return len(self._lengths)

    def add(self, terms: Sequence[str]) -> None:
        """Append one row with these terms, repeats included."""
        self._terms.add(Counter(terms))
        self._lengths.extend([len(terms)])
        self._live_rows += 1
        self._live_length += len(terms)

    def remove(self, row: int) -> None:
        """Take a row out of every statistic. The shard masks it out of every result."""
        self._terms.remove(row)
        self._live_rows -= 1
        self._live_length -= int(self._lengths.values[row])

    def scores(self, query: Mapping[str, float]) -> NDArray[np.float32]:
        """BM25 of every row for a weighted query (term -> qf), shape `(rows,)`; removed rows too."""
        scores = np.zeros(len(self), np.float32)
        for term, weight in query.items():
            rows, parts = self.postings(term)
            scores[rows] += weight * parts
        return scores

    def postings(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """(rows that hold the term, its part of their score), removed rows included."""
        code = self._terms.code(term)
        if code is None or not self._terms.degree(code):
            return np.empty(0, np.int32), np.empty(0, np.float32)
        rows, counts = self._terms.rows(code), self._terms.counts(code)
        average = max(self._live_length / self._live_rows, 1e-9)
        norms = K1 * (1 - B + B * self._lengths.values[rows] / average)
        return rows, (self._idf(code) * counts / (counts + norms)).astype(np.float32)

    @property
    def lengths(self) -> NDArray[np.float32]:
        """How many terms each row holds."""
        return np.asarray(self._lengths.values, np.float32)

    def statistics(self) -> tuple[int, int, dict[str, int]]:
        """(live rows, live terms, live rows by term), for `verify`."""
        return self._live_rows, self._live_length, self._terms.degrees()

    def pack(self) -> tuple[list[str], Arrays, NDArray[np.float32]]:
        """(terms, postings, lengths), for a snapshot."""
        return self._terms.names(), self._terms.pack(), self._lengths.values

    @classmethod
    def unpack(
        cls, terms: Iterable[str], postings: Arrays, lengths: NDArray[np.float32], alive: NDArray[np.bool_]
    ) -> LexicalIndex:
        """What `pack` was called on."""
        self = cls()
        self._terms = Incidence.unpack(terms, postings, alive)
        self._lengths.extend(lengths)
        self._live_rows = int(np.count_nonzero(alive))
        self._live_length = int(lengths[alive].sum(dtype=np.float64))
        return self

    def _idf(self, code: int) -> float:
        frequency = self._terms.degree(code)
        return float(np.log1p((self._live_rows - frequency + 0.5) / (frequency + 0.5)))
