"""Fakes that behave, for tests of code that needs an embedder and not its meaning.

Covered: the whole `Embedder` contract, and closeness of texts that share words or their stems.
Not covered: meaning. "car" and "automobile" are strangers here, and a negation is one word like
any other. Nothing is loaded; 10,000 short texts take about a second.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

import numpy as np

from memsvc.models.embedding.texts import checked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from memsvc_retrievers.protocols import Purpose

_WORD = re.compile(r"\w+")
_WORD_WEIGHT = 1.0
_TRIGRAM_WEIGHT = 0.25  # enough that "painted" and "painting" meet, too little to outvote a word


class HashEmbedder:
    """Signed feature hashing of words and their trigrams; implements `Embedder`.

    The same text has the same vector in every process and on every machine: the hash is CRC-32,
    not `hash()`, which is salted anew in each process.

    Args:
        dimension: length of the vectors; below about 32 unrelated texts collide often.
    """

    def __init__(self, dimension: int = 64) -> None:
        if dimension < 1:
            raise ValueError(f"dimension is {dimension}; wanted at least 1.")
        self._dimension = dimension

    @property
    def model(self) -> str:
        """Names the recipe and the dimension."""
        return f"hash-v1-{self._dimension}"

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._dimension

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[np.float32]:
        """Unit rows, float32 `(len(texts), dimension)`, in order; `purpose` makes no difference."""
        rows = [self._vector(text) for text in checked(texts)]
        return np.asarray(rows, dtype=np.float32).reshape(len(rows), self._dimension)

    def _vector(self, text: str) -> NDArray[np.float64]:
        vector = np.zeros(self._dimension)
        for feature, weight in _features(text):
            self._add(vector, feature, weight)
        if not vector.any():  # no word in it, or features that cancelled out
            self._add(vector, f"text:{text}", _WORD_WEIGHT)
        return vector / np.linalg.norm(vector)

    def _add(self, vector: NDArray[np.float64], feature: str, weight: float) -> None:
        code = zlib.crc32(feature.encode("utf-8", "replace"))
        vector[(code >> 1) % self._dimension] += weight if code & 1 else -weight


def _features(text: str) -> Iterator[tuple[str, float]]:
    """Words, and the trigrams of `^word$`, with their weights."""
    for word in _WORD.findall(text.lower()):
        yield f"word:{word}", _WORD_WEIGHT
        edged = f"^{word}$"
        for at in range(len(edged) - 2):
            yield f"tri:{edged[at : at + 3]}", _TRIGRAM_WEIGHT
