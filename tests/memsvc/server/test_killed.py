"""The process is killed under load: what a receipt told of is there, and all is well, when the next one comes up."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.memsvc.server.served import until
from tests.memsvc.server.test_serving import process

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

WRITERS, NAMESPACES = 6, 3


class Load:
    """Clients that write and search until nobody answers any more."""

    def __init__(self, url: str, turn: int) -> None:
        self.told: list[tuple[str, str]] = []
        self.wrong: list[str] = []
        self._url, self._turn = url, turn
        self._threads = [threading.Thread(target=self._run, args=[number]) for number in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        with httpx.Client(base_url=self._url, timeout=30, trust_env=False) as client:
            for count in range(100_000):
                namespace, text = f"n{count % NAMESPACES}", f"turn {self._turn}, client {number}, message {count}"
                try:
                    found = client.post("/v1/messages", json={"namespace": namespace, "messages": text})
                    if found.status_code == 200:
                        self.told.append((namespace, text))
                    searched = client.post("/v1/search", json={"namespace": namespace, "query": text})
                except httpx.TransportError:
                    return
                if found.status_code != 200 or searched.status_code != 200:
                    self.wrong.append(found.text + searched.text)
                    return

    def ended(self) -> None:
        for thread in self._threads:
            thread.join()


def check(client: httpx.Client, told: list[tuple[str, str]]) -> None:
    """All of it is there, and nothing is wrong."""
    until(lambda: client.get("/readyz").status_code == 200)
    held = {
        f"n{number}": client.get("/v1/export", params={"namespace": f"n{number}"}).text for number in range(NAMESPACES)
    }
    assert [text for namespace, text in told if f'"{text}"' not in held[namespace]] == []
    assert client.post("/v1/verify", json={}).json() == {"problems": []}


def test_nothing_that_was_told_of_is_lost(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    told: list[tuple[str, str]] = []
    for turn in range(3):
        with process(db, "--no-auth") as one, httpx.Client(base_url=one.url, timeout=30, trust_env=False) as client:
            check(client, told)
            if turn == 2:
                break
            load = Load(one.url, turn)
            until(lambda load=load: len(load.told) >= 40 or load.wrong, 30)  # type: ignore[misc]
            one.process.kill()
            load.ended()
        assert load.wrong == []
        told += load.told
