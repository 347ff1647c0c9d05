"""Embeds on a CPU through onnxruntime, from an export that is made once and cached.

    texts → tokens → windows of long texts → batches of like length → session → rows in order

The first use on a machine exports (see `onnx_export`); every later process opens the cached export
and imports neither torch nor transformers.
"""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from memsvc.errors import EmbedderError, MissingDependency
from memsvc.models.embedding import onnx_cache as cache
from memsvc.models.embedding.texts import checked, pooled, spans, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from memsvc_retrievers.protocols import Purpose

_BATCH = 32
_SLICE = 1024  # texts tokenised at a time: bounds memory, and is plenty to sort by length


class _Loaded(NamedTuple):
    session: Any
    tokenizer: Any
    manifest: cache.Manifest


class OnnxEmbedder:
    """A sentence-transformers folder on onnxruntime; implements `Embedder`.

    Nothing is read before the first use of `model`, `dimension`, `embed` or `prepare`. Safe to share
    between threads. Texts up to the model's limit get the vector that sentence-transformers gives
    (cosine above 0.99999); longer ones the normalised mean of their windows (see `texts`).

    Args:
        source: a sentence-transformers folder with mean pooling and no prompts, or what finds it.
        name: the model's name in `model`; the folder's when None.
        cache_dir: where exports are kept; the user's cache folder when None.
        threads: cores for one call; all of them when None.
        sha256: what the weights must hash to when they are exported; anything goes when None.
    """

    def __init__(
        self,
        source: str | Path | Callable[[], Path],
        *,
        name: str | None = None,
        cache_dir: str | Path | None = None,
        threads: int | None = None,
        sha256: str | None = None,
    ) -> None:
        self._find = source if callable(source) else lambda: Path(source)
        self._given_name = name
        self._cache_dir = cache_dir
        self._threads = threads
        self._sha256 = sha256
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    @property
    def model(self) -> str:
        """The space's name, e.g. `all-MiniLM-L6-v2@53aa51172d14` (see `space`)."""
        return self._ready().manifest.model

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._ready().manifest.dimension

    def prepare(self) -> None:
        """Exports where needed and loads, now: about 10 s the first time, 0.1 s later.

        Raises:
            MissingDependency: a package for the export, or onnxruntime or tokenizers, is missing.
            EmbedderError: the model cannot be exported or opened.
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
        return np.concatenate([np.empty((0, loaded.manifest.dimension), dtype=np.float32), *rows])

    def _ready(self) -> _Loaded:
        if (loaded := self._loaded) is not None:
            return loaded
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> _Loaded:
        source = self._find()
        name = self._given_name or source.name
        folder = self._folder(source, name)
        failure: Exception | None = None
        # Three: the cached export may be unusable, and a fresh one may be swapped by another process
        # in the moment between the check and the opening.
        for _ in range(3):
            manifest = cache.opened(folder, source)
            if manifest is None or (self._sha256 and self._sha256 != _weights_sum(manifest)):
                from memsvc.models.embedding.onnx_export import export

                export(source, folder, name=name, sha256=self._sha256)
                continue
            try:
                return _open(folder, manifest, self._threads)
            except EmbedderError as error:
                failure = error
                cache.discard(folder)
        raise EmbedderError(
            f"The export of {source} in {folder} cannot be opened ({failure or 'it keeps changing'}): "
            "delete the folder and try again, or use SentenceTransformerEmbedder."
        ) from failure

    def _folder(self, source: Path, name: str) -> Path:
        # The source's path is part of the name, so that two sources called alike do not evict each other.
        import platformdirs

        root = Path(self._cache_dir) if self._cache_dir else platformdirs.user_cache_path("memsvc") / "models"
        where = hashlib.sha256(f"{cache.FORMAT}\0{name}\0{source.resolve()}".encode()).hexdigest()[:8]
        return root / f"{name.replace('/', '--')}-{where}"


def _weights_sum(manifest: cache.Manifest) -> str:
    return next(iter(manifest.sources.values())).sha256


def _open(folder: Path, manifest: cache.Manifest, threads: int | None) -> _Loaded:
    """Session and tokenizer of an export; the one border where onnxruntime's errors become ours."""
    try:
        import onnxruntime
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingDependency(f"Embedding needs {error.name}: pip install 'memsvc'.") from error
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # done at export
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or 0
    # Spinning threads take the core that another process needs: one query p50 10 ms against 6 ms on
    # two shared cores. Prepacking stays on: without it a session opens 45 ms sooner, and each query
    # then costs 11 ms instead of 5.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(folder / cache.GRAPH), options, providers=["CPUExecutionProvider"])
        tokenizer = Tokenizer.from_file(str(folder / cache.TOKENIZER))
    except Exception as error:
        raise EmbedderError(f"{folder}: {type(error).__name__}: {error}") from error
    tokenizer.no_padding()  # the file asks for 128 tokens, always: 5 times the work for a short turn
    tokenizer.no_truncation()
    return _Loaded(session, tokenizer, manifest)


def _embed_slice(loaded: _Loaded, texts: list[str]) -> NDArray[np.float32]:
    """Rows for a slice of the texts, in order."""
    windows: list[list[int]] = []
    counts: list[int] = []
    for text, encoding in zip(texts, loaded.tokenizer.encode_batch(texts), strict=True):
        mine = _windows(loaded, text, encoding)
        windows += mine
        counts.append(len(mine))
    return pooled(_run(loaded, windows), counts)


def _windows(loaded: _Loaded, text: str, encoding: Any) -> list[list[int]]:
    """The token ids of a text, or of its windows when it is longer than the model's limit."""
    limit = loaded.manifest.max_tokens
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


def _run(loaded: _Loaded, windows: list[list[int]]) -> NDArray[np.float32]:
    """One row a window, in order; batches hold windows of like length, so that little is padding."""
    rows = np.empty((len(windows), loaded.manifest.dimension), dtype=np.float32)
    order = sorted(range(len(windows)), key=lambda at: len(windows[at]))
    for first in range(0, len(order), _BATCH):
        batch = order[first : first + _BATCH]
        ids = np.full((len(batch), len(windows[batch[-1]])), loaded.manifest.pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, at in enumerate(batch):
            ids[row, : len(windows[at])] = windows[at]
            mask[row, : len(windows[at])] = 1
        try:
            (vectors,) = loaded.session.run(None, {"input_ids": ids, "attention_mask": mask})
        except Exception as error:
            raise EmbedderError(
                f"{loaded.manifest.model} failed on {ids.shape} tokens ({type(error).__name__}: {error}): "
                "if memory is short, embed fewer texts at a time."
            ) from error
        rows[batch] = vectors
    return unit(rows, model=loaded.manifest.model)
