"""What a measurement works with: how much is measured, and databases of its own to measure in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from memsvc import Memory, Settings
    from memsvc_evals.progress import Count
    from memsvc_retrievers.protocols import Embedder

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
    log: int = 600
    deliberations: int = 5
    latency: float = 0.5  # seconds


FULL = Sizes()
QUICK = Sizes(
    batches=5, memories=1_000, queries=50, cold_memories=300, cold_runs=3, home=300, namespaces=50, deliberations=2
)


@dataclass(frozen=True, slots=True)
class Workbench:
    """A temporary folder and what to do in it. `embedder` is None for the one that the settings name."""

    folder: Path
    sizes: Sizes
    embedder: Embedder | None
    count: Count

    def path(self, name: str) -> Path:
        """Where the database of this name lies."""
        return self.folder / f"{name}.db"

    def open(self, name: str, settings: Settings | None = None) -> Memory:
        """The database of this name."""
        from memsvc import Memory

        return Memory.open(self.path(name), settings=settings, embedder=self.embedder)

    def fill(self, memory: Memory, namespace: str, messages: Sequence[dict[str, Any]], stage: str) -> None:
        """Add messages outside of the clock."""
        for start in range(0, len(messages), _FILL):
            part = messages[start : start + _FILL]
            memory.add(part, namespace=namespace)
            self.count.add(stage, len(part))
