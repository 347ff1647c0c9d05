"""How likely a hit bears on the question: a probability that means the same in every namespace.

    relevance = sigmoid(BIAS + sum of WEIGHTS * cues)

A score ranks what one namespace holds: its ingredients are shares of the best, so that the best of nothing scores as
high as a perfect hit ("quantum chromodynamics" in a chat about a boat: 1.28 of 1.68). The cues are what it leaves out:
a bare cosine, the share of the question's words that are there at all, and whether the question names anybody or
anything that this namespace has ever heard of.

The weights are logistic regression's, on the first ten hits of the development questions of LoCoMo, RealTalk and BEAM
in their own conversation (positive where the hit is evidence), in others', and in single sessions. Made, and
judged conversation by conversation on weights fitted without it, by `benchmarks/relevance.py`; docs/retrieval.md has
the reliability plot.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsvc_store.values.text import terms

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from memsvc_retrievers.fast.question import Question
    from memsvc_store.projections.lexical import LexicalIndex

    Rows = NDArray[np.int64]
    Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cues:
    """What relevance is read from; arrays of shape `(hits,)`, the last two of the whole question.

    Attributes:
        similarity: the bare cosine.
        coverage: the share of the question's terms that the memory holds, weighed by their idf.
        score: the fused score without utility.
        anonymous: 1 where the question names no speaker of the namespace, else 0.
        unheard: 1 where the question names a thing of which the namespace holds not one word, else 0.
    """

    similarity: Values
    coverage: Values
    score: Values
    anonymous: float
    unheard: float

    def matrix(self) -> Values:
        """One row a hit, one column a weight."""
        columns = [*astuple(self), self.anonymous * self.similarity]
        return np.column_stack([np.broadcast_to(column, self.similarity.shape) for column in columns])


BIAS = -7.681
WEIGHTS = (1.042, 1.078, 2.692, -2.477, -0.783, 4.328)
"""Of similarity, coverage, score, anonymous, unheard, and similarity where the question is anonymous."""


def relevance(cues: Cues) -> Values:
    """The probability of each hit, shape `(hits,)`."""
    return np.asarray(1.0 / (1.0 + np.exp(-(BIAS + cues.matrix() @ np.array(WEIGHTS)))), np.float64)


def read(question: Question, index: LexicalIndex, rows: Rows, similarity: Values, score: Values) -> Cues:
    """The cues of hits in the rows of a namespace."""
    return Cues(
        similarity, index.coverage(question.terms, rows), score,
        anonymous=float(not question.speakers), unheard=float(_unheard(question, index)),
    )  # fmt: skip


def _unheard(question: Question, index: LexicalIndex) -> bool:
    """Whether the question names a thing of which no live row holds a word."""
    things: Collection[str] = [node.name for node in question.nodes if node.kind == "thing"]
    return any(not any(index.holds(term) for term in terms(thing)) for thing in things if terms(thing))
