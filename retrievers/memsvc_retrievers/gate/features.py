"""What is known of a fast answer when it is judged, as numbers that a model of its risk is fitted to.

| feature                | what it says                                                                    |
|------------------------|---------------------------------------------------------------------------------|
| `relevance_failed`, `faithfulness_failed`, `completeness_failed` | 1 where the quality gate found fault, else 0 |
| `best`                 | the best hit's score: how far meaning, words and graph point to the same memory |
| `lead`                 | by how much it leads the second                                                 |
| `spread`               | by how much it leads the mean of the others                                     |
| `cited`                | how many passages the answer names as its sources, 5 at most                    |
| `cited_first`          | 1 / rank of the best ranked of them; 0 where it names none                      |
| `length`               | log(1 + words of the answer)                                                    |
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from memsvc_store.values.text import count_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_retrievers.gate.drafting import Draft
    from memsvc_retrievers.gate.verdict import Verdict

DIMENSIONS = ("relevance", "faithfulness", "completeness")

FEATURES = (*(f"{name}_failed" for name in DIMENSIONS), "best", "lead", "spread", "cited", "cited_first", "length")

_MOST_CITED = 5


def features(verdict: Verdict, drafted: Draft | None, scores: Sequence[float]) -> dict[str, float] | None:
    """The features of a fast answer; None where it was not judged in the three dimensions.

    Args:
        verdict: of the quality gate, or of one that began with it.
        scores: of the hits that the draft was made from, best first.
    """
    passed = {reason.dimension: reason.passed for reason in verdict.reasons}
    if drafted is None or not all(name in passed for name in DIMENSIONS):
        return None
    best, others = (scores[0], scores[1:]) if scores else (0.0, ())
    ranks = [rank for rank, passage in enumerate(drafted.shown, 1) if passage in drafted.sources]
    return {
        **{f"{name}_failed": float(not passed[name]) for name in DIMENSIONS},
        "best": best,
        "lead": best - others[0] if others else best,
        "spread": best - sum(others) / len(others) if others else best,
        "cited": float(min(len(drafted.sources), _MOST_CITED)),
        "cited_first": 1.0 / ranks[0] if ranks else 0.0,
        "length": math.log1p(count_tokens(drafted.text)),
    }
