"""What turns are worth to threads that write to one SQLite file without a pause, against SQLite's own waiting.

Each thread adds messages to a namespace of its own. SQLite has a waiting writer sleep and look again, and whoever comes
meanwhile goes first; `memsvc_store/sql/database.py` lets them in as they came. Either has its rounds, in turns.

    python benchmarks/writers.py --threads 16
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from contextlib import nullcontext
from statistics import median, quantiles
from unittest import mock

from memsvc import Memory
from memsvc.testing import HashEmbedder
from memsvc_store.sql.database import Database


def main() -> None:
    """Measure, and print a row for each way of waiting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5, help="of a round")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    taken: dict[str, list[float]] = {"in turn": [], "SQLite's own": []}
    for _ in range(given.rounds):
        taken["in turn"] += written(given.threads, given.seconds)
        with mock.patch.object(Database, "_turn", return_value=nullcontext()):
            taken["SQLite's own"] += written(given.threads, given.seconds)
    sys.stdout.write("| waiting | writes a second | p50 | p95 | p99 | slowest, ms |\n|---|---|---|---|---|---|\n")
    for name, all_of_them in taken.items():
        shares = quantiles(all_of_them, n=100)
        told = [median(all_of_them), shares[94], shares[98], max(all_of_them)]
        rate = len(all_of_them) / (given.rounds * given.seconds)
        sys.stdout.write(f"| {name} | {rate:.0f} | {' | '.join(f'{1000 * one:.0f}' for one in told)} |\n")


def written(threads: int, seconds: float) -> list[float]:
    """Seconds of each write."""
    taken: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="memsvc-writers-") as folder,
        Memory.open(f"{folder}/a.db", embedder=HashEmbedder()) as memory,
    ):
        until = time.perf_counter() + seconds

        def write(number: int) -> None:
            while (began := time.perf_counter()) < until:
                memory.add(f"I moved at {began!r}.", namespace=f"n{number}")
                taken.append(time.perf_counter() - began)

        workers = [threading.Thread(target=write, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    return taken


if __name__ == "__main__":
    main()
