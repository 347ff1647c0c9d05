from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from memsvc.errors import MissingDependency
from memsvc_evals import MeasurementError
from memsvc_evals.learning.report import plot
from memsvc_evals.plotting import require_plots
from tests.evals.learning.test_study import study

if TYPE_CHECKING:
    from pathlib import Path


def test_a_study_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = plot(study(), tmp_path / "new")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "file").write_text("")
    with pytest.raises(MeasurementError, match="cannot be written"):
        plot(study(), tmp_path / "file")


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependency, match=r"memsvc\[evals\]"):
        require_plots()
