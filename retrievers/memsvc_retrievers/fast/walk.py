"""The walk over the hypergraph: from what a question names to the memories that it leads to.

Words are nodes too; which memories they join is what the word index holds. Utterances of a session
are chained, each to the next. So a walk goes from a word to the utterances that hold it and on to
their neighbours: the answer to a question need not repeat its words.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from memsvc_store.values.memories import Node
from memsvc_store.values.scripts import folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from memsvc_retrievers.fast.question import Day
    from memsvc_store.projections.lexical import Posting
    from memsvc_store.projections.shard import Shard

DECAY = 0.6
"""What of a word reaches the utterances up to two before and after its own."""


def from_words(shard: Shard, postings: Sequence[Posting]) -> NDArray[np.float32]:
    """What reaches each row from the words of a question, given where they occur; shape `(rows,)`.

        reach(i) = sum over t of max( b_t(i),  DECAY * max over |i - j| <= 2 of b_t(j),
                                      b_t(i - 1) if utterance i - 1 asks something )

    with b_t BM25's part of term t, and i, j positions in one session. Each word counts once a row,
    by its strongest path: summing the paths would reward a session that repeats one word.
    """
    reach = np.zeros(shard.rows, np.float32)
    strongest = np.zeros(shard.rows, np.float32)
    before, after = shard.before.values, shard.after.values
    for rows, parts in postings:
        if shard.dead:
            alive = shard.alive.values[rows]
            rows, parts = rows[alive], parts[alive]
        paths = [(rows, parts)]
        for step in (before, after):
            one, weight = _follow(step, rows, DECAY * parts)
            paths += [(one, weight), _follow(step, one, weight)]
        asking = shard.asks.values[rows]
        paths.append(_follow(after, rows[asking], parts[asking]))
        touched = np.concatenate([path for path, _ in paths])
        np.maximum.at(strongest, touched, np.concatenate([weight for _, weight in paths]))
        reach += strongest
        strongest[touched] = 0.0
    return reach


def from_days(shard: Shard, days: Sequence[Day]) -> NDArray[np.float32]:
    """How well each row's day fits one that the question names, 0 to 1, shape `(rows,)`."""
    fit = np.zeros(shard.rows, np.float32)
    for node in shard.graph.of_kind("day") if days else ():
        best = max(day.fits(date.fromisoformat(node.name)) for day in days)
        if best > 0:
            fit[shard.graph.members(node)] = best
    return fit


def from_speaker(shard: Shard, speakers: frozenset[str]) -> NDArray[np.float32]:
    """1 for what the one speaker that the question names said; zeros if it names none or several."""
    said = np.zeros(shard.rows, np.float32)
    if len(speakers) == 1:
        [speaker] = speakers
        said[shard.graph.members(Node("speaker", folded(speaker)))] = 1.0
    return said


def joining(shard: Shard, nodes: Iterable[Node]) -> NDArray[np.bool_]:
    """Which rows join one of the nodes, shape `(rows,)`."""
    joined = np.zeros(shard.rows, np.bool_)
    for node in nodes:
        joined[shard.graph.members(node)] = True
    return joined


def _follow(
    step: NDArray[np.int32], rows: NDArray[np.int32], weights: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """From each row to the one that `step` leads to, where there is one."""
    reached = step[rows]
    there = reached >= 0
    return reached[there], weights[there]
