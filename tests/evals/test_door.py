from __future__ import annotations

import subprocess
import sys

import pytest

import memsvc_evals


def test_every_public_name_is_there_and_sorted() -> None:
    assert memsvc_evals.__all__ == sorted(memsvc_evals.__all__)
    assert set(memsvc_evals._HOMES) == set(memsvc_evals.__all__) == set(dir(memsvc_evals))
    for name in memsvc_evals.__all__:
        assert getattr(memsvc_evals, name).__name__ == name


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        memsvc_evals.nothing  # noqa: B018


def test_loading_a_data_set_needs_no_numbers_library() -> None:
    code = (
        "import sys, memsvc_evals; memsvc_evals.load_locomo;"
        "sys.exit(bool({'numpy', 'faiss', 'rich', 'memsvc.memory'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
