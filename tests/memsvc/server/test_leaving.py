"""Who hangs up before the answer, and who may not come in without a key."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from memsvc.service.access import build_door
from memsvc.service.keys import Keys
from tests.memsvc.server.served import ANN, fresh, served, until
from tests.memsvc.server.test_problems import is_problem

if TYPE_CHECKING:
    from io import StringIO

    from tests.memsvc.server.served import Running

JSON = "application/json"


def hang_up(one: Running, path: str, kind: str = JSON) -> None:
    """Announce 100 bytes, send six, and go."""
    address = (one.client.base_url.host, one.client.base_url.port)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nAccept: {kind}, text/event-stream\r\n"
    with socket.create_connection(address) as connection:
        connection.sendall(f'{head}Content-Length: 100\r\n\r\n{{"a": '.encode())


def requests(log: StringIO) -> list[dict[str, Any]]:
    """The lines of the log that are of a request."""
    return [line for line in map(json.loads, log.getvalue().splitlines()) if "verb" in line]


@pytest.mark.parametrize(
    ("path", "verb"), [("/v1/search", "search"), ("/v1/import?namespace=ann", "import"), ("/mcp", "mcp")]
)
def test_who_hangs_up_in_the_middle_is_no_fault_of_ours(log: StringIO, path: str, verb: str) -> None:
    with fresh() as memory, served(memory) as one:
        hang_up(one, path)
        until(lambda: requests(log))
        metrics = one("GET", "/metrics").text
    [line] = [line for line in requests(log) if line["verb"] == verb]
    assert (line["level"], line["status"]) == ("info", 499)
    assert "error" not in {json.loads(line)["level"] for line in log.getvalue().splitlines()}
    assert f'memsvc_requests_total{{status="499",verb="{verb}"}} 1.0' in metrics


def test_the_log_says_where_a_request_came_from(log: StringIO) -> None:
    with fresh() as memory, served(memory) as one:
        one.post("/search", namespace="ann", query="x")
        for claimed in ("203.0.113.9", "nobody\nnowhere"):
            one("GET", "/v1/namespaces", headers={"X-Forwarded-For": claimed.replace("\n", " ")})
    assert {line["peer"] for line in requests(log)} == {"127.0.0.1"}


def test_metrics_have_no_moments_of_creation(running: Running) -> None:
    running.post("/search", namespace="ann", query="x")
    assert "_created" not in running("GET", "/metrics").text


@pytest.mark.parametrize("path", ["/v1/namespaces", "/v1/memories?namespace=acme/ann", "/metrics", "/docs", "/nothing"])
def test_without_keys_only_this_machine_s_own_names_are_answered(ann: Running, path: str) -> None:
    port = ann.client.base_url.port
    for host in (
        f"evil.example:{port}",
        "evil.example",
        "localhost.evil.example",
        "",
        "[",
        f"192.0.2.1:{port}",
        "evil@127.0.0.1",
        "127.0.0.1/",
        "[::1",
    ):
        is_problem(ann("GET", path, headers={"Host": host}), 421, "misdirected_request")
    for origin in ("http://evil.example", "null"):
        is_problem(ann("GET", path, headers={"Origin": origin}), 403, "foreign_origin")
    for host in (f"localhost:{port}", "127.0.0.2", "[::1]:80"):
        found = ann("GET", path, headers={"Host": host, "Origin": f"http://localhost:{port}"})
        assert found.status_code == (404 if path == "/nothing" else 200)


def test_without_keys_a_request_has_one_name(ann: Running) -> None:
    address = (ann.client.base_url.host, ann.client.base_url.port)
    for hosts in (("127.0.0.1", "evil.example"), ("evil.example", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ()):
        names = "".join(f"Host: {one}\r\n" for one in hosts)
        with socket.create_connection(address, timeout=30) as connection:
            connection.sendall(f"GET /v1/namespaces HTTP/1.1\r\n{names}Connection: close\r\n\r\n".encode())
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 400 ")  # by h11 itself


def test_with_keys_any_name_is_answered() -> None:
    with fresh() as memory:
        memory.add(ANN, namespace="acme/ann")
        token = Keys(memory.store.database).create(namespaces=["acme/*"], allow=["read"]).token
        with served(memory, door=build_door(memory, no_auth=False)) as one:
            headers = {"Host": "memory.example", "Origin": "https://app.example", "Authorization": f"Bearer {token}"}
            assert one("GET", "/v1/namespaces", headers=headers).json() == {"namespaces": ["acme/ann"]}
