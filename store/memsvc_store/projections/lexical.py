"""BM25 for one namespace, exact and incremental, the same on every database.

    score(d, q) = sum over t in q of  w(t) * idf(t) * tf / (tf + k1 * (1 - b + b * |d| / avg))
    idf(t)      = ln(1 + (N - df + 0.5) / (df + 0.5))

(Robertson and Zaragoza 2009, with Lucene's idf, which is never negative, and without the constant
factor k1 + 1; w is `text.weight`, 1 for every word of a script with spaces.) Row `i` of the shard is
row `i` here. Removing a row takes it out of N, df and avg at once, so that scores equal those of an
index that never held it.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memsvc_store.projections.columns import Column
from memsvc_store.projections.incidence import Arrays, Incidence
from memsvc_store.values.text import weight

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

K1 = 0.9
B = 0.4
"""For short turns: 1.5 and 0.75 found 2-3 points less of the evidence among the first 10 (docs/log.md)."""


class Posting(NamedTuple):
    """The rows that hold a term, ascending, and the term's part of their score."""

    rows: NDArray[np.int32]
    parts: NDArray[np.float32]


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

    def postings(self, terms: Iterable[str]) -> list[Posting]:
        """Where each of the terms occurs, removed rows included; terms that no live row holds are left out."""
        average = max(self._live_length / max(self._live_rows, 1), 1e-9)
        lengths = self._lengths.values
        found = []
        for term in terms:
            code = self._terms.code(term)
            if code is not None and self._terms.degree(code):
                rows, counts = self._terms.rows(code), self._terms.counts(code).astype(np.float32)
                norms = np.float32(K1 * B / average) * lengths[rows] + np.float32(K1 * (1 - B))
                parts = np.float32(weight(term)) * self._idf(code) * counts / (counts + norms)
                found.append(Posting(rows, np.asarray(parts, np.float32)))
        return found

    def scores(self, postings: Sequence[Posting]) -> NDArray[np.float32]:
        """BM25 of every row for these terms, shape `(rows,)`; removed rows too."""
        scores = np.zeros(len(self), np.float32)
        for rows, parts in postings:
            scores[rows] += parts
        return scores

    def holds(self, term: str) -> bool:
        """Whether a live row holds a term."""
        code = self._terms.code(term)
        return code is not None and self._terms.degree(code) > 0

    def coverage(self, terms: Sequence[str], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The share of these terms that each row holds, weighed by idf, shape `(rows,)`; a term of no row weighs most.

        0 everywhere without terms.
        """
        covered, whole = np.zeros(len(rows)), 0.0
        for term in terms:
            code = self._terms.code(term)
            idf = float(self._idf(code))
            whole += idf
            if code is not None:
                covered += idf * np.isin(rows, self._terms.rows(code))
        return covered / whole if whole else covered

    @property
    def lengths(self) -> NDArray[np.float32]:
        """How many terms each row holds."""
        return np.asarray(self._lengths.values, np.float32)

    @property
    def incidence(self) -> Incidence[str]:
        """Which rows hold which terms."""
        return self._terms

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

    def _idf(self, code: int | None) -> np.float32:
        frequency = 0 if code is None else self._terms.degree(code)
        return np.float32(math.log1p((self._live_rows - frequency + 0.5) / (frequency + 0.5)))
