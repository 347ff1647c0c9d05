"""What users see on standard error: nothing that is not ours, whatever the libraries say of themselves."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from memsvc.models import quiet

pytestmark = pytest.mark.process

COMMANDS = {
    "doctor": ("doctor",),
    "ask": ("ask", "Where does Ann live?", "--namespace", "ann"),
}


def run(tmp_path: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as a user starts it: no filter of warnings, no settings but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MEMSVC_", "PYTHONWARN"))}
    database = {"MEMSVC_DATABASE": str(tmp_path / "ann.db")}
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, cwd=tmp_path, env=kept | database | environment
    )


@pytest.fixture
def database(tmp_path: Path) -> Path:
    done = run(tmp_path, "-m", "memsvc_cli", "add", "I moved to Oslo last week.", "--speaker", "Ann", "-n", "ann")
    assert done.returncode == 0, done.stderr
    return tmp_path


@pytest.mark.parametrize(("command", "kind"), [("doctor", "served"), ("ask", "served"), ("ask", "local")])
def test_a_command_prints_nothing_but_its_own(
    database: Path, tiny_model: Path, constrained_server: str, command: str, kind: str
) -> None:
    served = {"MEMSVC_MODEL": "openai/tiny", "MEMSVC_MODEL_URL": constrained_server}
    model = served if kind == "served" else {"MEMSVC_MODEL": f"local/{tiny_model}"}
    done = run(database, "-m", "memsvc_cli", *COMMANDS[command], **model)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("memsvc: ")]
    assert not lines, done.stderr
    assert "Traceback" not in done.stderr


def test_the_sdk_prints_nothing_where_warnings_are_shown(database: Path, constrained_server: str) -> None:
    """Python's own filters show users every UserWarning of a library, so that the borders have to keep them."""
    program = """if True:
        import sys, warnings
        from memsvc import Memory, MemsvcError
        with Memory.open("ann.db") as memory:
            try:
                memory.ask("Where does Ann live?", namespace="ann", gate="quality")
            except MemsvcError:
                pass  # random weights may say what cannot be read
    """
    done = run(database, "-c", program, MEMSVC_MODEL="openai/tiny", MEMSVC_MODEL_URL=constrained_server)
    assert (done.returncode, done.stderr) == (0, "")


def test_warnings_are_kept_back_and_filters_given_back() -> None:
    before = list(warnings.filters)
    with quiet.no_warnings():
        warnings.warn("of a library", UserWarning, stacklevel=1)
    assert warnings.filters == before
    with pytest.warns(UserWarning, match="ours"):
        warnings.warn("ours", UserWarning, stacklevel=1)
