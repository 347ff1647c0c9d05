"""`memsvc serve` as a process of its own: started, asked whether it is ready, measured, stopped or killed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from memsvc import Memory, Settings, wiring
from memsvc.service.keys import Keys
from memsvc.testing import HashEmbedder
from memsvc_evals.speed import chatter

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from memsvc_retrievers.protocols import Purpose

SLICE = 1_000
"""Messages of one `add` while a database is filled."""

_PROGRAM = "from memsvc_cli.app import main; main()"
_TICKS = os.sysconf("SC_CLK_TCK")


def namespaces(count: int) -> list[str]:
    """Their names, in as many groups as there are keys."""
    return [f"load/{number % 16}/{number}" for number in range(count)]


class Quick:
    """Vectors of the default model's name and length, by hashing: their values do not change what a look-up costs."""

    def __init__(self) -> None:
        real = wiring.build_embedder(Settings.load())
        self.model, self.dimension = real.model, real.dimension
        self._hash = HashEmbedder(self.dimension)

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[np.float32]:
        """One row a text."""
        return self._hash.embed(texts, purpose=purpose)


def fill(db: Path, names: Sequence[str], memories: int) -> None:
    """See to it that the namespaces hold so many memories together; what is there is kept."""
    each = memories // len(names)
    with Memory.open(db, embedder=Quick()) as memory:
        there = set(memory.namespaces())
        for number, name in enumerate(names):
            have = memory.stats(namespace=name)["memories"] if name in there else 0
            said = chatter.messages(each, seed=number)[have:] if have < each else []
            for start in range(0, len(said), SLICE):
                memory.add(said[start : start + SLICE], namespace=name)


def make_keys(db: Path, names: Sequence[str]) -> dict[str, str]:
    """Namespace -> the token of a key for its group."""
    with Memory.open(db, embedder=Quick()) as memory:
        keys = Keys(memory.store.database)
        groups = dict.fromkeys(name.rpartition("/")[0] for name in names)
        tokens = {one: keys.create(namespaces=[f"{one}/*"], allow=["read", "write"]).token for one in groups}
        keys.close()
    return {name: tokens[name.rpartition("/")[0]] for name in names}


@dataclass(slots=True)
class Service:
    """A running service. `ready_seconds` is from its start to the first `/readyz` that says 200."""

    process: subprocess.Popen[bytes]
    url: str
    ready_seconds: float

    @classmethod
    def start(cls, db: Path, log: Path, **settings: object) -> Service:
        """Start it and wait until it is ready.

        Raises:
            RuntimeError: it ended, or is not ready in a minute.
        """
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = {**os.environ, **{f"MEMSVC_{name.upper()}": str(value) for name, value in settings.items()}}
        command = [sys.executable, "-c", _PROGRAM, "serve", "--db", str(db), "--port", str(port)]
        began = time.perf_counter()
        with log.open("ab") as stream:
            process = subprocess.Popen(command, env=environment, stdout=stream, stderr=stream)
        url = f"http://127.0.0.1:{port}"
        while not _ready(url):
            if process.poll() is not None or time.perf_counter() - began > 60:
                process.kill()
                raise RuntimeError(f"the service did not become ready; see {log}")
            time.sleep(0.01)
        return cls(process, url, time.perf_counter() - began)

    @property
    def rss(self) -> float:
        """Resident memory in MB."""
        return self._status("VmRSS")

    @property
    def peak_rss(self) -> float:
        """The most that was resident, in MB."""
        return self._status("VmHWM")

    @property
    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def stop(self) -> int:
        """Tell it to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        """End it where it stands."""
        self.process.kill()
        self.process.wait()

    def _status(self, name: str) -> float:
        found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found is not None
        return int(found[1]) / 1024


def verify(db: Path) -> tuple[int, str]:
    """`memsvc verify`: its exit code and what it says."""
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM, "verify", "--db", str(db)], capture_output=True, text=True, check=False
    )
    return ran.returncode, (ran.stdout + ran.stderr).strip()


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
