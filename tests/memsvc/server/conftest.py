"""A service over a memory of its own."""

from __future__ import annotations

import logging
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from memsvc.service import logs
from tests.memsvc.server.served import ANN, fresh, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.memsvc.server.served import Running


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's settings is read."""
    for name in ("MEMSVC_DATABASE", "MEMSVC_CONFIG", "MEMSVC_MODEL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def running() -> Iterator[Running]:
    with fresh() as memory, served(memory) as one:
        yield one


@pytest.fixture(scope="module")
def ann() -> Iterator[Running]:
    """With two messages in `acme/ann`; for tests that change nothing."""
    with fresh() as memory, served(memory) as one:
        memory.add(ANN, namespace="acme/ann")
        yield one


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What the service logs, as it would on stderr."""
    root, own = logging.getLogger(), logging.getLogger("memsvc")
    before = list(root.handlers), root.level, own.level
    stream = StringIO()
    logs.configure("debug", contents=False, stream=stream)
    yield stream
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    own.setLevel(before[2])
