"""The plain methods that the service has to beat, over the same turns and with the same embedder.

- `dense`: cosine between the question and the text of each turn
- `bm25`: Lucene's BM25 over `speaker: text`, k1 = 1.5, b = 0.75, Porter stems, a short stop list
- `rrf`: reciprocal rank fusion of the two, k = 60

They share no code with the service, so that a fault there cannot hide itself here. Turns that tie
keep the order in which they were said.
"""

from __future__ import annotations

import re
from collections import Counter
from math import log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from memsvc_evals.datasets.values import Turn

K1 = 1.5
B = 0.75
RRF_K = 60
_STOP = """
a an the and or but if of at by for with about to from in on off out over up down is are was were be been am do does did
done has have had will would can could should i me my mine we us our you your he him his she her hers it its they them
their this that these those there here as so than then too very just not no what when where which who whom whose why how
s t d ll m re ve
"""
STOP_WORDS = frozenset(_STOP.split())
_WORD = re.compile(r"[a-z0-9]+")


def tokens(text: str) -> list[str]:
    """Porter stems of the words `[a-z0-9]+` that are not stop words, in order, with repeats."""
    import Stemmer

    words = [word for word in _WORD.findall(text.lower()) if word not in STOP_WORDS]
    return list(Stemmer.Stemmer("porter", 0).stemWords(words))


def rank_dense(turns: NDArray[np.float32], question: NDArray[np.float32]) -> list[int]:
    """Rows of `turns` (shape (n, d), unit length) by their dot product with `question` (shape (d,))."""
    import numpy as np

    return [int(row) for row in np.argsort(-(turns @ question), kind="stable")]


class Bm25:
    """BM25 over a fixed list of documents, each a list of terms.

    score(d, q) = sum over terms t of q, repeats included, of
                  ln(1 + (N - df + 0.5) / (df + 0.5)) · tf · (k1 + 1) / (tf + k1 · (1 - b + b · |d| / avg))

    (Robertson and Zaragoza 2009, with Lucene's idf.)
    """

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self._counts = [Counter(document) for document in documents]
        self._lengths = [len(document) for document in documents]
        self._average = sum(self._lengths) / len(documents) if any(self._lengths) else 1.0
        self._containing = Counter(term for counts in self._counts for term in counts)

    def score(self, row: int, query: Sequence[str]) -> float:
        """The score of one document."""
        counts = self._counts[row]
        norm = K1 * (1 - B + B * self._lengths[row] / self._average)
        return sum(
            self._idf(term) * counts[term] * (K1 + 1) / (counts[term] + norm) for term in query if term in counts
        )

    def rank(self, query: Sequence[str]) -> list[int]:
        """The documents that share a term with the query, best first."""
        scored = ((self.score(row, query), row) for row in range(len(self._counts)))
        return [row for score, row in sorted(scored, key=lambda pair: (-pair[0], pair[1])) if score > 0]

    def _idf(self, term: str) -> float:
        containing = self._containing[term]
        return log(1 + (len(self._counts) - containing + 0.5) / (containing + 0.5))


def fuse(rankings: Sequence[Sequence[int]], k: int = RRF_K) -> list[int]:
    """Reciprocal rank fusion: score = sum over rankings of 1 / (k + rank) (Cormack et al. 2009)."""
    totals: dict[int, float] = {}
    for ranking in rankings:
        for rank, row in enumerate(ranking, 1):
            totals[row] = totals.get(row, 0.0) + 1 / (k + rank)
    return sorted(totals, key=lambda row: (-totals[row], row))


class Baselines:
    """The three methods over the turns of one conversation.

    `vectors` are the turns' (shape (n, d), unit length), made from their texts alone.
    """

    def __init__(self, turns: Sequence[Turn], vectors: NDArray[np.float32]) -> None:
        self._ids = [turn.id for turn in turns]
        self._vectors = vectors
        self._bm25 = Bm25([tokens(f"{turn.speaker}: {turn.text}") for turn in turns])

    def rank(self, question: str, vector: NDArray[np.float32], depth: int) -> dict[str, list[str]]:
        """The ids of the best `depth` turns by each method; fusion sees the whole rankings."""
        dense, bm25 = rank_dense(self._vectors, vector), self._bm25.rank(tokens(question))
        rankings = {"dense": dense, "bm25": bm25, "rrf": fuse([dense, bm25])}
        return {system: [self._ids[row] for row in ranking[:depth]] for system, ranking in rankings.items()}
