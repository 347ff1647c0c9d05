from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.evals.reports.builders import Plan, build_run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A finished run: three policies, twelve questions, a judge."""
    return build_run(tmp_path / "run", Plan())


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if matplotlib were not installed: pictures take a second, and most tests look at something else."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
