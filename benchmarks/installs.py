"""Installs memsvc as the documentation says, each time into an empty environment, and tries what it is for.

    python benchmarks/installs.py                  every row; 12 minutes, most of it torch
    python benchmarks/installs.py --only server    rows with this extra

From a checkout, from a built wheel and from an index (served here, on this machine), with the versions of
`constraints.txt`. Prints the table of docs/install.md. Ends with 1 where a row failed, and says what it said.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "examples" / "conversations.json"
PATIENCE = 60.0
"""Seconds for a server to come up."""


class Place:
    """An environment and an empty folder to work in."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.work = folder / "bin", folder / "work"
        self.work.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MEMSVC_", "PYTHON", "XDG_"))}
        self.environment = kept | {"HOME": str(self.work), "HF_HUB_OFFLINE": "1"}

    def run(self, *command: str, **environment: str) -> str:
        """A command of the environment; what it printed."""
        done = subprocess.run(
            [self.bin / command[0], *command[1:]], capture_output=True, text=True, cwd=self.work,
            env=self.environment | environment, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def start(self, *command: str, **pipes: int) -> subprocess.Popen[str]:
        """The same, going on beside."""
        return subprocess.Popen(
            [self.bin / command[0], *command[1:]], cwd=self.work, env=self.environment, text=True, **pipes
        )


def stores_and_finds(place: Place, **environment: str) -> None:
    """What everybody wants: add, search, ask from the shell, in three processes."""
    for command in (
        ("memsvc", "add", "I moved to Oslo last week.", "--speaker", "Ann", "--db", "a.db"),
        ("memsvc", "search", "Where does Ann live?", "--db", "a.db", "--json"),
        ("memsvc", "ask", "Where does Ann live?", "--db", "a.db", "--json"),
    ):
        said = place.run(*command, **environment)
    assert "Oslo" in said, said


def with_official_weights(place: Place) -> None:
    """`minilm-fp32`, which torch exports."""
    stores_and_finds(place, MEMSVC_EMBEDDER="minilm-fp32")


def serves(place: Place) -> None:
    """A service that stores and finds over HTTP, and the client that talks to it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = place.start("memsvc", "serve", "--db", "s.db", "--port", str(port), "--no-auth", stderr=subprocess.DEVNULL)
    try:
        _wait(f"{url}/readyz")
        program = f"""if True:
            from memsvc import Client
            with Client({url!r}) as client:
                client.add({{"name": "Ann", "content": "I moved to Oslo last week."}}, namespace="ann")
                assert "Oslo" in client.search("Where does Ann live?", namespace="ann")[0].text
        """
        place.run("python", "-c", program)
    finally:
        server.terminate()
        server.wait(30)


def speaks_mcp(place: Place) -> None:
    """A tool server over stdio that stores and finds."""
    process = place.start("memsvc", "mcp", "--db", "m.db", "--namespace", "ann", stdin=-1, stdout=-1, stderr=-3)
    assert process.stdin is not None
    assert process.stdout is not None
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "installs", "version": "1"}}
    said = [{"role": "user", "name": "Ann", "content": "I moved to Oslo last week."}]
    try:
        for number, (method, parameters) in enumerate(
            [
                ("initialize", hello),
                ("notifications/initialized", {}),
                ("tools/call", {"name": "add_memory", "arguments": {"messages": said}}),
                ("tools/call", {"name": "search_memory", "arguments": {"query": "Where does Ann live?"}}),
            ]
        ):
            request = {"jsonrpc": "2.0", "method": method, "params": parameters}
            answered = not method.startswith("notifications/")
            process.stdin.write(json.dumps(request | ({"id": number} if answered else {})) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline() if answered else ""
        assert "Oslo" in answer, answer
    finally:
        process.stdin.close()
        process.wait(30)


def measures(place: Place) -> None:
    """Recall on the samples, and a score."""
    place.run("memsvc", "eval", "locomo", "--data", str(SAMPLES), "--out", "run")
    (place.work / "p.jsonl").write_text('{"prediction": "in Oslo", "gold": "Oslo"}\n')
    place.run("memsvc", "eval", "score", "p.jsonl", "--json")


def learns_babyai(place: Place) -> None:
    """Levels of minigrid."""
    place.run("python", "-c", "from memsvc_evals.learning.babyai.tasks import *; import minigrid")


def reaches_models(place: Place) -> None:
    """LiteLLM."""
    place.run("python", "-c", "from memsvc.models.language.border import load; load()")


def runs_models(place: Place) -> None:
    """What a model in this process needs."""
    place.run("python", "-c", "from memsvc.models.local.provider import register; register()")


def reaches_postgres(place: Place) -> None:
    """The driver."""
    place.run("python", "-c", "import psycopg; from memsvc import Memory")


def reports_traces(place: Place) -> None:
    """OpenTelemetry, and its exporter."""
    place.run(
        "python", "-c", "import opentelemetry.sdk; from opentelemetry.exporter.otlp.proto.http import trace_exporter"
    )


def talks_to_a_service(place: Place) -> None:
    """A client, with no FAISS, no model and no service about."""
    program = """if True:
        from memsvc import Client, MemsvcError
        try:
            Client("http://127.0.0.1:1", retries=0).search("x", namespace="ann")
        except MemsvcError as error:
            print(error)
    """
    assert "127.0.0.1:1" in place.run("python", "-c", program)


Try = tuple["Callable[[Place], None]", ...]


class Row(NamedTuple):
    """One installation of the documentation."""

    extras: str
    tries: Try
    form: str = "checkout"


ROWS = (
    Row("cpu", (stores_and_finds,)),
    Row("cpu", (stores_and_finds,), "wheel"),
    Row("cpu", (stores_and_finds,), "index"),
    Row("cpu,server", (stores_and_finds, serves)),
    Row("cpu,mcp", (stores_and_finds, speaks_mcp)),
    Row("cpu,mcp,server", (serves, speaks_mcp)),
    Row("cpu,llm", (stores_and_finds, reaches_models)),
    Row("cpu,postgres", (stores_and_finds, reaches_postgres)),
    Row("cpu,evals", (stores_and_finds, measures)),
    Row("cpu,evals,llm", (measures, reaches_models)),
    Row("cpu,envs", (measures, learns_babyai)),
    Row("cpu,server,telemetry", (serves, reports_traces)),
    Row("client", (talks_to_a_service,)),
    Row("cpu,llm,mcp,postgres,server", (serves, speaks_mcp, reaches_models, reaches_postgres)),
    Row("cpu,torch", (stores_and_finds, with_official_weights)),
    Row("cpu,local", (stores_and_finds, runs_models)),
)


def main() -> None:
    """Install and try each row, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="rows with this extra, or of this form")
    given = parser.parse_args()
    rows = [row for row in ROWS if given.only in (None, row.form, *row.extras.split(","))]
    failed = 0
    sys.stdout.write("| installed | from | seconds | MB | tried |\n|---|---|---|---|---|\n")
    with tempfile.TemporaryDirectory(prefix="memsvc-installs-") as folder, built(Path(folder)) as sources:
        for number, row in enumerate(rows):
            try:
                sys.stdout.write(measured(row, sources[row.form], Path(folder) / str(number)))
            except (RuntimeError, AssertionError, subprocess.SubprocessError, OSError) as error:
                failed += 1
                sys.stdout.write(f"| `[{row.extras}]` | {row.form} | failed: {error} | | |\n")
            sys.stdout.flush()
    sys.exit(1 if failed else 0)


def measured(row: Row, source: tuple[str, ...], folder: Path) -> str:
    """The row of the table, once everything in it has worked."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    place = Place(folder)
    *options, what = source
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", str(ROOT / "constraints.txt"))
    place.run("python", *pip, *options, f"{what}[{row.extras}]")
    seconds = time.perf_counter() - started
    size = sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    for attempt in row.tries:
        attempt(place)
    subprocess.run(["rm", "-r", folder], check=True)
    tried = ", ".join(attempt.__name__.replace("_", " ") for attempt in row.tries)
    return f"| `[{row.extras}]` | {row.form} | {seconds:.0f} | {size:.0f} | {tried} |\n"


@contextmanager
def built(folder: Path) -> Iterator[dict[str, tuple[str, ...]]]:
    """What pip is given for each form: the last word gets the extras."""
    index = folder / "simple" / "memsvc"
    index.mkdir(parents=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", index, ROOT], check=True
    )  # fmt: skip
    [wheel] = index.glob("*.whl")
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield {
            "checkout": (str(ROOT),),
            "wheel": (str(wheel),),
            "index": ("--extra-index-url", f"http://127.0.0.1:{server.server_port}/simple", "memsvc"),
        }
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: the table is on standard output, and requests are of no interest."""


def _wait(url: str) -> None:
    started = time.monotonic()
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            if time.monotonic() - started > PATIENCE:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    main()
