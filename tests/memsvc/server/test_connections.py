"""Connections whose other end does not play along: heads without end, half a head, readers that read nothing."""

from __future__ import annotations

import socket
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pytest

from memsvc.server.edge import HEAD_BYTES, Connection
from memsvc.service.pools import EXPORTS
from tests.memsvc.server.served import ANN, fresh, served, until
from tests.memsvc.server.test_shares import to_the_end

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.memsvc.server.served import Running


class Quick(Connection):
    """Soon out of patience."""

    silence = 0.5


@pytest.fixture
def one() -> Iterator[Running]:
    with fresh() as memory, served(memory, http=Quick) as running:
        memory.add(ANN, namespace="acme/ann")
        yield running


def connected(one: Running) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that what nobody reads soon fills up
    connection.settimeout(30)
    connection.connect((one.client.base_url.host, one.client.base_url.port))
    return connection


def sent(connection: socket.socket, parts: Iterator[bytes]) -> int:
    """Send until the service hangs up; how many bytes went out."""
    count = 0
    try:
        for part in parts:
            count += connection.send(part)
            assert count < 100 << 20, "the service takes whatever comes"
    except ConnectionError:
        pass
    return count


@pytest.mark.parametrize(
    "endless",
    [
        b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n|X-A: " + b"x" * 8_000 + b"\r\n",
        b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: |" + b"x" * 8_000,
        b"GET /|" + b"x" * 8_000,
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n|X-A: " + b"x" * 8_000 + b"\r\n",
    ],
    ids=["headers", "one header", "path", "trailers"],
)  # fmt: skip
def test_a_head_without_end_is_not_kept(one: Running, endless: bytes) -> None:
    first, more = endless.split(b"|")
    with connected(one) as connection:
        connection.sendall(first)
        sent(connection, repeat(more))
    assert one("GET", "/livez").status_code == 200


def test_a_head_within_the_bound_is_taken(one: Running) -> None:
    head = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-A: "
    with connected(one) as connection:
        connection.sendall(head.ljust(HEAD_BYTES - 1_000, b"x") + b"\r\n\r\n")
        assert to_the_end(connection).startswith(b"HTTP/1.1 200")


def test_a_head_beyond_the_bound_is_refused(one: Running) -> None:
    with connected(one) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nX-A: ".ljust(HEAD_BYTES + 2, b"x"))
        assert to_the_end(connection).startswith(b"HTTP/1.1 400 ")


def test_bodies_are_of_any_length_and_connections_are_used_again(one: Running) -> None:
    text = "x" * (4 * HEAD_BYTES)
    for _ in range(3):
        found = one.post("/search", namespace="acme/ann", query="Oslo", speaker=[text])
        assert found.status_code == 200
    unread = one("POST", "/nothing", content=b"x" * (20 * HEAD_BYTES))
    assert unread.status_code == 404
    assert one("GET", "/livez").status_code == 200


@pytest.mark.parametrize("begun", [b"", b"GET /livez HT"])
def test_a_head_that_is_half_sent_closes_the_connection(one: Running, begun: bytes) -> None:
    with connected(one) as connection:
        connection.sendall(begun)
        assert to_the_end(connection) == b""


def test_so_does_a_later_one(one: Running) -> None:
    with connected(one) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        answer = b""
        while b'"ok"' not in answer:
            answer += connection.recv(1 << 16)
        connection.sendall(b"GET /livez HT")
        assert b"HTTP/1.1" not in to_the_end(connection)


def test_who_reads_nothing_of_an_export_holds_nothing(one: Running) -> None:
    taken: list[int] = []

    def endless(**_: object) -> Iterator[str]:
        taken.append(0)
        try:
            while True:
                taken[0] += 1
                yield "x" * 1_000
        finally:
            taken.append(taken[0])

    whole: Callable[..., Any] = one.service.memory.export
    one.service.memory.export = endless  # type: ignore[method-assign]
    try:
        with connected(one) as connection:
            connection.sendall(b"GET /v1/export?namespace=acme/ann HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            until(lambda: len(taken) == 2, 20)  # closed by the service, while this end stays open
    finally:
        one.service.memory.export = whole  # type: ignore[method-assign]
    until(lambda: one.service.pools.exports._value == EXPORTS)
    assert one.get("/export", namespace="acme/ann").status_code == 200
