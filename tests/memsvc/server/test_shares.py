"""What one key gets of the pools, and what a caller holds who does not go on: places, threads and connections."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from threading import Event
from typing import TYPE_CHECKING

import pytest

from memsvc.errors import RateLimited
from memsvc.service import pools as pools_of
from memsvc.service.access import build_door
from memsvc.service.keys import Keys
from memsvc.service.pools import SHARES, SIZES, Pools
from tests.memsvc.server.served import ANN, fresh, served, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memsvc.contract.table import Pool
    from tests.memsvc.server.served import Running

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("pool", SIZES)
def test_a_key_that_sends_more_than_its_share_leaves_the_rest_to_others(pool: Pool) -> None:
    go = Event()

    async def crowd() -> None:
        pools = Pools()
        greedy = [asyncio.create_task(pools.take("a", pool, go.wait, 30)) for _ in range(SIZES[pool] + 5)]
        while pools.busy()[pool] < SHARES[pool]:
            await asyncio.sleep(0.001)
        assert await pools.take("b", pool, pools.busy) == {**dict.fromkeys(SIZES, 0), pool: SHARES[pool] + 1}
        go.set()
        assert all(await asyncio.gather(*greedy))
        assert await pools.take("a", pool, lambda: "again") == "again"

    asyncio.run(crowd())


def test_a_line_that_is_full_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools_of, "WAITING", 2)

    async def crowd() -> None:
        pools = Pools()
        async with AsyncExitStack() as held:
            for _ in range(SHARES["slow"]):
                await held.enter_async_context(pools.turn("a", "slow"))
            waiting = [asyncio.create_task(pools.take("a", "slow", str)) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(RateLimited, match="key a has 8 requests under way that take long, and 2 more wait"):
                await pools.take("a", "slow", str)
            waiting.pop().cancel()  # who goes leaves the line
            await asyncio.sleep(0)
            waiting.append(asyncio.create_task(pools.take("a", "slow", str)))
            assert await pools.take("a", "read", str) == await pools.take("b", "slow", str) == ""
        assert await asyncio.gather(*waiting) == ["", ""]

    asyncio.run(crowd())


def test_without_keys_nobody_has_a_share() -> None:
    async def crowd() -> None:
        pools, go = Pools(), Event()
        tasks = [asyncio.create_task(pools.take(None, "slow", go.wait, 30)) for _ in range(SIZES["slow"])]
        while pools.busy()["slow"] < SIZES["slow"]:
            await asyncio.sleep(0.001)
        go.set()
        await asyncio.gather(*tasks)

    asyncio.run(crowd())


# -- over connections ----------------------------------------------------------------------------


@pytest.fixture
def shop() -> Iterator[tuple[Running, list[str]]]:
    """A service that is soon out of patience, and two keys."""
    with fresh() as memory:
        memory.add(ANN, namespace="acme/ann")
        keys = Keys(memory.store.database)
        tokens = [keys.create(namespaces=["acme/*"], allow=["read", "write"]).token for _ in range(2)]
        with served(memory, door=build_door(memory, no_auth=False), body_silence=1.0) as one:
            yield one, tokens
        keys.close()


def half(one: Running, token: str, path: str, body: bytes = b"") -> socket.socket:
    """A connection with a request whose body is announced and does not come whole."""
    connection = socket.create_connection((one.client.base_url.host, one.client.base_url.port))
    connection.settimeout(30)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: 1000\r\n\r\n".encode() + body)
    return connection


def to_the_end(connection: socket.socket) -> bytes:
    """What comes until the service closes the connection."""
    with connection:
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def test_imports_that_are_half_sent_stop_nobody_else(shop: tuple[Running, list[str]]) -> None:
    one, (greedy, other) = shop
    sent = [half(one, greedy, "/v1/import?namespace=acme/ben", b"{") for _ in range(SIZES["slow"])]
    until(lambda: one.service.pools.busy()["slow"] == SHARES["slow"])
    asked = one(
        "POST", "/v1/ask", json={"namespace": "acme/ann", "question": "Where?"},
        headers={"Authorization": f"Bearer {other}"},
    )  # fmt: skip
    assert asked.status_code == 200
    answers = [to_the_end(connection) for connection in sent]
    assert {answer.split(b"\r\n", 1)[0] for answer in answers} == {b"HTTP/1.1 408 Request Timeout"}
    assert b"nothing of the body came for 1 s" in answers[0]
    assert one.service.pools.busy()["slow"] == 0


@pytest.mark.parametrize("path", ["/v1/search", "/mcp"])
def test_a_body_that_is_half_sent_ends_in_a_timeout(shop: tuple[Running, list[str]], path: str) -> None:
    one, (token, _) = shop
    answer = to_the_end(half(one, token, path, b'{"names'))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"request_timeout"' in answer


def test_an_answer_may_take_longer_than_a_body_may_be_silent(shop: tuple[Running, list[str]]) -> None:
    one, (token, _) = shop
    memory, go = one.service.memory, Event()
    found, before = memory.ask("Where?", namespace="acme/ann"), memory.ask

    def patient(*_: object, **__: object) -> object:
        assert not go.wait(1.5)  # longer than the silence
        return found

    memory.ask = patient  # type: ignore[assignment, method-assign]
    try:
        asked = one(
            "POST", "/v1/ask", json={"namespace": "acme/ann", "question": "Where?"},
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
    finally:
        memory.ask = before  # type: ignore[method-assign]
    assert asked.status_code == 200
