"""Any folder of sentence-transformers with mean pooling on onnxruntime: exported once, opened from the cache later.

    torch.onnx.export  →  fusion for BERT  →  tensors beside the graph  →  publish

The first use on a machine exports to one ONNX graph, token ids in, unit vectors out, which takes 10 s and torch; every
later process opens the export (`onnx_cache`) and imports neither torch nor transformers. Covered: BERT-like encoders
with mean pooling and no prompts. Anything else is refused, and `SentenceTransformerEmbedder` takes it. torch,
sentence-transformers and onnx are imported by the process that traces (`onnx_tracing`) alone.

What each stage pays, cold process on 2 cores: session creation 264 ms from the exporter's own file
(534 nodes), 200 ms when fused (50 nodes, difference 2e-7), 55 ms when fused with the tensors in a
file that onnxruntime maps instead of copying.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memsvc.errors import EmbedderError, MissingDependency
from memsvc.models.embedding import onnx_cache as cache
from memsvc.models.embedding.onnx_embedder import OnnxEmbedder, OnnxModel, open_session, open_tokenizer
from memsvc.models.embedding.space import PLAIN, named, recipe_of, weights_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

log = logging.getLogger("memsvc.models")

_NEEDED = ("onnx", "torch", "sentence_transformers")
_STALE_S = 3600
_TRACING = "memsvc.models.embedding.onnx_tracing"


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
            log.info("exporting %s for onnxruntime, once on this machine; this takes about 10 s", name)
            started = time.perf_counter()
            export(source, folder, name=name, sha256=sha256)
            log.info("%s was exported to %s in %.0f s", name, folder, time.perf_counter() - started)
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


def export(source: Path, folder: Path, *, name: str | None = None, sha256: str | None = None) -> None:
    """Exports the model in `source` to `folder`; takes about 10 s, most of it importing torch.

    Args:
        source: a sentence-transformers folder.
        folder: where the export goes; replaced when it holds something else.
        name: the model's name; the source folder's when None.
        sha256: what the weights must hash to; anything goes when None.

    Raises:
        MissingDependency: torch, sentence-transformers or onnx is not installed.
        EmbedderError: the model cannot be exported, is not the wanted one, or there is no room.
    """
    if not source.is_dir():
        raise EmbedderError(f"No model folder at {source}: pass the folder of a sentence-transformers model.")
    recipe = recipe_of(source)
    if recipe._replace(max_tokens=PLAIN.max_tokens) != PLAIN:
        raise EmbedderError(
            f"{source} uses {recipe}; the ONNX export covers mean pooling without prompts: "
            "use SentenceTransformerEmbedder for this model."
        )
    stamps = _source_stamps(source)
    weights = next(iter(stamps.values())).sha256
    if sha256 is not None and weights != sha256:
        raise EmbedderError(
            f"The weights in {source} have sha256 {weights}, wanted {sha256}: "
            "the package is damaged or not the official model; install it again."
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.new-", dir=folder.parent))
        try:
            shape = _write_files(source, made)
            cache.Manifest(
                model=named(name or source.name, weights, recipe._replace(max_tokens=shape["max_tokens"])),
                files={file: cache.Stamp.of(made / file) for file in (cache.GRAPH, cache.WEIGHTS, cache.TOKENIZER)},
                sources=stamps,
                **shape,
            ).write(made)
            cache.publish(made, folder, source)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise EmbedderError(
            f"The export of {source} to {folder} failed ({error}): it needs about 300 MB of room in a folder that "
            "can be written; choose another with cache_dir."
        ) from error


def _source_stamps(source: Path) -> dict[str, cache.Stamp]:
    """Stamps of the files that decide the vectors, the weights first."""
    weights = weights_of(source)
    tokenizer = source / cache.TOKENIZER
    if len(weights) != 1 or not tokenizer.is_file():
        raise EmbedderError(
            f"{source} has {len(weights)} weight files and tokenizer.json {'is' if tokenizer.is_file() else 'is not'} "
            "there; the ONNX export covers one file with its tokenizer.json: use SentenceTransformerEmbedder."
        )
    return {str(path.relative_to(source)): cache.Stamp.of(path) for path in (weights[0], tokenizer)}


def _write_files(source: Path, made: Path) -> dict[str, int]:
    """Has graph, tensors and tokenizer written by a process of its own; what the model is like."""
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise MissingDependency(f"Exporting {source.name} needs {missing[0]}, once: pip install 'memsvc[torch]'.")
    told = _told([sys.executable, "-m", _TRACING, str(source), str(made)])
    if told.get("error") == "room":
        raise OSError(told["why"])
    if "shape" not in told:
        raise EmbedderError(told["why"])
    shape: dict[str, int] = told["shape"]
    return shape


def _told(command: Sequence[str]) -> dict[str, Any]:
    # The child finds what this process finds, also where its path was changed after the start.
    path = os.pathsep.join(path for path in sys.path if path)
    # The model's folder is whole, and a question to the hub might hang.
    environment = os.environ | {"PYTHONPATH": path, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment)
    try:
        told: dict[str, Any] = json.loads(done.stdout)
    except json.JSONDecodeError:
        said = done.stderr.strip()[-500:] or "nothing"
        return {"why": f"The export ended with {done.returncode}, and said {said}: use SentenceTransformerEmbedder."}
    return told


def _sweep(parent: Path) -> None:
    """Deletes what killed exports left behind; a living one is far younger than an hour."""
    for left in [*parent.glob(".*.new-*"), *parent.glob(".*.aside-*")]:
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_S:
                shutil.rmtree(left, ignore_errors=True)
