"""A memory over the behaving fake embedder, with a clock that ticks a minute a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from memsvc import Memory
from memsvc.testing import HashEmbedder

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def ticking() -> Callable[[], datetime]:
    """A clock: one minute later at each look."""
    minutes = count()
    return lambda: START + timedelta(minutes=next(minutes))


def nested(depth: int) -> dict[str, Any]:
    """So many mappings inside one another."""
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.fixture(scope="session", autouse=True)
def _no_floor() -> Iterator[None]:
    """To the fake embedder, what shares no word with a question has nothing to do with it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MEMSVC_MIN_RELEVANCE", "0")
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agent.db"


@pytest.fixture
def memory(path: Path) -> Iterator[Memory]:
    with Memory.open(path, embedder=HashEmbedder(), now=ticking()) as opened:
        yield opened
