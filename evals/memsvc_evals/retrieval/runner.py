"""Runs a data set through the public verbs, and the plain methods beside it.

1. Each conversation is added to a namespace of its own, session by session, and what the namespace
   holds afterwards is compared with the conversation: a score over other messages would mean nothing.
2. Each question is asked with `search`; a category is never told to it.
3. The baselines rank the same turns for the same questions, with the same embedder.

A second run on the same database adds nothing (every receipt says `duplicate`) and scores the same.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memsvc_evals.ingestion import held, ingest
from memsvc_evals.progress import Count
from memsvc_evals.provenance import provenance
from memsvc_evals.retrieval import baselines as plain
from memsvc_evals.retrieval import metrics
from memsvc_evals.retrieval.results import SERVICE, TOKEN_DEPTH, Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from memsvc import Memory
    from memsvc_evals.datasets.values import Conversation, Dataset
    from memsvc_evals.progress import Progress

TOP_K = max(metrics.DEPTHS)


def evaluate(
    memory: Memory,
    dataset: Dataset,
    *,
    out_dir: str | Path | None = None,
    baselines: bool = True,
    progress: Progress | None = None,
) -> Result:
    """Score evidence retrieval on a data set.

    Args:
        memory: an open memory; conversation `c` goes into the namespace `<data set>/<c>`.
        out_dir: where `questions.jsonl` and `summary.json` are written; nowhere if None.
        baselines: whether `dense`, `bm25` and `rrf` run too.
        progress: called as `(stage, done, total)`, where stage is "add" (messages), "search" or
            "baselines" (questions).

    Raises:
        MeasurementError: a message was rejected, the namespace holds something else, or `out_dir`
            cannot be written.
        MemsvcError: what the service raises.
    """
    count = Count(progress, {"add": dataset.turns, "search": dataset.questions, "baselines": dataset.questions})
    receipts: Counter[str] = Counter()
    outcomes: list[Outcome] = []
    for conversation in dataset.conversations:
        namespace = f"{dataset.name}/{conversation.id}"
        names, statuses = ingest(memory, conversation, namespace, count)
        receipts.update(statuses)
        held(memory, conversation, namespace, names)
        found = list(_search(memory, conversation, namespace, names, count))
        ranked = list(_baselines(memory, conversation, count)) if baselines else [{} for _ in found]
        outcomes += [
            Outcome(question, conversation.id, {SERVICE: hits.ids, **others}, hits.seconds, hits.tokens)
            for question, hits, others in zip(conversation.questions, found, ranked, strict=True)
        ]
    result = Result(dataset, tuple(outcomes), provenance(memory.embedder), _settings(baselines), dict(receipts))
    if out_dir is not None:
        result.save(Path(out_dir))
    return result


@dataclass(frozen=True, slots=True)
class _Hits:
    """What one search gave: ids of the data set, wall time, and tokens of the first ten texts."""

    ids: tuple[str, ...]
    seconds: float
    tokens: int


def _search(
    memory: Memory, conversation: Conversation, namespace: str, names: Mapping[str, str], count: Count
) -> Iterator[_Hits]:
    if conversation.questions:  # so that the first question does not pay for loading the namespace
        memory.search(conversation.questions[0].text, namespace=namespace, top_k=1)
    for question in conversation.questions:
        began = time.perf_counter()
        hits = memory.search(question.text, namespace=namespace, top_k=TOP_K)
        seconds = time.perf_counter() - began
        tokens = sum(memory.count_tokens(hit.text) for hit in hits[:TOKEN_DEPTH])
        count.add("search")
        yield _Hits(tuple(names.get(hit.id, hit.id) for hit in hits), seconds, tokens)


def _baselines(memory: Memory, conversation: Conversation, count: Count) -> Iterator[dict[str, tuple[str, ...]]]:
    questions = conversation.questions
    if not questions:
        return
    turns = memory.embedder.embed([turn.text for turn in conversation.turns], purpose="document")
    asked = memory.embedder.embed([question.text for question in questions], purpose="query")
    methods = plain.Baselines(conversation.turns, turns)
    for question, vector in zip(questions, asked, strict=True):
        count.add("baselines")
        yield {system: tuple(ids) for system, ids in methods.rank(question.text, vector, TOP_K).items()}


def _settings(baselines: bool) -> dict[str, Any]:
    given: dict[str, Any] = {
        "top_k": TOP_K,
        "depths": list(metrics.DEPTHS),
        "token_depth": TOKEN_DEPTH,
        "latency": "wall time of one search at a time, embedding of the question included, namespace loaded",
    }
    if baselines:
        given["bm25"] = {"k1": plain.K1, "b": plain.B, "stemmer": "porter", "unit": "speaker: text"}
        given["dense"] = {"unit": "text"}
        given["rrf"] = {"k": plain.RRF_K}
    return given
