"""What learning costs: `feedback`, durable, and `blend`, what learned utilities add to a search."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from memsvc_evals.speed import chatter
from memsvc_evals.speed.measurement import Measurement, Race

if TYPE_CHECKING:
    from memsvc import Memory
    from memsvc_evals.speed.workbench import Workbench

NAMESPACE = "bench/learning"
TOP_K = 10
LEAST = 0.001
"""Milliseconds below which a difference of two medians is noise, and of either sign."""


def measure_learning(bench: Workbench) -> tuple[Measurement, ...]:
    """Rewards for searches of ten hits, and then the same searches with and without what was learned from them."""
    from memsvc import Settings

    sizes, rewarding, tracing, race = bench.sizes, [], [], Race()
    with bench.open("learning", Settings.load(search_weight=0.1)) as learned:
        bench.fill(learned, NAMESPACE, chatter.messages(sizes.home), "learning")
        for question in chatter.questions(sizes.queries):
            hits = learned.search(question, namespace=NAMESPACE, top_k=TOP_K, trace=True)
            began = time.perf_counter()
            learned.feedback(str(hits.trace_id), 1.0)
            rewarding.append(time.perf_counter() - began)
            tracing.append(_traced(learned, question))
            bench.count.add("learning")
        plain_bench = replace(bench, embedder=learned.embedder)
        with plain_bench.open("learning", Settings.load(search_weight=0.0)) as plain:
            for question in [chatter.WARM_UP, *chatter.questions(sizes.queries)]:
                race.run(*(partial(one.search, question, namespace=NAMESPACE, top_k=TOP_K) for one in (learned, plain)))
                bench.count.add("learning")
    added = 1000 * (median(race.ours[1:]) - median(race.plain[1:]))
    return (
        Measurement(
            "feedback", 1000 * median(rewarding), 1000 * median(tracing), "ms", 5.0, "value at most",
            f"p50, durable, {TOP_K} memories of {sizes.home:,} moved; against storing a trace",
        ),
        Measurement(
            "blend", max(added, LEAST), 1000 * median(race.plain[1:]), "ms", 1.0, "value at most",
            f"added to a search among {sizes.home:,} by what was learned; against the search without",
        ),
    )  # fmt: skip


def _traced(memory: Memory, question: str) -> float:
    """Seconds that keeping a trace adds to a search."""
    began = time.perf_counter()
    memory.search(question, namespace=NAMESPACE, top_k=TOP_K)
    middle = time.perf_counter()
    memory.search(question, namespace=NAMESPACE, top_k=TOP_K, trace=True)
    return max(time.perf_counter() - middle - (middle - began), LEAST / 1000)
