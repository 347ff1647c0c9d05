"""What filters by metadata cost: `python benchmarks/filters.py`, on a memory of its own with the hashing embedder."""

from __future__ import annotations

import random
import statistics
import time
from typing import TYPE_CHECKING, Any

from memsvc import Memory
from memsvc.testing import HashEmbedder

if TYPE_CHECKING:
    from collections.abc import Callable

MEMORIES, LOOKS, BATCH = 10_000, 60, 1_000

FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "topic": {"where": {"topic": "pets"}},
    "price (all different)": {"where": {"price": {"$lt": 10}}},
    "ticket (all different), 3 of them": {"where": {"ticket": {"$in": ["T-1", "T-2", "T-900"]}}},
    "tags": {"tags": ["a"]},
    "none, keys known": {},
}


def main() -> None:
    """Print milliseconds of CPU of the first look-up and of the median one by filter, then of a listing."""
    chance = random.Random(0)
    words = [f"w{number}" for number in range(3_000)]
    with Memory.open(":memory:", embedder=HashEmbedder()) as memory:
        for start in range(0, MEMORIES, BATCH):
            memory.add([_message(chance, words, start + n) for n in range(BATCH)], namespace="n")
        memory.search("w1", namespace="n")
        for name, filters in FILTERS.items():
            looks = [" ".join(chance.choices(words, k=4)) for _ in range(LOOKS)]
            first, *others = [_ms(lambda q=q, f=filters: memory.search(q, namespace="n", **f)) for q in looks]  # type: ignore[misc]
            print(f"search, {name:36} first {first:6.1f} ms, median {statistics.median(others):5.2f} ms")
        for name in ("none", "price (all different)"):
            took = [_ms(lambda f=FILTERS[name]: memory.list(namespace="n", limit=20, **f)) for _ in range(5)]  # type: ignore[misc]
            print(f"list 20, {name:35} median {statistics.median(took):6.1f} ms")


def _message(chance: random.Random, words: list[str], number: int) -> dict[str, Any]:
    metadata = {
        "topic": chance.choice(["pets", "cars", "food"]), "price": chance.random() * 100,
        "tags": chance.sample(["a", "b", "c", "d"], 2), "ticket": f"T-{number}",
    }  # fmt: skip
    return {"content": " ".join(chance.choices(words, k=12)), "session_id": f"s{number // 50}", "metadata": metadata}


def _ms(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return 1_000 * (time.process_time() - began)


if __name__ == "__main__":
    main()
