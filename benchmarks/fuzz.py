"""The service against everything that schemathesis makes of its OpenAPI document: no 500, every response as described.

    python benchmarks/fuzz.py                                          # about 10,000 requests, some minutes
    python benchmarks/fuzz.py --examples 50 --schemathesis ~/st/bin/schemathesis

Three runs over one memory that is filled and has a language model (both by rule): with the door open, with a key to
one namespace, and without a key, where all is 401. Beside the statuses, types, headers and schemas of the responses it
is checked that methods which are not there are 405 with `Allow`, and that nothing is told without a key.

`pip install schemathesis` brings it, here or into an environment of its own. Exits 1 if anything failed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from memsvc import Memory, Settings
from memsvc.server.app import build_app
from memsvc.server.serving import Server, listen
from memsvc.service import logs
from memsvc.service.access import build_door
from memsvc.service.keys import Keys
from memsvc.service.limits import RateLimiter
from memsvc.testing import HashEmbedder, RuleModel
from memsvc_store.keys import PERMISSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACE = "acme/ann"
LEFT_OUT = "negative_data_rejection,positive_data_acceptance"
"""What a schema cannot say, a verb may still refuse; and half the names are put in afterwards."""


def main() -> None:
    """Run it three times, and say how many requests there were."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=100, help="random requests a route, beside the systematic ones")
    parser.add_argument("--schemathesis", default=shutil.which("schemathesis"), help="the program")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.schemathesis is None:
        parser.error("schemathesis is not installed; pip install schemathesis, or name the program")
    failed, total = False, 0
    with tempfile.TemporaryDirectory() as folder:
        for name in ("open door", "a key", "no key"):
            code, text = run(Path(folder) / f"{name}.db", name, given)
            count = re.search(r"(\d+) generated", text)
            total += int(count[1]) if count else 0
            failed |= code != 0
            print(
                f"--- {name}: {count[0] if count else 'nothing'} requests, {'FAILED' if code else 'all as described'}"
            )
            if code:
                print(text)
    print(f"{total} requests, {'with failures' if failed else 'no failure'}")
    sys.exit(failed)


def run(db: Path, name: str, given: argparse.Namespace) -> tuple[int, str]:
    """One run: its exit code, and what schemathesis said."""
    with served(db, no_auth=name == "open door") as (url, known, token):
        command = [
            given.schemathesis, "run", f"{url}/openapi.json", "--checks", "all", "--exclude-checks", LEFT_OUT,
            "--phases", "examples,coverage,fuzzing", "--max-examples", str(given.examples), "--seed", str(given.seed),
            "--continue-on-failure", "--warnings", "off", "--no-color", "--generation-database", "none",
            "--request-timeout", "60", "--suppress-health-check", "all",
        ]  # fmt: skip
        if name != "a key":
            command[command.index(LEFT_OUT)] += ",ignored_auth,missing_required_header"  # there is none to ignore
        else:
            command += ["--header", f"Authorization: Bearer {token}"]
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": "fuzz_hooks", "FUZZ_KNOWN": json.dumps(known)}
        environment["PYTHONPATH"] = str(Path(__file__).parent)
        ran = subprocess.run(command, env=environment, cwd=db.parent, capture_output=True, text=True)
    return ran.returncode, ran.stdout + ran.stderr


@contextmanager
def served(db: Path, *, no_auth: bool) -> Iterator[tuple[str, dict[str, str], str]]:
    """A service over a filled memory: its address, names in it, and a key to its namespace."""
    logs.configure("error", contents=True)
    settings = Settings.load(reflection="off")
    model = RuleModel({"reflect": lambda _: {"experience": "Ask for a quiet table."}})
    with Memory.open(db, embedder=HashEmbedder(), language_model=model, settings=settings) as memory:
        keys = Keys(memory.store.database)
        token = keys.create(namespaces=[NAMESPACE], allow=PERMISSIONS).token
        keys.close()
        limiter = RateLimiter(1e6, 1_000_000)
        app = build_app(memory, door=build_door(memory, no_auth=no_auth, limiter=limiter))
        known, begun = fill(memory), threading.Event()
        with listen("127.0.0.1", 0) as listening:
            config = uvicorn.Config(app, log_config=None, access_log=False, timeout_keep_alive=75, ws="none")
            server = Server(config, app.state.service, 5.0, begun.set)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            thread.start()
            begun.wait()
            try:
                yield f"http://127.0.0.1:{listening.getsockname()[1]}", known, token
            finally:
                server.should_exit = True
                thread.join()


def fill(memory: Memory) -> dict[str, str]:
    """Something of everything; the names that requests can give."""
    said = [f"Ann's lucky number of day {day} is {day * 7}." for day in range(60)]
    ids = [receipt.id for receipt in memory.add(said, namespace=NAMESPACE, session_id="s1")]
    for day in range(60):
        answer = memory.ask(f"What is Ann's lucky number of day {day}?", namespace=NAMESPACE, gate="quality")
        assert answer.trace_id is not None
        memory.feedback(answer.trace_id, 1.0 if day % 3 else -1.0, namespace=NAMESPACE)
    for number in range(3):
        memory.add_episode(f"errand {number}", ["go", "come back"], namespace=NAMESPACE, reward=1.0)
    trace = memory.search("What is lucky?", namespace=NAMESPACE, trace=True).trace_id
    assert ids[30] is not None
    assert trace is not None
    return {"namespace": NAMESPACE, "session_id": "s1", "memory_id": ids[30], "trace_id": trace}


if __name__ == "__main__":
    main()
