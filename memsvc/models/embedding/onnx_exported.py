"""Any folder of sentence-transformers with mean pooling on onnxruntime: exported once, opened from the cache later.

The first use on a machine exports (see `onnx_export`), which takes 10 s and torch; every later process opens the
export and imports neither torch nor transformers.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from memsvc.errors import EmbedderError
from memsvc.models.embedding import onnx_cache as cache
from memsvc.models.embedding.onnx_embedder import OnnxEmbedder
from memsvc.models.embedding.onnx_model import OnnxModel, open_session, open_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable


def exported_embedder(
    source: str | Path | Callable[[], Path],
    *,
    name: str | None = None,
    cache_dir: str | Path | None = None,
    threads: int | None = None,
    sha256: str | None = None,
) -> OnnxEmbedder:
    """The folder's vectors (cosine above 0.99999 to sentence-transformers' own), without torch. Loads nothing yet.

    Args:
        source: a sentence-transformers folder with mean pooling and no prompts, or what finds it.
        name: the model's name in `model`; the folder's when None.
        cache_dir: where exports are kept; the user's cache folder when None.
        threads: cores for one call; all of them when None.
        sha256: what the weights must hash to when they are exported; anything goes when None.

    Its first use raises MissingDependency where a package for the export is not installed, and EmbedderError where
    the model cannot be exported or opened.
    """
    find = source if callable(source) else lambda: Path(source)
    return OnnxEmbedder(lambda: _load(find(), name, cache_dir, threads, sha256))


def _load(
    source: Path, name: str | None, cache_dir: str | Path | None, threads: int | None, sha256: str | None
) -> OnnxModel:
    name = name or source.name
    folder = _folder(source, name, cache_dir)
    failure: Exception | None = None
    # Three: the cached export may be unusable, and a fresh one may be swapped by another process
    # in the moment between the check and the opening.
    for _ in range(3):
        manifest = cache.opened(folder, source)
        if manifest is None or (sha256 and sha256 != _weights_sum(manifest)):
            from memsvc.models.embedding.onnx_export import export

            export(source, folder, name=name, sha256=sha256)
            continue
        try:
            return _open(folder, manifest, threads)
        except EmbedderError as error:
            failure = error
            cache.discard(folder)
    raise EmbedderError(
        f"The export of {source} in {folder} cannot be opened ({failure or 'it keeps changing'}): "
        "delete the folder and try again, or use SentenceTransformerEmbedder."
    ) from failure


def _folder(source: Path, name: str, cache_dir: str | Path | None) -> Path:
    # The source's path is part of the name, so that two sources called alike do not evict each other.
    import platformdirs

    root = Path(cache_dir) if cache_dir else platformdirs.user_cache_path("memsvc") / "models"
    where = hashlib.sha256(f"{cache.FORMAT}\0{name}\0{source.resolve()}".encode()).hexdigest()[:8]
    return root / f"{name.replace('/', '--')}-{where}"


def _weights_sum(manifest: cache.Manifest) -> str:
    return next(iter(manifest.sources.values())).sha256


def _open(folder: Path, manifest: cache.Manifest, threads: int | None) -> OnnxModel:
    file = folder / cache.TOKENIZER
    return OnnxModel(
        name=manifest.model,
        dimension=manifest.dimension,
        max_tokens=manifest.max_tokens,
        pad_id=manifest.pad_id,
        tokenizer=open_tokenizer(lambda library: library.Tokenizer.from_file(str(file)), file),
        session=open_session(folder / cache.GRAPH, threads=threads, optimised=True),
    )
