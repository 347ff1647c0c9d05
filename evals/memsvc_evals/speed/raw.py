"""The raw parts that the service is measured against: a flat FAISS look-up, and a bare process."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from memsvc_evals.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Callable

    from memsvc_retrievers.protocols import Embedder

_PATIENCE = 120.0  # seconds for one process


def flat_look_up(rows: int, embedder: Embedder, k: int) -> Callable[[str], object]:
    """Embeds a question and finds its `k` nearest of `rows` random unit vectors; only their shape costs time."""
    import faiss
    import numpy as np

    vectors = np.random.default_rng(0).standard_normal((rows, embedder.dimension), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = faiss.IndexFlatIP(embedder.dimension)
    index.add(vectors)

    def look_up(question: str) -> object:
        vector = embedder.embed([question], purpose="query")
        # On one thread, which is this look-up at its best: with two, on two busy cores, 10,000 rows
        # took 12 ms instead of 0.4 ms, most of it spent waiting for the other thread.
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        try:
            return index.search(vector, k)
        finally:
            faiss.omp_set_num_threads(threads)

    return look_up


def python(*arguments: str) -> None:
    """Run this Python with the arguments, to its end.

    Raises:
        MeasurementError: it failed, with the end of what it wrote to stderr, or took too long.
    """
    command = [sys.executable, *arguments]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PATIENCE)
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip()[-500:]
        raise MeasurementError(f"{' '.join(arguments[:3])} ended with {error.returncode}: {said}") from error
    except subprocess.TimeoutExpired as error:
        raise MeasurementError(f"{' '.join(arguments[:3])} took more than {_PATIENCE:.0f} s") from error
