"""The measurements of the bench, each beside what it is held against.

- `add`: messages/s of durable batches, against the embedder alone on the same texts
- `search`: p50 in one large namespace, against embedding the question and one flat FAISS look-up
- `cold`: a whole `memsvc search` process, against an empty Python process
- `namespaces`: search p50 in one namespace beside many others, against the same beside one; and
  `namespaces_same`, the share of the questions that find the same there
- `feedback`: one, durable, against storing a trace; and `blend`, what learned utilities add to a search
- `approximate`: the share of the final hits that are the same with the approximate index as with
  the exact one; and `approximate_time`, the search p50 of the two
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from memsvc_evals.speed import chatter
from memsvc_evals.speed.workbench import Measurement, Race, flat_look_up, python

if TYPE_CHECKING:
    from collections.abc import Callable

    from memsvc import Memory
    from memsvc_evals.speed.workbench import Judged, Workbench
    from memsvc_store.values.hits import Hit

TOP_K = 10
HOME = "bench/home"
_NOISE = 0.001  # milliseconds below which a difference of two medians is noise, and of either sign


def measure_add(bench: Workbench) -> tuple[Measurement, ...]:
    """Durable batches through `add`, in turns with the embedder alone on the same texts."""
    size, race = bench.sizes.batch, Race()
    messages = chatter.messages(size * bench.sizes.batches)
    with bench.open("add") as memory:
        memory.add(chatter.messages(size, seed=-1), namespace="bench/warm-up")
        for start in range(0, len(messages), size):
            part = messages[start : start + size]
            texts = [message["content"] for message in part]
            race.run(partial(memory.add, part, namespace=HOME), partial(memory.embedder.embed, texts))
            bench.count.add("add")
    what = f"durable, {size} a call; against the embedder alone"
    return (_timed("add", race, "ratio at least", 0.8, what, unit="messages/s", shown=lambda took: size / took),)


def measure_search(bench: Workbench) -> tuple[Measurement, ...]:
    """`search` in a large namespace, in turns with an embedding and a flat FAISS look-up of the same size."""
    sizes, race = bench.sizes, Race()
    with bench.open("search") as memory:
        bench.fill(memory, HOME, chatter.messages(sizes.memories), "search")
        plain = flat_look_up(sizes.memories, memory.embedder, TOP_K)
        _search(memory, chatter.WARM_UP)()
        for question in chatter.questions(sizes.queries):
            race.run(_search(memory, question), partial(plain, question))
            bench.count.add("search")
    what = f"p50 among {sizes.memories:,}; against embedding and a flat FAISS index"
    return (_timed("search", race, "ratio at most", 1.5, what),)


def measure_cold(bench: Workbench) -> tuple[Measurement, ...]:
    """A whole `memsvc search` process, in turns with an empty Python process."""
    sizes, race, path = bench.sizes, Race(), bench.path("cold")
    with replace(bench, embedder=None).open("cold") as memory:  # the process will use the settings' embedder too
        bench.fill(memory, HOME, chatter.messages(sizes.cold_memories), "cold")
    question = chatter.WARM_UP
    search = partial(python, "-m", "memsvc_cli", "search", question, "--namespace", HOME, "--db", str(path), "--json")
    search()  # byte code is compiled and files come into the cache outside of the clock
    for _ in range(sizes.cold_runs):
        race.run(search, partial(python, "-c", "pass"))
        bench.count.add("cold")
    what = f"a search process among {sizes.cold_memories:,}; against an empty Python"
    return (_timed("cold", race, "value at most", 1.5, what, unit="s", shown=lambda took: took),)


def measure_namespaces(bench: Workbench) -> tuple[Measurement, ...]:
    """One namespace beside one other and beside many, searched in turns; what is found must not differ."""
    sizes, race, same = bench.sizes, Race(), 0
    with bench.open("one") as one, bench.open("many") as many:
        _fill_beside(bench, one, others=1)
        _fill_beside(bench, many, others=sizes.namespaces)
        for question in chatter.questions(sizes.queries):
            found, wanted = race.run(_search(many, question), _search(one, question))
            same += [hit.text for hit in found] == [hit.text for hit in wanted]
            bench.count.add("namespaces")
    beside = f"beside {sizes.namespaces:,} other namespaces; against beside one"
    return (
        _timed("namespaces", race, "ratio at most", 1.2, f"search p50 {beside}"),
        _share("namespaces_same", same, sizes.queries, 1.0, f"same hits {beside}"),
    )


def measure_approximate(bench: Workbench) -> tuple[Measurement, ...]:
    """The approximate index against the exact one, on the same database: the same final hits, and in which time.

    Hits are what `search` returns, after words and time had their say: no measure of the index alone.
    """
    from memsvc import Settings

    sizes, race, same = bench.sizes, Race(), 0
    early = Settings.load(exact_limit=sizes.memories // 5)
    with bench.open("approximate") as exact:
        bench.fill(exact, HOME, chatter.messages(sizes.memories), "approximate")
        with replace(bench, embedder=exact.embedder).open("approximate", early) as approximate:
            for memory in (exact, approximate):
                _search(memory, chatter.WARM_UP)()
            for question in chatter.questions(sizes.queries):
                found, wanted = race.run(_search(approximate, question), _search(exact, question))
                same += len({hit.id for hit in found} & {hit.id for hit in wanted})
                bench.count.add("approximate")
    against = f"IVF-SQ8 against exact, among {sizes.memories:,}"
    return (
        _share("approximate", same, TOP_K * sizes.queries, 0.98, f"share of the final hits: {against}"),
        _timed("approximate_time", race, "ratio at most", 1.2, f"search p50: {against}"),
    )


def measure_learning(bench: Workbench) -> tuple[Measurement, ...]:
    """Rewards for searches of ten hits, and then the same searches with and without what was learned from them."""
    from memsvc import Settings

    sizes, rewarding, tracing, race = bench.sizes, [], [], Race()
    with bench.open("learning", Settings.load(search_weight=0.1)) as learned:
        bench.fill(learned, HOME, chatter.messages(sizes.home), "learning")
        for question in chatter.questions(sizes.queries):
            hits = learned.search(question, namespace=HOME, top_k=TOP_K, trace=True)
            began = time.perf_counter()
            learned.feedback(str(hits.trace_id), 1.0)
            rewarding.append(time.perf_counter() - began)
            tracing.append(_traced(learned, question))
            bench.count.add("learning")
        plain_bench = replace(bench, embedder=learned.embedder)
        with plain_bench.open("learning", Settings.load(search_weight=0.0)) as plain:
            for question in [chatter.WARM_UP, *chatter.questions(sizes.queries)]:
                race.run(*(partial(one.search, question, namespace=HOME, top_k=TOP_K) for one in (learned, plain)))
                bench.count.add("learning")
    added = 1000 * (median(race.ours[1:]) - median(race.plain[1:]))
    return (
        Measurement(
            "feedback", 1000 * median(rewarding), 1000 * median(tracing), "ms", 5.0, "value at most",
            f"p50, durable, {TOP_K} memories of {sizes.home:,} moved; against storing a trace",
        ),
        Measurement(
            "blend", max(added, _NOISE), 1000 * median(race.plain[1:]), "ms", 1.0, "value at most",
            f"added to a search among {sizes.home:,} by what was learned; against the search without",
        ),
    )  # fmt: skip


def _traced(memory: Memory, question: str) -> float:
    """Seconds that keeping a trace adds to a search."""
    began = time.perf_counter()
    memory.search(question, namespace=HOME, top_k=TOP_K)
    middle = time.perf_counter()
    memory.search(question, namespace=HOME, top_k=TOP_K, trace=True)
    return max(time.perf_counter() - middle - (middle - began), _NOISE / 1000)


def _search(memory: Memory, question: str) -> Callable[[], list[Hit]]:
    return partial(memory.search, question, namespace=HOME, top_k=TOP_K)


def _fill_beside(bench: Workbench, memory: Memory, *, others: int) -> None:
    size = bench.sizes.per_namespace
    bench.fill(memory, HOME, chatter.messages(bench.sizes.home), "namespaces")
    messages = chatter.messages(others * size, seed=2)
    for index in range(others):
        namespace = f"bench/other-{index}"
        bench.fill(memory, namespace, messages[index * size : (index + 1) * size], "namespaces")
        memory.search(chatter.WARM_UP, namespace=namespace, top_k=1)  # so that all of them are loaded
    _search(memory, chatter.WARM_UP)()


def _milliseconds(seconds: float) -> float:
    return seconds * 1000


def _timed(
    name: str,
    race: Race,
    judged: Judged,
    bar: float,
    what: str,
    *,
    unit: str = "ms",
    shown: Callable[[float], float] = _milliseconds,
) -> Measurement:
    """The medians of a race; `shown` turns seconds into the unit."""
    return Measurement(name, shown(median(race.ours)), shown(median(race.plain)), unit, bar, judged, what)


def _share(name: str, same: int, of: int, bar: float, what: str) -> Measurement:
    """How many are the same, beside all of them."""
    return Measurement(name, same / of, 1.0, "share", bar, "value at least", what)
