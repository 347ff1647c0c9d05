"""Speed of the service against the raw parts that it is made of, on this machine and in the same run.

- `add`: messages/s of durable batches, against the embedder alone on the same texts
- `search`: p50 in one large namespace, against embedding the question and one flat FAISS look-up
- `cold`: a whole `memsvc search` process, against an empty Python process
- `namespaces`: search p50 in one namespace beside many others, against the same beside one
- `approximate`: the share of the hits that the approximate index finds as the exact one does

A value and its baseline take turns, and medians are compared, so that a busy moment hits both.
Texts are made up (`bench_text`); the embedder is the one in use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from memsvc_evals import bench_text
from memsvc_evals.errors import MeasurementError
from memsvc_evals.measurement import Measurement, Race
from memsvc_evals.progress import Count
from memsvc_evals.raw import flat_look_up, python

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memsvc import Memory
    from memsvc_evals.progress import Progress
    from memsvc_retrievers.protocols import Embedder
    from memsvc_store.shapes import Hit

TOP_K = 10
HOME = "bench/home"
_FILL = 500  # messages to a call while a namespace is filled outside of the clock


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured. Counts of messages unless they say otherwise."""

    batch: int = 100
    batches: int = 15
    memories: int = 10_000
    queries: int = 200
    cold_memories: int = 1_000
    cold_runs: int = 5
    home: int = 1_000
    namespaces: int = 1_000
    per_namespace: int = 10


FULL = Sizes()
QUICK = Sizes(batches=5, memories=1_000, queries=50, cold_memories=300, cold_runs=3, home=300, namespaces=50)


@dataclass(frozen=True, slots=True)
class Bench:
    """What a measurement works with. `embedder` is None for the one that the settings name."""

    folder: Path
    sizes: Sizes
    embedder: Embedder | None
    count: Count

    def open(self, name: str) -> Memory:
        """A database of its own."""
        from memsvc import Memory

        return Memory.open(self.folder / f"{name}.db", embedder=self.embedder)

    def fill(self, memory: Memory, namespace: str, messages: Sequence[dict[str, Any]], stage: str) -> None:
        """Add messages outside of the clock."""
        for start in range(0, len(messages), _FILL):
            part = messages[start : start + _FILL]
            memory.add(part, namespace=namespace)
            self.count.add(stage, len(part))


Method = Callable[[Bench], tuple[Measurement, ...]]


def run_bench(
    *,
    quick: bool = False,
    sizes: Sizes | None = None,
    only: Sequence[str] | None = None,
    embedder: Embedder | None = None,
    progress: Progress | None = None,
) -> tuple[Measurement, ...]:
    """Take the measurements in a temporary folder.

    Args:
        quick: smaller sizes, for a look; `sizes` states them one by one.
        only: names from `MEASUREMENTS`; all of them by default.
        embedder: by default the one that the settings name, which `cold` always uses.
        progress: called as `(measurement, done, total)`, in steps of that measurement's own.

    Raises:
        MeasurementError: an unknown name, or a command that failed.
        MemsvcError: what the service raises.
    """
    chosen = tuple(MEASUREMENTS) if only is None else tuple(only)
    for name in chosen:
        if name not in MEASUREMENTS:
            raise MeasurementError(f"no measurement is named {name!r}; there are {', '.join(MEASUREMENTS)}")
    sizes = sizes or (QUICK if quick else FULL)
    count = Count(progress, _steps(sizes))
    found: list[Measurement] = []
    for name in chosen:
        with TemporaryDirectory(prefix="memsvc-bench-") as folder:
            found += MEASUREMENTS[name](Bench(Path(folder), sizes, embedder, count))
    return tuple(found)


def measure_add(bench: Bench) -> tuple[Measurement, ...]:
    """Durable batches through `add`, in turns with the embedder alone on the same texts."""
    size, race = bench.sizes.batch, Race()
    messages = bench_text.messages(size * bench.sizes.batches)
    with bench.open("add") as memory:
        memory.add(bench_text.messages(size, seed=-1), namespace="bench/warm-up")
        for start in range(0, len(messages), size):
            part = messages[start : start + size]
            texts = [message["content"] for message in part]
            race.run(partial(memory.add, part, namespace=HOME), partial(memory.embedder.embed, texts))
            bench.count.add("add")
    return (
        Measurement(
            name="add",
            value=size / median(race.ours),
            baseline=size / median(race.plain),
            unit="messages/s",
            bar=0.8,
            judged="ratio at least",
            what=f"durable, {size} a call, against the embedder alone",
        ),
    )


def measure_search(bench: Bench) -> tuple[Measurement, ...]:
    """`search` in a large namespace, in turns with an embedding and a flat FAISS look-up of the same size."""
    sizes, race = bench.sizes, Race()
    with bench.open("search") as memory:
        bench.fill(memory, HOME, bench_text.messages(sizes.memories), "search")
        plain = flat_look_up(sizes.memories, memory.embedder, TOP_K)
        _search(memory, bench_text.WARM_UP)()
        for question in bench_text.questions(sizes.queries):
            race.run(_search(memory, question), partial(plain, question))
            bench.count.add("search")
    what = f"p50 among {sizes.memories:,}, against embedding and a flat FAISS index"
    return (_milliseconds("search", race, bar=1.5, what=what),)


def measure_cold(bench: Bench) -> tuple[Measurement, ...]:
    """A whole `memsvc search` process, in turns with an empty Python process."""
    from memsvc import Memory

    sizes, race, path = bench.sizes, Race(), bench.folder / "cold.db"
    with Memory.open(path) as memory:  # with the settings' embedder: the process will use that one
        bench.fill(memory, HOME, bench_text.messages(sizes.cold_memories), "cold")
    question = bench_text.WARM_UP
    search = partial(python, "-m", "memsvc_cli", "search", question, "--namespace", HOME, "--db", str(path), "--json")
    search()  # byte code is compiled and files come into the cache outside of the clock
    for _ in range(sizes.cold_runs):
        race.run(search, partial(python, "-c", "pass"))
        bench.count.add("cold")
    return (
        Measurement(
            name="cold",
            value=median(race.ours),
            baseline=median(race.plain),
            unit="s",
            bar=1.5,
            judged="value at most",
            what=f"a `memsvc search` process, {sizes.cold_memories:,} memories, against an empty Python process",
        ),
    )


def measure_namespaces(bench: Bench) -> tuple[Measurement, ...]:
    """One namespace beside one other and beside many, searched in turns; what is found must not differ."""
    sizes, race = bench.sizes, Race()
    same = 0
    with bench.open("one") as one, bench.open("many") as many:
        _fill_beside(bench, one, others=1)
        _fill_beside(bench, many, others=sizes.namespaces)
        for question in bench_text.questions(sizes.queries):
            found, wanted = race.run(_search(many, question), _search(one, question))
            same += [hit.text for hit in found] == [hit.text for hit in wanted]
            bench.count.add("namespaces")
    beside = f"beside {sizes.namespaces:,} other namespaces, against beside one"
    return (
        _milliseconds("namespaces", race, bar=1.2, what=f"search p50 {beside}"),
        Measurement(
            name="namespaces_same",
            value=same / sizes.queries,
            baseline=1.0,
            unit="of the questions",
            bar=1.0,
            judged="value at least",
            what=f"the same hits {beside}",
        ),
    )


def measure_approximate(bench: Bench) -> tuple[Measurement, ...]:
    """The approximate index against the exact one, on the same database: the same hits, and in which time."""
    from memsvc import Memory, Settings

    sizes, race, path = bench.sizes, Race(), bench.folder / "approximate.db"
    with Memory.open(path, embedder=bench.embedder) as exact:
        bench.fill(exact, HOME, bench_text.messages(sizes.memories), "approximate")
        early = Settings.load(exact_limit=sizes.memories // 5)
        with Memory.open(path, settings=early, embedder=exact.embedder) as approximate:
            same = 0
            for memory in (exact, approximate):
                _search(memory, bench_text.WARM_UP)()
            for question in bench_text.questions(sizes.queries):
                found, wanted = race.run(_search(approximate, question), _search(exact, question))
                same += len({hit.id for hit in found} & {hit.id for hit in wanted})
                bench.count.add("approximate")
    against = f"IVF-SQ8 among {sizes.memories:,}, against the exact index"
    return (
        Measurement(
            name="approximate",
            value=same / (TOP_K * sizes.queries),
            baseline=1.0,
            unit="of the hits",
            bar=0.98,
            judged="value at least",
            what=against,
        ),
    )


MEASUREMENTS: dict[str, Method] = {
    "add": measure_add,
    "search": measure_search,
    "cold": measure_cold,
    "namespaces": measure_namespaces,
    "approximate": measure_approximate,
}
"""What `run_bench` takes, in this order. Another one is another line here and in `_steps`."""


def _steps(sizes: Sizes) -> Mapping[str, int]:
    spread = 2 * sizes.home + (sizes.namespaces + 1) * sizes.per_namespace
    return {
        "add": sizes.batches,
        "search": sizes.memories + sizes.queries,
        "cold": sizes.cold_memories + sizes.cold_runs,
        "namespaces": spread + sizes.queries,
        "approximate": sizes.memories + sizes.queries,
    }


def _search(memory: Memory, question: str) -> Callable[[], list[Hit]]:
    return partial(memory.search, question, namespace=HOME, top_k=TOP_K)


def _fill_beside(bench: Bench, memory: Memory, *, others: int) -> None:
    size = bench.sizes.per_namespace
    bench.fill(memory, HOME, bench_text.messages(bench.sizes.home), "namespaces")
    chatter = bench_text.messages(others * size, seed=2)
    for index in range(others):
        namespace = f"bench/other-{index}"
        bench.fill(memory, namespace, chatter[index * size : (index + 1) * size], "namespaces")
        memory.search(bench_text.WARM_UP, namespace=namespace, top_k=1)  # so that all of them are loaded
    _search(memory, bench_text.WARM_UP)()


def _milliseconds(name: str, race: Race, *, bar: float, what: str) -> Measurement:
    return Measurement(
        name=name,
        value=median(race.ours) * 1000,
        baseline=median(race.plain) * 1000,
        unit="ms",
        bar=bar,
        judged="ratio at most",
        what=what,
    )
