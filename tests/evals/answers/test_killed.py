"""The whole command against a real model on a real server, killed three times: its files do not tell.

A judge's end in the middle of a run is in `test_run.py`; here every token of a model on two cores counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from memsvc.models.local.shapes import Reply, Request
from tests.evals.answers.made_up import QUESTIONS, SESSIONS, untimed
from tests.evals.builders import locomo, write
from tests.memsvc.models.constrained_server import serving
from tests.memsvc.models.tiny_model import build_tiny_model

COMMAND = """
from memsvc import wiring
from memsvc.testing import HashEmbedder
from memsvc_cli.app import main
wiring.build_embedder = lambda settings: HashEmbedder()
main()
"""
POLICIES = ("fast", "none")
FILES = ("run.json", "summary.json", "ingestion.json")


@pytest.fixture
def asked() -> list[str]:
    """Grows by one with each request that the server gets."""
    return []


@pytest.fixture
def command(tmp_path: Path, asked: list[str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `memsvc eval locomo` into a folder."""
    data = write(tmp_path / "made-up.json", [locomo(SESSIONS, QUESTIONS[:2])])
    with serving(build_tiny_model(tmp_path / "tiny", seed=3)) as server:
        submit = server.batcher.submit

        def counted(request: Request) -> Future[Reply]:
            asked.append(request.messages[-1]["content"])
            return submit(request)

        server.batcher.submit = counted  # type: ignore[method-assign]
        environment = {**os.environ, "MEMSVC_MODEL_URL": server.base_url}

        def start(out: Path, *more: str) -> subprocess.Popen[str]:
            chosen = [part for policy in POLICIES for part in ("--policy", policy)]
            arguments = ["--data", str(data), "--out", str(out), "--model", "openai/tiny", *chosen]
            arguments += ["--no-report", "--parallel", "1", "--json", *more]
            return subprocess.Popen(
                [sys.executable, "-c", COMMAND, "eval", "locomo", *arguments],
                env=environment, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip

        yield start


def test_a_run_that_was_killed_three_times_gives_the_same_files(
    command: Callable[..., subprocess.Popen[str]], asked: list[str], tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    _kill_when(command(killed), lambda: (killed / "run.json").exists())
    _kill_when(command(killed, "--resume"), lambda: _lines(killed) >= 2)  # one of two questions is answered
    before = len(asked)
    _kill_when(command(killed, "--resume"), lambda: len(asked) >= before + 2)  # the probe, and one call of the second
    document = _finished(command(killed, "--resume"))
    assert untimed(_finished(command(whole))) == untimed(document)
    assert _files(killed) == _files(whole)
    assert document["failed"] == []


def _kill_when(process: subprocess.Popen[str], ready: Callable[[], bool]) -> None:
    with process:
        while not ready():
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)
        process.kill()


def _finished(process: subprocess.Popen[str]) -> Any:
    out, err = process.communicate()
    assert process.returncode == 0, err
    return json.loads(out)


def _lines(folder: Path) -> int:
    path = folder / "answers.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _files(folder: Path) -> dict[str, Any]:
    lines = (folder / "answers.jsonl").read_text("utf-8").splitlines()
    documents = {name: json.loads((folder / name).read_text("utf-8")) for name in FILES}
    return untimed({**documents, "answers.jsonl": [json.loads(line) for line in lines]})
