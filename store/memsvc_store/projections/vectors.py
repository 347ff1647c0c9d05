"""A FAISS index for one namespace. Row `i` of the shard is row `i` here; rows are only appended.

Up to `exact_limit` rows every look-up is exact. On a CPU, NumPy then multiplies FAISS's own storage: for
one query that takes half the time of IndexFlat's scan, and it gives every row's cosine. Above the limit an
inverted-file index with 8-bit codes (IVF-SQ8) shortlists `REFINE * k` rows, which are scored again with
the exact vectors. Rows that were removed or that a filter excludes are masked inside the look-up, so
that k means k; a mask that leaves few rows is looked up exactly.

Where FAISS sees a GPU, every row is mirrored on the first one, there is no approximate index, and the GPU
answers every look-up that leaves out no more rows than it can fetch beyond k.

FAISS stays behind this file: its stubs lag its runtime, and `faiss-cpu` and `faiss-gpu` ship one
module under two names. 10,000 x 384 on 2 cores: IndexFlat 0.9 ms a query, NumPy 0.4 ms, IVF-SQ8 0.06 ms.
"""

from __future__ import annotations

import math
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from memsvc_store import EXACT_LIMIT
from memsvc_store.errors import InvalidVector, MissingDependency

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

REFINE = 4
"""Shortlisted rows a result. tests/store/test_projections.py holds recall@10 against exact above 0.97."""

_TRAIN_POINTS = 64
"""Training rows a cell: k-means gains nothing visible from more, and its time grows with them."""

_GPU_MAX_K = 2048
"""FAISS's limit for k on a GPU."""


class Look(NamedTuple):
    """What a look-up found: rows and their cosines, best first, and the cosine of any other row.

    `at(rows)` costs next to nothing after an exact look-up, which has seen every row, and a gather
    of the rows after an approximate one.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]
    at: Callable[[NDArray[np.int64]], NDArray[np.float32]]


class VectorIndex:
    """Inner products with unit vectors, which is their cosine."""

    def __init__(self, dimension: int, *, exact_limit: int = EXACT_LIMIT) -> None:
        self._faiss = load_faiss()
        self.dimension = dimension
        self._exact_limit = exact_limit
        self._flat = self._faiss.IndexFlatIP(dimension)
        self._cells: Any = None
        self._trained_rows = 0
        self._gpu: Any = _mirror(self._faiss, self._flat)

    def __len__(self) -> int:
        return int(self._flat.ntotal)

    @property
    def indexed_rows(self) -> int:
        """Rows that a look-up can find, for `verify`."""
        return int((self._cells or self._gpu or self._flat).ntotal)

    @property
    def matrix(self) -> NDArray[np.float32]:
        """Every vector, shape `(rows, dimension)`, as a view that the next `extend` invalidates."""
        if not len(self):
            return np.empty((0, self.dimension), np.float32)
        pointer = self._flat.get_xb()
        view: NDArray[np.float32] = self._faiss.rev_swig_ptr(pointer, len(self) * self.dimension)
        return view.reshape(len(self), self.dimension)

    def extend(self, vectors: NDArray[np.float32]) -> None:
        """Append rows, float32 of shape `(n, dimension)`; a row without a vector yet is all zeros.

        Raises:
            InvalidVector: another dimension, or values that are not finite.
        """
        if not len(vectors):
            return
        vectors = checked(vectors, self.dimension)
        self._flat.add(vectors)
        if self._gpu is not None:
            self._gpu.add(vectors)
            return
        if len(self) > max(self._exact_limit, 2 * self._trained_rows):
            self._build_cells()
        elif self._cells is not None:
            self._cells.add(vectors)

    def search(self, query: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None) -> Look:
        """The k rows most similar to `query` (shape `(dimension,)`), best first.

        `allowed` has one entry a row. Fewer than k come back only when fewer are allowed.
        """
        if query.shape != (self.dimension,):
            raise InvalidVector(
                f"a query of shape {query.shape} came, and this index holds {self.dimension} dimensions"
            )
        eligible = len(self) if allowed is None else int(np.count_nonzero(allowed))
        k = min(k, eligible)
        if k <= 0:
            return Look(np.empty(0, np.int64), np.empty(0, np.float32), partial(self._at, query))
        if self._gpu is not None and k + len(self) - eligible <= _GPU_MAX_K:
            return self._on_gpu(query, k, k + len(self) - eligible, allowed)
        if self._cells is not None and eligible > self._exact_limit:
            rows = self._shortlist(query, k, allowed)
            if len(rows) >= k:
                return self._among(query, rows, k)
        if allowed is not None and eligible < len(self) // 2:
            return self._among(query, np.flatnonzero(allowed), k)
        return self._everywhere(query, k, allowed)

    def _on_gpu(self, query: NDArray[np.float32], k: int, fetched: int, allowed: NDArray[np.bool_] | None) -> Look:
        """Fetch as many more as are left out, so that k of what is let through must be among them."""
        scores, found = self._gpu.search(query[None, :], fetched)
        rows, scores = found[0], scores[0]
        if allowed is not None:
            rows, scores = rows[allowed[rows]], scores[allowed[rows]]
        return Look(rows[:k], scores[:k], partial(self._at, query))

    def _everywhere(self, query: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None) -> Look:
        scores = self.matrix @ query
        rows = top(scores if allowed is None else np.where(allowed, scores, -np.inf), k)
        return Look(rows, scores[rows], scores.__getitem__)

    def _among(self, query: NDArray[np.float32], rows: NDArray[np.int64], k: int) -> Look:
        scores = self._at(query, rows)
        order = top(scores, k)
        return Look(rows[order], scores[order], partial(self._at, query))

    def _at(self, query: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.asarray(self.matrix[rows] @ query, np.float32)

    def _shortlist(self, query: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        selector = None if allowed is None else self._faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        parameters = self._faiss.SearchParametersIVF(nprobe=self._probes, sel=selector)
        _, found = self._cells.search(query[None, :], k * REFINE, params=parameters)
        rows: NDArray[np.int64] = found[0][found[0] >= 0]
        return rows

    def _build_cells(self) -> None:
        rows = len(self)
        cells = round(4 * math.sqrt(rows))
        self._probes = max(16, cells // 16)
        quantizer = self._faiss.IndexFlatIP(self.dimension)
        scalar = self._faiss.ScalarQuantizer.QT_8bit
        index = self._faiss.IndexIVFScalarQuantizer(
            quantizer, self.dimension, cells, scalar, self._faiss.METRIC_INNER_PRODUCT
        )
        index.cp.max_points_per_centroid = _TRAIN_POINTS
        index.train(self.matrix)
        index.add(self.matrix)
        self._cells, self._trained_rows = index, rows


def top(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Places of the k highest scores, best first, the lower place among equals."""
    places = at_least_kth(scores, k)
    return places[np.lexsort((places, -scores[places]))][:k]


def at_least_kth(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Places of the scores no lower than the k-th highest, ascending: k of them, or more where some are equal."""
    if len(scores) <= k:
        return np.arange(len(scores))
    return np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])


def checked(vectors: NDArray[np.float32], dimension: int) -> NDArray[np.float32]:
    """The vectors as contiguous float32.

    Raises:
        InvalidVector: another shape, or values that are not finite.
    """
    if vectors.ndim != 2 or vectors.shape[1] != dimension:
        raise InvalidVector(
            f"vectors of shape {vectors.shape} came, and this index holds {dimension} dimensions; "
            "embed with the model that the store was opened with"
        )
    vectors = np.ascontiguousarray(vectors, np.float32)
    if not np.isfinite(vectors).all():
        raise InvalidVector("a vector holds values that are not finite; check the embedder")
    return vectors


def load_faiss() -> Any:
    """The faiss module.

    Raises:
        MissingDependency: neither wheel is installed, or the GPU one without its CUDA libraries.
    """
    try:
        import faiss
    except (ImportError, RuntimeError) as error:  # faiss-gpu raises RuntimeError where CUDA is missing
        raise MissingDependency(
            f"FAISS could not be loaded ({error}); install exactly one of pip install 'memsvc[cpu]' "
            "and, on a machine with CUDA, pip install 'memsvc[gpu]'"
        ) from error
    return faiss


def _mirror(faiss: Any, index: Any) -> Any:
    return faiss.index_cpu_to_gpu(_gpu_resources(), 0, index) if faiss.get_num_gpus() > 0 else None


@cache
def _gpu_resources() -> Any:
    """One for the whole process: each reserves a large piece of the GPU's memory for itself."""
    return load_faiss().StandardGpuResources()
