"""What joining concurrent embeddings into batches is worth, with the embedder that the settings name.

Threads embed questions of their own, one text a call, as the service's searches do: with the embedder as it is, and
through `BatchingEmbedder`. The two take turns, and medians of the rounds are compared, so that a busy moment hits both.
CPU time a text is that of the whole process; unlike time on the clock it hardly depends on what else the machine does.

    python benchmarks/batching.py --threads 16 64
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from statistics import median
from typing import TYPE_CHECKING

from memsvc import Settings, wiring
from memsvc.models.embedding.batching import BatchingEmbedder
from memsvc_evals.speed import chatter
from memsvc_evals.speed.measurement import Race

if TYPE_CHECKING:
    from memsvc_retrievers.protocols import Embedder


Seconds = tuple[float, float]
"""A text's: on the clock, of CPU."""


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
        rounds = raced(plain, batched, given.rounds, texts, threads)
        clock, cpu = said(rounds, 0), said(rounds, 1)
        sys.stdout.write(f"{threads} threads, batched: {clock} the throughput, {cpu} by CPU time\n")
    race = Race()
    for text in texts:
        race.run(lambda text=text: batched.embed([text]), lambda text=text: plain.embed([text]))  # type: ignore[misc]
    ours, theirs = 1000 * median(race.ours), 1000 * median(race.plain)
    sys.stdout.write(f"idle, p50 of one text: {theirs:.2f} -> {ours:.2f} ms, {ours / theirs:.3f} times\n")


def said(rounds: list[tuple[Seconds, Seconds]], at: int) -> str:
    """The ratio of medians, plain to batched, and what they are."""
    plain, batched = (1000 * median(one[side][at] for one in rounds) for side in (0, 1))
    return f"{plain / batched:.2f} times ({plain:.2f} -> {batched:.2f} ms a text)"


def raced(
    plain: Embedder, batched: Embedder, rounds: int, texts: list[str], threads: int
) -> list[tuple[Seconds, Seconds]]:
    """(plain, batched) of each round; either goes first every other time."""
    taken = []
    for turn in range(rounds):
        if turn % 2:
            second = spread(batched, texts, threads)
            taken.append((spread(plain, texts, threads), second))
        else:
            taken.append((spread(plain, texts, threads), spread(batched, texts, threads)))
    return taken


def spread(embedder: Embedder, texts: list[str], threads: int) -> Seconds:
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


if __name__ == "__main__":
    main()
