"""Tokens a day of a key: over HTTP, through a client, and over MCP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memsvc import Client
from memsvc.errors import QuotaExhausted
from memsvc.service.access import Doorkeeper
from memsvc.service.keys import Keys
from memsvc.service.limits import RateLimiter
from tests.memsvc.mcp.talking import over_http, refused, run
from tests.memsvc.server.served import ANN, fresh, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.memsvc.server.served import Running

ASKED = {"question": "Where did Ann move?", "namespace": "acme/ann", "gate": "never"}


@pytest.fixture(scope="module")
def two() -> Iterator[tuple[Running, dict[str, str]]]:
    """A service and two keys: one that gets 250 tokens a day, and one without a limit."""
    with fresh(settings={"model_tokens_per_day": 1_000_000}) as memory:
        memory.add(ANN, namespace="acme/ann")
        keys = Keys(memory.store.database)
        tokens = {
            name: keys.create(namespaces="*", allow=["read", "write", "metrics"], tokens_per_day=limit).token
            for name, limit in (("small", 250), ("free", None))
        }
        door = Doorkeeper(keys, RateLimiter())
        with served(memory, door=door) as running:
            yield running, tokens
        door.close()


def test_a_key_goes_as_far_as_its_limit(two: tuple[Running, dict[str, str]]) -> None:
    running, tokens = two
    small, free = ({"headers": {"Authorization": f"Bearer {tokens[name]}"}} for name in ("small", "free"))
    first = running("POST", "/v1/ask", json=ASKED, **small)
    assert first.status_code == 200
    cost = first.json()["ledger"]["prompt_tokens"] + first.json()["ledger"]["completion_tokens"]
    assert first.headers["RateLimit"] == f'"tokens-per-day";r={max(0, 250 - cost)}'
    assert first.headers["RateLimit-Policy"] == '"tokens-per-day";q=250;w=86400'
    for _ in range(5):
        last = running("POST", "/v1/ask", json=ASKED, **small)
    problem = last.json()
    assert (last.status_code, problem["code"]) == (429, "quota_exhausted")
    assert "of 250 tokens" in problem["detail"]
    assert 0 < int(last.headers["Retry-After"]) <= 86_400

    streamed = running("POST", "/v1/ask", json=ASKED, headers={**small["headers"], "Accept": "text/event-stream"})
    assert (streamed.status_code, streamed.json()["code"]) == (429, "quota_exhausted")
    searched = running("POST", "/v1/search", json={"query": "Oslo", "namespace": "acme/ann"}, **small)
    assert searched.status_code == 200
    assert "RateLimit" not in searched.headers
    assert running("POST", "/v1/ask", json=ASKED, **free).status_code == 200

    told = running("GET", "/metrics", **free).text
    assert "memsvc_model_tokens_limit 1e+06" in told
    used = float(told.partition("\nmemsvc_model_tokens_today ")[2].split()[0])
    assert used > 250

    with Client(str(running.client.base_url), api_key=tokens["small"]) as client:
        with pytest.raises(QuotaExhausted, match="go on at") as raised:
            client.ask("Where did Ann move?", namespace="acme/ann", gate="never")
        assert raised.value.retry_after > 1

    async def talk() -> None:
        async with over_http(str(running.client.base_url.join("/mcp")), tokens["small"]) as client:
            told = await refused(client, "ask_memory", question="Where did Ann move?", namespace="acme/ann")
            assert "go on at" in told
            given = {"query": "Oslo", "namespace": "acme/ann"}
            assert not (await client.call_tool("search_memory", given)).is_error

    run(talk)
