"""A small data set of LoCoMo's schema, whose every answer can be worked out by hand, and models for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memsvc_evals import load_locomo
from tests.evals.answers.made_up import QUESTIONS, SESSIONS
from tests.evals.builders import locomo, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memsvc_evals import Dataset


@pytest.fixture(scope="session", autouse=True)
def _no_floor() -> Iterator[None]:
    """To the fake embedder, what shares no word with a question has nothing to do with it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MEMSVC_MIN_RELEVANCE", "0")
        yield


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """One conversation of eight turns in two sessions, with seven questions."""
    return write(tmp_path / "made-up.json", [locomo(SESSIONS, QUESTIONS)])


@pytest.fixture
def dataset(file: Path) -> Dataset:
    return load_locomo(file)
