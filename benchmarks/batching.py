"""What joining concurrent embeddings into batches is worth, with each of the embedders that run on this machine.

Threads embed questions of their own, one text a call, as the service's searches do: with the embedder as it is, and
through `BatchingEmbedder`. The two take turns, and medians of the rounds are compared, so that a busy moment hits both.
CPU time a text is that of the whole process; unlike time on the clock it hardly depends on what else the machine does.

    python benchmarks/batching.py --threads 16 64                       # onnxruntime, and the same weights on torch
    python benchmarks/batching.py --device cuda                         # the same on a GPU, beside onnxruntime's
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
from memsvc.models.embedding.minilm import fp32_folder
from memsvc.models.embedding.sentence_transformer import SentenceTransformerEmbedder
from memsvc_evals.speed import Race, chatter

if TYPE_CHECKING:
    from memsvc_retrievers.protocols import Embedder


Seconds = tuple[float, float]
"""A text's: on the clock, of CPU."""


def main() -> None:
    """Measure, and print a row for each embedder and number of threads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--texts", type=int, default=256, help="texts a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", default="cpu", help="torch's")
    given = parser.parse_args()
    settings, texts = Settings.load(), chatter.questions(given.texts)
    embedders: dict[str, Embedder] = {
        settings.embedder: wiring.build_embedder(settings),
        f"sentence-transformers, torch, {given.device}": SentenceTransformerEmbedder(
            fp32_folder(), device=given.device
        ),
    }
    sys.stdout.write("| | one by one, ms a text | batched | throughput | by CPU time | alone: batching costs |\n")
    sys.stdout.write("|---|---|---|---|---|---|\n")
    for name, plain in embedders.items():
        batched = BatchingEmbedder(plain, window=settings.batch_window_ms / 1000, size=settings.batch_size)
        plain.embed(texts[:1])
        alone = costs_alone(plain, batched, texts)
        for threads in given.threads:
            rounds = raced(plain, batched, given.rounds, texts, threads)
            one_by_one, joined, times = compared(rounds, 0)
            row = f"{one_by_one:.2f} | {joined:.2f} | {times:.2f} x | {compared(rounds, 1)[2]:.2f} x | {alone:.3f} x"
            sys.stdout.write(f"| {name}, {threads} threads | {row} |\n")
            sys.stdout.flush()


def compared(rounds: list[tuple[Seconds, Seconds]], at: int) -> tuple[float, float, float]:
    """Medians in ms a text, plain and batched, and how many times the one is the other."""
    plain, batched = (1000 * median(one[side][at] for one in rounds) for side in (0, 1))
    return plain, batched, plain / batched


def costs_alone(plain: Embedder, batched: Embedder, texts: list[str]) -> float:
    """How many times as long a caller waits for a text where nobody else asks."""
    race = Race()
    for text in texts:
        race.run(lambda text=text: batched.embed([text]), lambda text=text: plain.embed([text]))  # type: ignore[misc]
    return median(race.ours) / median(race.plain)


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
