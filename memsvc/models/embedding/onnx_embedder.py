"""Embeds on a CPU through onnxruntime: a model's session and tokenizer, and what is done around them.

texts → tokens → windows of long texts → batches of like length → session → rows in order
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memsvc.errors import EmbedderError, MissingDependency
from memsvc.models.embedding.texts import checked, pooled, spans, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from memsvc_retrievers.protocols import Purpose

_BATCH = 32
_SLICE = 1024  # texts tokenised at a time: bounds memory, and is plenty to sort by length


class OnnxEmbedder:
    """A model on onnxruntime; implements `Embedder`.

    Nothing is read before the first use of `model`, `dimension`, `embed` or `prepare`. Safe to share
    between threads. A text longer than the model's limit gets the normalised mean of its windows (see `texts`).

    Args:
        load: opens the model; called once, and again after it failed.
    """

    def __init__(self, load: Callable[[], OnnxModel]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._loaded: OnnxModel | None = None

    @property
    def model(self) -> str:
        """The space's name, e.g. `all-MiniLM-L6-v2@53aa51172d14` (see `space`)."""
        return self._ready().name

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._ready().dimension

    def prepare(self) -> None:
        """Loads now what the first call would load.

        Raises:
            MissingDependency: a package that it needs is missing.
            EmbedderError: the model cannot be opened.
        """
        self._ready()

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[np.float32]:
        """Unit rows, float32 `(len(texts), dimension)`, in the texts' order; `purpose` makes no difference.

        Raises:
            InvalidInput: not a list of strings.
            MissingDependency, EmbedderError: as `prepare`, or a vector that is not finite.
        """
        plain = checked(texts)
        loaded = self._ready()
        rows = [_embed_slice(loaded, plain[at : at + _SLICE]) for at in range(0, len(plain), _SLICE)]
        return np.concatenate([np.empty((0, loaded.dimension), dtype=np.float32), *rows])

    def _ready(self) -> OnnxModel:
        if (loaded := self._loaded) is not None:
            return loaded
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded


def _embed_slice(loaded: OnnxModel, texts: list[str]) -> NDArray[np.float32]:
    """Rows for a slice of the texts, in order."""
    windows: list[list[int]] = []
    counts: list[int] = []
    for text, encoding in zip(texts, loaded.tokenizer.encode_batch(texts), strict=True):
        mine = _windows(loaded, text, encoding)
        windows += mine
        counts.append(len(mine))
    return pooled(_run(loaded, windows), counts)


def _windows(loaded: OnnxModel, text: str, encoding: Any) -> list[list[int]]:
    """The token ids of a text, or of its windows when it is longer than the model's limit."""
    limit = loaded.max_tokens
    if len(encoding.ids) <= limit:
        return [encoding.ids]
    inside = [at for at, special in enumerate(encoding.special_tokens_mask) if not special]
    offsets, words = encoding.offsets, encoding.word_ids
    cuts = spans(
        [offsets[at] for at in inside],
        [words[at] for at in inside],
        size=limit - loaded.tokenizer.num_special_tokens_to_add(False),
    )
    pieces = loaded.tokenizer.encode_batch([text[start:end] for start, end in cuts])
    return [piece.ids[:limit] for piece in pieces]


def _run(loaded: OnnxModel, windows: list[list[int]]) -> NDArray[np.float32]:
    """One row a window, in order; batches hold windows of like length, so that little is padding."""
    rows = np.empty((len(windows), loaded.dimension), dtype=np.float32)
    order = sorted(range(len(windows)), key=lambda at: len(windows[at]))
    for first in range(0, len(order), _BATCH):
        batch = order[first : first + _BATCH]
        rows[batch] = loaded.vectors([windows[at] for at in batch])
    return unit(rows, model=loaded.name)


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """What embeds: a graph that takes token ids, and the tokenizer that makes them.

    The graph gives either a vector a text or one a token; of the latter the mean is taken over the real tokens, as
    all-MiniLM-L6-v2 and its kin were trained.
    """

    name: str
    dimension: int
    max_tokens: int
    pad_id: int
    tokenizer: Any
    session: Any

    def vectors(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """One vector a row of token ids, float32 `(len(rows), dimension)`, not normalised.

        Raises:
            EmbedderError: onnxruntime failed.
        """
        ids = np.full((len(rows), max(map(len, rows))), self.pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for at, row in enumerate(rows):
            ids[at, : len(row)] = row
            mask[at, : len(row)] = 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        wanted = {one.name for one in self.session.get_inputs()}
        try:
            (found,) = self.session.run(None, {name: array for name, array in given.items() if name in wanted})
        except Exception as error:
            raise EmbedderError(
                f"{self.name} failed on {ids.shape} tokens ({type(error).__name__}: {error}): "
                "if memory is short, embed fewer texts at a time."
            ) from error
        return found if found.ndim == 2 else _mean(found, mask)


def _mean(tokens: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
    """The mean over each row's real tokens of `(rows, tokens, dimension)`."""
    weights = mask.astype(np.float32)
    weights /= weights.sum(axis=1, keepdims=True)
    mean: NDArray[np.float32] = (weights[:, None, :] @ tokens)[:, 0]
    return mean


def open_session(graph: Path, *, threads: int | None = None, optimised: bool) -> Any:
    """An onnxruntime session on the CPU; the one border where its errors while opening become ours.

    Args:
        graph: the model's file.
        threads: cores for one call; all of them when None.
        optimised: whether the graph was optimised when it was written, so that opening it need not.

    Raises:
        MissingDependency: onnxruntime is not installed.
        EmbedderError: the file is no graph that it can run.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise missing(error) from error
    options = onnxruntime.SessionOptions()
    # Constants are folded, which turns int8 weights into floats once; its further levels gained nothing measurable.
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_DISABLE_ALL if optimised else levels.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or 0
    # Spinning threads take the core that another process needs: one query p50 10 ms against 6 ms on
    # two shared cores. Prepacking stays on: without it a session opens 45 ms sooner, and each query
    # then costs 11 ms instead of 5.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise EmbedderError(f"{graph}: {type(error).__name__}: {error}") from error


def open_tokenizer(make: Callable[[Any], Any], what: Path) -> Any:
    """A tokenizer that neither pads nor cuts; the one border where the library's errors become ours.

    Args:
        make: given the library `tokenizers`, makes one.
        what: the file that it is made of.

    Raises:
        MissingDependency: tokenizers is not installed.
        EmbedderError: the file is no tokenizer.
    """
    try:
        import tokenizers
    except ImportError as error:
        raise missing(error) from error
    try:
        tokenizer = make(tokenizers)
    except Exception as error:
        raise EmbedderError(f"{what}: {type(error).__name__}: {error}") from error
    tokenizer.no_padding()  # a file may ask for 128 tokens, always: 5 times the work for a short turn
    tokenizer.no_truncation()
    return tokenizer


def missing(error: ImportError) -> MissingDependency:
    """The package that embedding needs, and what brings it."""
    return MissingDependency(f"Embedding needs {error.name}: pip install 'memsvc[cpu]' (or 'memsvc[gpu]').")
