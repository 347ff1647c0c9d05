"""The fast look-up: likeness of meaning, words and the hypergraph, fused.

    final = dense + lexical + graph + prior + utility        (constants in ranking.py)

    dense   = W_DENSE   * share(c(i) + NEIGHBOUR * (c(i-1) + c(i+1))),   c = share(cosine), neighbours in the session
    lexical = W_LEXICAL * share(BM25(i))
    graph   = W_WORDS   * share(walk from the question's words)
            + W_SPEAKER * [said by the one speaker that the question names]
            + W_DAY     * fit of the day that the question names
            + W_THINGS  * share(walk from the named things and key phrases of the question)
            + W_NEAR    * share(cosine with the mean of the three best so far)

    utility = weight / (1 - weight) * std(scores) * z(Q)     within the `LEARNED` best by all the rest; 0 while
              nothing was learned of any of them

Candidates are the `POOL` best of each ingredient. Filters are applied inside each look-up, so that
k means k.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memsvc_retrievers.choices import POOL
from memsvc_retrievers.fast import ranking as rank
from memsvc_retrievers.fast import relevance, walk
from memsvc_retrievers.fast.ranking import share
from memsvc_store.projections import filtering
from memsvc_store.projections.vectors import at_least_kth
from memsvc_store.values.hits import NO_FILTER, Blend, Parts
from memsvc_store.values.memories import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memsvc_retrievers.fast.question import Question
    from memsvc_store.projections.shard import Shard
    from memsvc_store.projections.vectors import Look
    from memsvc_store.values.hits import Filter

    Rows = NDArray[np.int64]
    Scores = NDArray[np.float32]

SEEDS = 3
ASSISTANT = "assistant"
LEARNED = 100
"""Best rows among which learned utility decides; all that are returned, where those are more."""


class Found(NamedTuple):
    """One row that was found: the parts of its score, its cosine, how likely it bears on the question, and how learned
    utility came in; None where it did not.
    """

    row: int
    parts: Parts
    similarity: float
    relevance: float
    blend: Blend | None = None


def find(
    shard: Shard,
    question: Question,
    vector: NDArray[np.float32],
    limit: int,
    wanted: Filter = NO_FILTER,
    among: NDArray[np.bool_] | None = None,
    weight: float = 0.0,
) -> list[Found]:
    """The best rows for a question, best first, each with the parts of its score.

    Args:
        shard: one namespace's projections; the caller holds its lock.
        vector: the embedded `question.text`, unit length, shape `(dimension,)`.
        limit: how many at most; fewer come back only when fewer are let through.
        among: which rows to look among beside the filter, shape `(rows,)`; None for all.
        weight: how much learned utility counts, from 0 to below 1; 0 ranks as if nothing had been learned.
    """
    mask = filtering.mask(shard, wanted)
    if among is not None:
        mask = (shard.alive.values if mask is None else mask) & among
    pool = max(POOL, limit)
    look = shard.vectors.search(vector, pool, filtering.embedded(shard, mask))
    postings = shard.lexical.postings(question.terms)
    lexical, words = shard.lexical.scores(postings), walk.from_words(shard, postings)
    days = walk.from_days(shard, question.days)
    rows = _candidates(shard, mask, look, [lexical, words, days], pool)
    if not len(rows):
        return []
    dense = rank.W_DENSE * _dense(shard, look, rows)
    literal = rank.W_LEXICAL * share(lexical[rows])
    graph = rank.W_WORDS * share(words[rows]) + rank.W_DAY * days[rows]
    graph += rank.W_SPEAKER * walk.from_speaker(shard, question.speakers)[rows]
    graph += rank.W_THINGS * share(shard.graph.walk(dict.fromkeys(question.nodes, 1.0))[rows])
    before = rank.prior(shard.lexical.lengths[rows], shard.only_asks.values[rows], _assistants(shard, rows))
    so_far = dense + literal + graph + before
    graph += rank.W_NEAR * _near(shard, rows, so_far)
    scores = dense + literal + graph + before
    order, utility, blends = _ranked(shard, rows, scores, limit, weight)
    columns = (_told(column[order]) for column in (dense, literal, graph, before))
    parts = [Parts(*values) for values in zip(*columns, utility, strict=True)]
    similarity = rank.comparable(look.at(rows[order]))
    cues = relevance.read(question, shard.lexical, rows[order], similarity, rank.comparable(scores[order]))
    likely = relevance.relevance(cues).round(6).tolist()
    return list(map(Found, rows[order].tolist(), parts, similarity.tolist(), likely, blends))


def _assistants(shard: Shard, rows: Rows) -> NDArray[np.bool_]:
    """Which rows are an assistant's messages; what was worked out from them is not."""
    said = np.isin(shard.role.values[rows], shard.roles.find((ASSISTANT,)))
    return np.asarray(said & (shard.kind.values[rows] == KINDS.index("message")), np.bool_)


def _told(column: Scores) -> list[float]:
    """As many digits as a float32 holds: 0.6, not 0.6000000238418579."""
    rounded: list[float] = column.astype(np.float64).round(6).tolist()
    return rounded


def _ranked(
    shard: Shard, rows: Rows, scores: Scores, limit: int, weight: float
) -> tuple[Rows, list[float], Sequence[Blend | None]]:
    """Places in `rows`, best first, each with what was learned of it added; as they are where nothing was learned."""
    keys = shard.keys.values[rows]
    order = rank.best(scores, keys, max(limit, LEARNED))
    pool = rows[order]
    if not weight or not shard.visited.values[pool].any():
        order = order[:limit]
        return order, [0.0] * len(order), [None] * len(order)
    fused, q = np.asarray(scores[order], np.float64), shard.q.values[pool]
    z_fused, z_q = rank.zscores(fused, math.inf), rank.zscores(q)
    utility = rank.learned_share(fused, z_q, weight)
    again = rank.best(fused + utility, keys[order], limit)
    columns = (column[again].tolist() for column in (z_fused, q, z_q))
    blends = [Blend(z, worth, z_worth, weight) for z, worth, z_worth in zip(*columns, strict=True)]
    return order[again], utility[again].tolist(), blends


def _candidates(shard: Shard, mask: NDArray[np.bool_] | None, look: Look, scores: list[Scores], pool: int) -> Rows:
    """The rows worth scoring, ascending: every row that is let through when they are few."""
    eligible = shard.rows if mask is None else int(np.count_nonzero(mask))
    if eligible <= 2 * pool:
        return np.arange(shard.rows) if mask is None else np.flatnonzero(mask)
    chosen = np.zeros(shard.rows, np.bool_)
    chosen[look.rows] = True
    for each in scores:
        matching = np.flatnonzero(each if mask is None else each * mask)
        chosen[matching[at_least_kth(each[matching], pool)]] = True
    if np.count_nonzero(chosen) < pool:  # few are embedded yet and few share a word: k still means k
        chosen[np.arange(pool) if mask is None else np.flatnonzero(mask)[:pool]] = True
    return np.flatnonzero(chosen)


def _dense(shard: Shard, look: Look, rows: Rows) -> Scores:
    """Cosines as shares of the best, with a part of the neighbours' in the session."""
    best = float(look.scores[0]) if len(look.rows) else 0.0
    if best <= 0:
        return np.zeros(len(rows), np.float32)

    def cosines(of: Rows) -> Scores:
        return np.asarray(np.maximum(look.at(of), 0.0) / best, np.float32)

    blended = cosines(rows)
    for step in (shard.before.values, shard.after.values):
        neighbours = step[rows]
        there = neighbours >= 0
        blended[there] += rank.NEIGHBOUR * cosines(neighbours[there])
    return share(blended)


def _near(shard: Shard, rows: Rows, scores: Scores) -> Scores:
    """The second hop: likeness to what the best rows so far have in common; nothing for rows below the pool."""
    pool = at_least_kth(scores, POOL)
    matrix, seeds = shard.vectors.matrix, rows[pool[rank.best(scores[pool], shard.keys.values[rows[pool]], SEEDS)]]
    near = np.zeros(len(rows), np.float32)
    near[pool] = share(matrix[rows[pool]] @ matrix[seeds].mean(axis=0))
    return near
