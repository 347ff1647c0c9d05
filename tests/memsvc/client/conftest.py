"""Nothing of the user's settings is read."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE", "CONFIG", "MODEL", "URL", "API_KEY"):
        monkeypatch.delenv(f"MEMSVC_{name}", raising=False)
