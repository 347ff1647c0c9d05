"""The process: how it starts, where it refuses to, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from memsvc import Memory, Settings
from memsvc.errors import SettingsError
from memsvc.server.serving import KEEP_ALIVE_SECONDS, check_open_door, listen
from memsvc.service.keys import Keys
from memsvc.testing import HashEmbedder
from tests.memsvc.server.program import SLOWLY
from tests.memsvc.server.served import until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[3]


class Process:
    """A service in a process of its own; its log is read as it comes."""

    def __init__(self, db: Path, *options: str, **settings: str) -> None:
        environment = {**os.environ, **{f"MEMSVC_{name.upper()}": value for name, value in settings.items()}}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.memsvc.server.program", "serve", "--db", str(db), "--port", "0", *options],
            cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.log.extend(iter(self.process.stderr.readline, ""))

    def said(self, words: str) -> str | None:
        """The first line of the log with these words."""
        return next((line for line in list(self.log) if words in line), None)

    @property
    def url(self) -> str:
        until(lambda: self.said("listening on") or self.process.poll() is not None, 30)
        line = self.said("listening on")
        assert line is not None, self.log
        found = re.search(r"http://[^\s\"]+", line)
        assert found is not None
        return found[0]

    def ended(self) -> int:
        """The exit code, and the whole of the log is there."""
        code = self.process.wait(40)
        self._reader.join()
        return code


@contextmanager
def process(db: Path, *options: str, **settings: str) -> Iterator[Process]:
    one = Process(db, *options, **settings)
    try:
        yield one
    finally:
        one.process.kill()
        one.ended()
        for stream in (one.process.stdout, one.process.stderr):
            assert stream is not None
            stream.close()


def refused(url: str) -> bool:
    """Whether nobody is there to take a connection."""
    try:
        httpx.get(f"{url}/livez")
    except httpx.TransportError:
        return True
    return False


def opened(db: Path) -> Memory:
    return Memory.open(db, embedder=HashEmbedder(), settings=Settings.load(), create=False)


def test_told_to_stop_it_lets_nobody_in_finishes_writes_and_cancels_answers(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    with process(db, "--no-auth", shutdown_grace="1.5") as one, ThreadPoolExecutor(2) as threads:
        with httpx.Client(base_url=one.url, timeout=30) as client:
            client.post("/v1/messages", json={"namespace": "a", "messages": "I moved to Oslo."})
            asked = threads.submit(
                client.post, "/v1/ask", json={"namespace": "a", "question": f"Who moved {SLOWLY} to Oslo?"}
            )
            written = threads.submit(
                client.post, "/v1/messages", json={"namespace": "a", "messages": f"It {SLOWLY} rains."}
            )
            until(lambda: "memsvc_requests_in_flight 3.0" in client.get("/metrics").text)
            one.process.send_signal(signal.SIGTERM)
            until(lambda: refused(one.url))
            assert written.result().json()["receipts"][0]["status"] == "stored"
            found = asked.result()
            assert (found.status_code, found.json()["code"]) == (503, "cancelled")
        assert one.ended() == 0
    assert one.said("stopped serving")
    with opened(db) as memory:
        assert memory.stats(namespace="a")["messages"] == 2
        assert memory.verify() == []


def test_work_in_the_background_puts_back_its_jobs(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    settings = {"extraction": "background", "extract_messages": "1"}
    with process(db, "--no-auth", **settings) as one:
        with httpx.Client(base_url=one.url, timeout=30) as client:
            text = f"Ann {SLOWLY} learns to play the cello."
            client.post("/v1/messages", json={"namespace": "a", "messages": text})
            until(lambda: 'state="running"} 1.0' in client.get("/metrics").text)
        one.process.send_signal(signal.SIGINT)
        assert one.ended() == 0
    with opened(db) as memory:
        [job] = memory.jobs(namespace="a")
        assert (job.state, job.worker, job.error) == ("queued", None, None)


def test_its_log_is_lines_of_json_and_holds_no_words(tmp_path: Path) -> None:
    with process(tmp_path / "a.db", "--no-auth") as one:
        httpx.post(f"{one.url}/v1/messages", json={"namespace": "a", "messages": "xyzzymarker"})
        one.process.send_signal(signal.SIGTERM)
        assert one.ended() == 0
    lines: list[dict[str, Any]] = [json.loads(line) for line in one.log]
    assert [line["verb"] for line in lines if "verb" in line] == ["add"]
    assert "xyzzymarker" not in "".join(one.log)


def test_with_keys_it_asks_for_one(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    with Memory.open(db, embedder=HashEmbedder(), settings=Settings.load()) as memory:
        keys = Keys(memory.store.database)
        token = keys.create(namespaces=["acme/*"], allow=["read", "write"]).token
        keys.close()
    with process(db) as one:
        url, body = one.url, {"namespace": "acme/ann", "messages": "I moved to Oslo."}
        found = httpx.post(f"{url}/v1/messages", json=body)
        assert (found.status_code, found.headers["www-authenticate"]) == (401, "Bearer")
        found = httpx.post(f"{url}/v1/messages", json=body, headers={"Authorization": f"Bearer {token}"})
        assert found.json()["receipts"][0]["status"] == "stored"
        assert httpx.get(f"{url}/livez").status_code == 200
    assert token not in "".join(one.log)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], r"has no key yet.*`memsvc keys create .* --db .*a.db`.*--no-auth"),
        (["--no-auth", "--host", "0.0.0.0"], r"--no-auth came with host '0.0.0.0'.*memsvc keys create"),
        (["--no-auth", "--host", "192.0.2.1"], "--no-auth came with host"),
    ],
)
def test_it_refuses_to_stand_open(tmp_path: Path, options: list[str], said: str) -> None:
    with process(tmp_path / "a.db", *options) as one:
        assert one.ended() == 1
    assert re.search(said, "".join(one.log))


def test_without_its_packages_it_names_the_extra(tmp_path: Path) -> None:
    program = "import sys; sys.modules['uvicorn'] = None; from memsvc_cli.app import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", program, "serve", "--db", str(tmp_path / "a.db")], capture_output=True, text=True
    )
    assert ran.returncode == 1
    assert "pip install 'memsvc[server]'" in ran.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_this_machine_may_do_without_keys(host: str) -> None:
    check_open_door(host, no_auth=True)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", ""])
def test_others_may_not(host: str) -> None:
    check_open_door(host, no_auth=False)
    with pytest.raises(SettingsError, match="could read and erase everything"):
        check_open_door(host, no_auth=True)


def test_an_address_that_is_not_to_be_had_is_named() -> None:
    with listen("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"127.0.0.1:{port} cannot be listened on: Address already in use"):
            listen("127.0.0.1", port)
    with pytest.raises(SettingsError, match=r"192\.0\.2\.1:0 cannot be listened on"):
        listen("192.0.2.1", 0)


def test_its_socket_names_its_protocol() -> None:
    """Else asyncio leaves Nagle's algorithm on, and each response waits 40 ms for a delayed acknowledgement."""
    with listen("127.0.0.1", 0) as one:
        assert one.proto == socket.IPPROTO_TCP


def test_clients_close_their_idle_connections_first() -> None:
    """Where the service is first, a request may be under way, and its sender sees a broken connection."""
    theirs = httpx.Limits().keepalive_expiry
    assert theirs is not None
    assert theirs < KEEP_ALIVE_SECONDS
