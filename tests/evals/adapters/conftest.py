from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from memsvc import Memory, wiring
from memsvc.testing import HashEmbedder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAY = "2023-05-08T13:56:00+00:00"
JUNE = "2023-06-09T19:55:00+00:00"


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory.open(tmp_path / "memory.db", embedder=HashEmbedder()) as opened:
        yield opened


@pytest.fixture
def fake_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Memory.open` without an embedder of its own takes the fake one."""
    monkeypatch.setattr(wiring, "build_embedder", lambda _settings: HashEmbedder())


def turns(*said: tuple[str, str], **more: Any) -> list[dict[str, Any]]:
    """Turns as LoCoMo's file has them."""
    return [
        {"speaker": speaker, "dia_id": f"D1:{position}", "text": text, **more}
        for position, (speaker, text) in enumerate(said, 1)
    ]


SESSIONS = {
    MAY: turns(("Ada", "I bought a red kayak."), ("Bo", "Nice! I adopted a parrot."), ("Ada", "Bye!"), ("Ada", "Bye!")),
    JUNE: turns(("Bo", "The parrot learned to whistle."), ("Ada", "My kayak leaks.")),
}
