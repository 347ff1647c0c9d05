"""How long `graph` takes on one namespace of made-up messages: python benchmarks/graph_speed.py [MEMORIES]."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from memsvc import Memory
from memsvc.testing import HashEmbedder

NAMES, SPEAKERS = 2_500, ("Ann", "Ben", "Kim Larsen", "user", "assistant")


def main(memories: int) -> None:
    """Print seconds and what was found of each view."""
    draw = random.Random(1)
    names = [
        "".join(draw.choice("bcdfgklmnprst") + draw.choice("aeiou") for _ in range(3)).title() for _ in range(NAMES)
    ]
    weights = [(rank + 1) ** -0.8 for rank in range(NAMES)]
    with (
        tempfile.TemporaryDirectory() as folder,
        Memory.open(Path(folder) / "graph.db", embedder=HashEmbedder()) as memory,
    ):
        for start in range(0, memories, 1_000):
            memory.add(
                [
                    {
                        "name": draw.choice(SPEAKERS),
                        "content": " ".join(
                            f"Then we went to {name} and liked it."
                            for name in draw.choices(names, weights, k=draw.randint(1, 5))
                        ),
                    }
                    for _ in range(min(1_000, memories - start))
                ],
                namespace="big",
                session_id=f"s{start}",
            )
        for what in ((), ("Ann",), (names[0],), ("Ann", names[2_000])):
            begun = time.perf_counter()
            found = memory.graph(*what[:1], to=what[1] if len(what) > 1 else None, namespace="big")
            seconds = time.perf_counter() - begun
            print(
                f"{' to '.join(what) or 'overview':20} {seconds:6.2f} s  {len(found.nodes)} of {found.things:,} things"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
