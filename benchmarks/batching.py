"""What joining concurrent embeddings into batches is worth, with the embedder that the settings name.

Threads embed questions of their own, one text a call, as the service's searches do: each with the embedder as it is, and
through `BatchingEmbedder`. The two take turns, and medians of the rounds are compared, so that a busy moment hits both.
CPU time a text is that of the whole process; unlike time on the clock it hardly depends on what else the machine does.

    python benchmarks/batching.py --threads 16 64
"""

from __future__ import annotations

import argparse
import threading
import time
from statistics import median
from typing import TYPE_CHECKING

from memsvc import Settings, wiring
from memsvc.models.embedding.batching import BatchingEmbedder
from memsvc_evals.speed import chatter

if TYPE_CHECKING:
    from collections.abc import Callable

    from memsvc_retrievers.protocols import Embedder


def main() -> None:
    """Measure, and print a line a number of threads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--texts", type=int, default=256, help="texts a round")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    settings = Settings.load()
    plain = wiring.build_embedder(settings)
    batched = BatchingEmbedder(plain, window=settings.batch_window_ms / 1000, size=settings.batch_size)
    texts = chatter.questions(given.texts)
    plain.embed(texts[:1])
    for threads in given.threads:
        clock, cpu = raced(plain, batched, given.rounds, lambda one, n=threads: spread(one, texts, n))  # type: ignore[misc]
        said = f"{threads} threads: batched {clock[0] / clock[1]:.2f} times the throughput"
        print(f"{said} ({1000 * clock[0]:.2f} -> {1000 * clock[1]:.2f} ms a text), ", end="")
        print(f"{cpu[0] / cpu[1]:.2f} times by CPU time ({1000 * cpu[0]:.2f} -> {1000 * cpu[1]:.2f} ms a text)")
    clock, _ = raced(plain, batched, given.rounds, lambda one: alone(one, texts[:64]))
    print(f"idle, p50 of one text: {1000 * clock[0]:.2f} -> {1000 * clock[1]:.2f} ms, {clock[1] / clock[0]:.3f} times")


def raced(
    plain: Embedder, batched: Embedder, rounds: int, work: Callable[[Embedder], tuple[float, float]]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Medians of (plain, batched): seconds on the clock, and of CPU."""
    taken: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for turn in range(rounds):
        if turn % 2:
            second = work(batched)
            taken.append((work(plain), second))
        else:
            taken.append((work(plain), work(batched)))
    clock, cpu = ([(one[0][at], one[1][at]) for one in taken] for at in (0, 1))
    return (median(a for a, _ in clock), median(b for _, b in clock)), (
        median(a for a, _ in cpu),
        median(b for _, b in cpu),
    )


def spread(embedder: Embedder, texts: list[str], threads: int) -> tuple[float, float]:
    """Seconds a text, on the clock and of CPU, where so many threads embed them one by one."""
    left = iter(texts)
    lock = threading.Lock()

    def run() -> None:
        while True:
            with lock:
                text = next(left, None)
            if text is None:
                return
            embedder.embed([text], purpose="query")

    workers = [threading.Thread(target=run) for _ in range(threads)]
    clock, cpu = time.perf_counter(), time.process_time()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return (time.perf_counter() - clock) / len(texts), (time.process_time() - cpu) / len(texts)


def alone(embedder: Embedder, texts: list[str]) -> tuple[float, float]:
    """The median seconds of one text, on the clock and of CPU, where nobody else embeds."""
    times = []
    for text in texts:
        clock, cpu = time.perf_counter(), time.process_time()
        embedder.embed([text], purpose="query")
        times.append((time.perf_counter() - clock, time.process_time() - cpu))
    return median(a for a, _ in times), median(b for _, b in times)


if __name__ == "__main__":
    main()
