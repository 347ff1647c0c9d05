"""The whole command against a real model on a real server, killed three times: its files do not tell.

A judge's end in the middle of a run is in `test_run.py`; here every token of a model on two cores counts.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from memsvc.models.local.shapes import Reply, Request
from tests.evals.answers.made_up import QUESTIONS, SESSIONS, untimed
from tests.evals.builders import locomo, write
from tests.memsvc.models.constrained_server import serving
from tests.memsvc.models.tiny_model import build_tiny_model

pytestmark = pytest.mark.process

FORKING = """
import json, os, sys
from memsvc import wiring
from memsvc.models.language import border
from memsvc.testing import HashEmbedder
from memsvc_cli.app import main
from memsvc_evals.answers import run
border.load()
wiring.build_embedder = lambda settings: HashEmbedder()
for line in sys.stdin:
    arguments, files = json.loads(line)
    pid = os.fork()
    if not pid:
        for number, file in enumerate(files, 1):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.argv[1:] = arguments
        main()
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
"""The command in a process of its own each time, out of one that has imported everything: five take a minute."""
POLICIES = ("fast", "none")
LENGTHS = re.compile(r'("maxLength"|"maxItems"): \d+')
"""A model of random weights uses up all that it is granted: hundreds of characters, and numbers of as many digits."""
FILES = ("run.json", "summary.json", "ingestion.json")


@pytest.fixture
def asked() -> list[str]:
    """Grows by one with each request that the server gets."""
    return []


class Command:
    """Runs `memsvc eval locomo` into a folder, to its end or until it is killed."""

    def __init__(self, forking: subprocess.Popen[str], data: Path) -> None:
        self._forking, self._data, self._plan = forking, data, data.with_suffix(".toml")
        self._plan.write_text("parallel = 1")

    def finished(self, out: Path, *more: str) -> Any:
        """What it printed."""
        self._start(out, *more)
        assert self._read() == 0, self._told(out, "err").read_text()
        return json.loads(self._told(out, "out").read_text())

    def killed(self, out: Path, *more: str, when: Callable[[], bool]) -> None:
        process = self._start(out, *more)
        while not when():
            os.kill(process, 0)  # still there
            time.sleep(0.005)
        os.kill(process, signal.SIGKILL)
        assert self._read() == -signal.SIGKILL, self._told(out, "err").read_text()

    def _start(self, out: Path, *more: str) -> int:
        chosen = [part for policy in POLICIES for part in ("--policy", policy)]
        arguments = ["eval", "locomo", "--data", str(self._data), "--out", str(out), "--model", "openai/tiny", *chosen]
        arguments += ["--no-report", "--plan", str(self._plan), "--json", *more]
        assert self._forking.stdin is not None
        print(
            json.dumps([arguments, [str(self._told(out, name)) for name in ("out", "err")]]), file=self._forking.stdin
        )
        self._forking.stdin.flush()
        return self._read()

    def _read(self) -> int:
        assert self._forking.stdout is not None
        return int(self._forking.stdout.readline())

    def _told(self, out: Path, name: str) -> Path:
        return out.with_suffix(f".{name}")


@pytest.fixture
def command(tmp_path: Path, asked: list[str]) -> Iterator[Command]:
    """The command, with a model of random weights on a server of its own."""
    data = write(tmp_path / "made-up.json", [locomo(SESSIONS, QUESTIONS[:2])])
    with serving(build_tiny_model(tmp_path / "tiny", seed=3)) as server:
        submit = server.batcher.submit

        def counted(request: Request) -> Future[Reply]:
            asked.append(request.messages[-1]["content"])
            return submit(replace(request, schema=_short(request.schema or "")))

        server.batcher.submit = counted  # type: ignore[method-assign]
        with subprocess.Popen(
            [sys.executable, "-c", FORKING], env={**os.environ, "MEMSVC_MODEL_URL": server.base_url}, cwd=tmp_path,
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as forking:  # fmt: skip
            yield Command(forking, data)
            forking.communicate()


def test_a_run_that_was_killed_three_times_gives_the_same_files(
    command: Command, asked: list[str], tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    command.killed(killed, when=lambda: (killed / "run.json").exists())
    command.killed(killed, "--resume", when=lambda: _lines(killed) >= 2)  # one of two questions is answered
    before = len(asked)
    command.killed(killed, "--resume", when=lambda: len(asked) >= before + 2)  # the probe, and one call of the second
    document = command.finished(killed, "--resume")
    assert untimed(command.finished(whole)) == untimed(document)
    assert _files(killed) == _files(whole)
    assert document["failed"] == []


def _short(schema: str) -> str:
    """The schema, which now grants little."""
    return LENGTHS.sub(r"\1: 4", schema).replace('"integer"', '"integer", "minimum": 0, "maximum": 99')


def _lines(folder: Path) -> int:
    path = folder / "answers.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _files(folder: Path) -> dict[str, Any]:
    lines = (folder / "answers.jsonl").read_text("utf-8").splitlines()
    documents = {name: json.loads((folder / name).read_text("utf-8")) for name in FILES}
    return untimed({**documents, "answers.jsonl": [json.loads(line) for line in lines]})
