"""A command line on a database of its own, with the fake embedder that behaves."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from memsvc import Memory, Settings, wiring
from memsvc.testing import HashEmbedder
from memsvc_cli import output
from memsvc_cli.app import app

if TYPE_CHECKING:
    from pathlib import Path

ANN = [
    {"name": "Ann", "content": "I moved to Oslo last week.", "timestamp": "2026-03-02T09:00:00Z", "session_id": "s1"},
    {
        "name": "Ben",
        "content": "How do you like the rain there?",
        "timestamp": "2026-03-02T09:01:00Z",
        "session_id": "s1",
    },
    {
        "name": "Ann",
        "content": "I took up pottery on Fridays.",
        "timestamp": "2026-04-10T18:00:00Z",
        "session_id": "s2",
    },
]


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line on stderr of a command that failed for a reason of ours."""
        lines = self.err.splitlines()
        assert self.code == 1, self
        assert len(lines) == 1, self.err
        assert lines[0].startswith("memsvc: "), lines[0]
        return lines[0]


class Shell:
    """Runs commands; `db` is given to those that take one."""

    def __init__(self, db: Path) -> None:
        self.db = db

    def __call__(self, *args: str, db: Path | str | None = None, stdin: str | bytes | None = None) -> Ran:
        return self.bare(*args, "--db", str(db or self.db), stdin=stdin)

    def bare(self, *args: str, stdin: str | bytes | None = None) -> Ran:
        """A command as it stands."""
        result = CliRunner().invoke(app, list(args), input=stdin, prog_name="memsvc")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    def ids(self) -> list[str]:
        """The ids of the default namespace, in event order."""
        return [one["id"] for one in self("list", "--json").document["memories"]]


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's is read or written, and no model is loaded."""
    for name in ("MEMSVC_DATABASE", "MEMSVC_EMBEDDER", "MEMSVC_CONFIG", "MEMSVC_CACHE_DIR", "MEMSVC_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("MEMSVC_MIN_RELEVANCE", "0")  # to the fake embedder, words alone are relevant
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(wiring, "build_embedder", lambda settings: HashEmbedder())


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "ann.db")


@pytest.fixture(scope="session")
def _ann(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: a new database costs 0.1 s, a copy nothing."""
    path = tmp_path_factory.mktemp("ann") / "ann.db"
    with Memory.open(path, embedder=HashEmbedder(), settings=Settings.load()) as memory:
        memory.add(ANN, namespace="default")
    return path


@pytest.fixture
def filled(shell: Shell, _ann: Path) -> Shell:
    """With three messages of two speakers in two sessions."""
    shutil.copy(_ann, shell.db)
    return shell


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a person looked at stdout, 100 columns wide."""
    monkeypatch.setattr(output, "on_terminal", lambda: True)
