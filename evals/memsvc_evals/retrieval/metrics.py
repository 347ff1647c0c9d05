"""Scores of one ranking against the ids that hold the answer, and their summaries. Pure arithmetic.

`ranked` lists the ids that were returned, best first; `gold` the ids that hold the answer, at least
one. A rank counts units returned, from 1, so that an id that nobody asked for still takes its place.
"""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

DEPTHS = (5, 10, 25, 50)
NDCG_DEPTH = 10


def recall_at(ranked: Sequence[str], gold: Collection[str], k: int) -> float:
    """|{first k of ranked} ∩ gold| / |gold|, between 0 and 1."""
    return len(set(ranked[:k]) & set(gold)) / len(set(gold))


def all_found_at(ranked: Sequence[str], gold: Collection[str], k: int) -> float:
    """1 if every id of gold is among the first k, else 0: what an answer that needs all of them needs."""
    return float(set(gold) <= set(ranked[:k]))


def ndcg_at(ranked: Sequence[str], gold: Collection[str], k: int) -> float:
    """DCG / IDCG with binary gains (Järvelin and Kekäläinen 2002), between 0 and 1.

    DCG  = sum over i = 1..k of  [ranked_i in gold and not seen before] / log2(i + 1)
    IDCG = sum over i = 1..min(k, |gold|) of  1 / log2(i + 1)
    """
    wanted = set(gold)
    first = {identity: rank for rank, identity in reversed(list(enumerate(ranked[:k], 1)))}
    found = sum(1 / log2(first[identity] + 1) for identity in sorted(wanted) if identity in first)
    return found / sum(1 / log2(rank + 1) for rank in range(1, min(k, len(wanted)) + 1))


def reciprocal_rank(ranked: Sequence[str], gold: Collection[str]) -> float:
    """1 / rank of the first id that is in gold, 0 if none is. Its mean is the MRR."""
    wanted = set(gold)
    return next((1 / rank for rank, identity in enumerate(ranked, 1) if identity in wanted), 0.0)


def gold_ranks(ranked: Sequence[str], gold: Sequence[str]) -> dict[str, int | None]:
    """For each id of gold its rank, or None if it was not returned."""
    first = {identity: rank for rank, identity in reversed(list(enumerate(ranked, 1)))}
    return {identity: first.get(identity) for identity in gold}


def scores(ranked: Sequence[str], gold: Collection[str]) -> dict[str, float]:
    """Every measure of one question: `recall@k` and `all_found@k` at each depth, `ndcg@10`, `mrr`."""
    return {
        **{f"recall@{k}": recall_at(ranked, gold, k) for k in DEPTHS},
        **{f"all_found@{k}": all_found_at(ranked, gold, k) for k in DEPTHS},
        f"ndcg@{NDCG_DEPTH}": ndcg_at(ranked, gold, NDCG_DEPTH),
        "mrr": reciprocal_rank(ranked, gold),
    }


def mean(values: Sequence[float]) -> float:
    """sum / count of at least one value."""
    return sum(values) / len(values)


def mean_scores(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each measure over questions that all have the same measures; empty without questions."""
    return {measure: mean([row[measure] for row in rows]) for measure in rows[0]} if rows else {}


def percentile(values: Sequence[float], q: float) -> float:
    """The value below which q percent lie, linear between neighbours, of at least one value."""
    return float(np.percentile(values, q))
