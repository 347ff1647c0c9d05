from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .constrained_server import serving
from .tiny_model import build_tiny_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a real, random-weight chat model (`transformers` can load it, `local/<folder>` names it)."""
    return build_tiny_model(tmp_path_factory.mktemp("tiny-model"))


@pytest.fixture(scope="session")
def constrained_server(tiny_model: Path) -> Iterator[str]:
    """The base URL of an OpenAI-compatible server that serves `tiny_model` as `tiny` and enforces JSON schemas."""
    with serving(tiny_model) as server:
        yield server.base_url
