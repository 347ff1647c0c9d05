"""Embeds on a CPU through onnxruntime.

texts → tokens → windows of long texts → batches of like length → session → rows in order
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from memsvc.models.embedding.texts import checked, pooled, spans, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from memsvc.models.embedding.onnx_model import OnnxModel
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
