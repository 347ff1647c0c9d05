"""What a number was measured with, so that it can be measured again."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memsvc_retrievers.protocols import Embedder

_DISTRIBUTIONS: Mapping[str, tuple[str, ...]] = {
    "memsvc": ("memsvc",),
    "numpy": ("numpy",),
    "faiss": ("faiss-cpu", "faiss-gpu"),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "sqlalchemy": ("sqlalchemy",),
    "PyStemmer": ("PyStemmer",),
}


def provenance(embedder: Embedder) -> dict[str, object]:
    """Versions, the embedder, the machine in general terms, and the date in UTC."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), **versions()},
        "embedder": {"model": embedder.model, "dimension": embedder.dimension},
        "machine": {"system": platform.system(), "architecture": platform.machine(), "cpus": os.cpu_count()},
    }


def versions() -> dict[str, str | None]:
    """The installed version of what bears on the numbers; None for what runs from a source tree or is not there."""
    return {name: _version(distributions) for name, distributions in _DISTRIBUTIONS.items()}


def _version(distributions: tuple[str, ...]) -> str | None:
    for distribution in distributions:
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return None
