"""The tools at `/mcp` of a service: the same door and keys, and the same words on whatever is not the caller's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from memsvc import Memory
from memsvc.mcp import mounting
from memsvc.mcp.mounting import SESSIONS_OF_KEY, Sessions
from memsvc.mcp.tools import TOOLS
from memsvc.service.access import Doorkeeper
from memsvc.service.keys import Keys
from memsvc.service.limits import RateLimiter
from memsvc_store.keys import PERMISSIONS
from tests.memsvc.mcp.talking import MODES, given, over_http, refused, run
from tests.memsvc.server.program import SLOWLY, PatientModel
from tests.memsvc.server.served import ANN, Running, fresh, served

HELLO = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}  # fmt: skip
TALKS = {"Accept": "application/json, text/event-stream"}


@dataclass(frozen=True)
class Shop:
    """A service with keys, and what Bob has in it."""

    running: Running
    memory: Memory
    keys: Keys
    bobs: dict[str, str]

    @property
    def url(self) -> str:
        return str(self.running.client.base_url.join("/mcp"))

    def token(self, *namespaces: str, allow: tuple[str, ...] = PERMISSIONS) -> str:
        return self.keys.create(namespaces=namespaces, allow=allow).token

    def post(self, token: str | None = None, /, *, body: Any = HELLO, **headers: str) -> Any:
        own = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.running("POST", "/mcp", json=body, headers={**TALKS, **own, **headers})


@pytest.fixture
def shop() -> Iterator[Shop]:
    with fresh(PatientModel()) as memory:
        memory.add(ANN, namespace="acme/ann")
        [receipt] = memory.add("a secret of Bob's", namespace="other/bob", session_id="s9")
        episode = memory.add_episode("keep a secret", "told nobody", namespace="other/bob", success=True)
        trace = memory.search("secret", namespace="other/bob", trace=True).trace_id
        keys = Keys(memory.store.database)
        door = Doorkeeper(keys, RateLimiter())
        try:
            with served(memory, door=door, body_limit=100_000) as running:
                bobs = {"memory": str(receipt.id), "episode": str(episode.id), "trace": str(trace)}
                yield Shop(running, memory, keys, bobs)
        finally:
            door.close()
            keys.close()


# -- the tools -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_each_tool_works(shop: Shop, mode: str) -> None:
    token = shop.token("acme/*")

    async def talk() -> None:
        async with over_http(shop.url, token, mode) as client:
            assert {one.name for one in (await client.list_tools()).tools} == set(TOOLS)
            here: dict[str, Any] = {"namespace": "acme/ann"}
            [receipt] = (await given(client, "add_memory", messages="Zoë 日本 🚆", **here))["receipts"]
            found = await given(client, "search_memory", query="Where does Ann live?", **here)
            assert ANN[0]["content"] in [one["text"] for one in found["memories"]]
            await given(client, "give_feedback", trace_id=found["trace_id"], reward=1.0, **here)
            assert (await given(client, "ask_memory", question="Where did Ann move to?", **here))["evidence"]
            await given(client, "add_episode", intent="book a table", trajectory="called", success=True, **here)
            assert (await given(client, "search_episodes", intent="book a table", **here))["attempts"]
            assert "Zoë 日本 🚆" in [one["text"] for one in (await given(client, "list_memories", **here))["memories"]]
            assert (await given(client, "graph_memory", thing="Oslo", **here))["ties"]
            assert (await given(client, "list_sessions", **here))["sessions"]
            one = {"memory_id": receipt["id"], **here}
            assert [quote["text"] for quote in (await given(client, "get_memory", **one))["memories"]] == [
                "Zoë 日本 🚆"
            ]
            await given(client, "update_memory", text="Zoë 日本", **one)
            await given(client, "delete_memory", **one)
            await given(client, "forget_memory", memory_id=receipt["id"], **here)
            assert "no namespace came; give one of acme/*" in await refused(client, "search_memory", query="x")

    run(talk)
    watcher = {"Authorization": f"Bearer {shop.token('*')}"}
    scraped = shop.running("GET", "/metrics", headers=watcher).text
    for name in TOOLS:
        assert f'memsvc_requests_total{{status="200",verb="{name}"}}' in scraped


def test_several_namespaces_are_those_of_the_key(shop: Shop) -> None:
    shop.memory.add("The team has a secret in Oslo.", namespace="acme/team")
    token = shop.token("acme/*")

    async def talk() -> None:
        async with over_http(shop.url, token, "legacy") as client:
            asked = {"query": "a secret in Oslo", "min_relevance": 0.0}
            for pattern in ("*", "acme/*", ["acme/ann", "acme/team"]):
                found = await given(client, "search_memory", namespaces=pattern, **asked)
                assert {one["namespace"] for one in found["memories"]} == {"acme/ann", "acme/team"}
                assert found["trace_id"] is None
            for pattern in ("other/bob", "other/*", ["acme/ann", "other/bob"], "nobody"):
                assert "is not among this key's: acme/*" in await refused(
                    client, "search_memory", namespaces=pattern, **asked
                )

    run(talk)
    body = {"query": "a secret in Oslo", "namespaces": ["*"]}
    own = {"Authorization": f"Bearer {token}"}
    hits = shop.running("POST", "/v1/search", json=body, headers=own).json()["hits"]
    assert {hit["memory"]["namespace"] for hit in hits} == {"acme/ann", "acme/team"}
    refusal = shop.running("POST", "/v1/search", json={**body, "namespaces": ["other/*"]}, headers=own)
    assert (refusal.status_code, refusal.json()["code"]) == (404, "not_found")
    bound = {"Authorization": f"Bearer {shop.token('acme/ann')}"}
    hits = shop.running("POST", "/v1/search", json=body, headers=bound).json()["hits"]
    assert {hit["memory"]["namespace"] for hit in hits} == {"acme/ann"}


def test_half_a_character_is_its_message_s_alone(shop: Shop) -> None:
    own = {"Authorization": f"Bearer {shop.token('acme/ann')}", **TALKS, "Content-Type": "application/json"}
    session = shop.running("POST", "/mcp", json=HELLO, headers=own).headers["mcp-session-id"]

    def call(**arguments: Any) -> str:
        params = {"name": "add_memory", "arguments": arguments}
        body = json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params})
        answer = shop.running("POST", "/mcp", content=body, headers={**own, "mcp-session-id": session})
        assert answer.status_code == 200
        return str(answer.text)

    said = call(messages=["whole", "half \ud83c", "\ud83d\ude82"])
    assert "messages[1] was NOT stored: 'content' holds half a character" in said
    assert {"whole", "🚂"} <= {one.text for one in shop.memory.list(namespace="acme/ann")}
    assert "holds half a character" in call(messages="half \ud83c")


@pytest.mark.parametrize("mode", MODES)
def test_what_was_just_recalled_is_not_stored_again(shop: Shop, mode: str) -> None:
    ann, ben = shop.token("acme/ann"), shop.token("acme/ann")
    said = ANN[0]["content"]

    async def talk() -> None:
        async with over_http(shop.url, ann, mode) as client, over_http(shop.url, ben, mode) as another:
            await given(client, "search_memory", query="Where does Ann live?")
            [echo] = (await given(client, "add_memory", messages=said))["receipts"]
            [stored] = (await given(another, "add_memory", messages=said))["receipts"]
            assert (echo["status"], stored["status"]) == ("echo", "stored")

    run(talk)


@pytest.mark.parametrize("mode", MODES)
def test_a_cancelled_ask_stops(shop: Shop, mode: str) -> None:
    token, service = shop.token("acme/ann"), shop.running.service

    async def talk() -> None:
        async with over_http(shop.url, token, mode) as client:
            asking = asyncio.create_task(
                client.call_tool("ask_memory", {"question": f"Tell me {SLOWLY}: where is Ann?"})
            )
            while not service.pools.busy()["slow"]:
                await asyncio.sleep(0.01)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            assert asking.cancelled()
            while service.pools.busy()["slow"]:
                await asyncio.sleep(0.01)
            assert (await given(client, "ask_memory", question="Where did Ann move to?"))["evidence"]

    run(talk)
    assert len(service.asks) == 0


@pytest.mark.parametrize("mode", MODES)
def test_who_asks_to_be_told_hears_the_steps_of_an_ask(shop: Shop, mode: str) -> None:
    told: list[tuple[float, str | None]] = []

    async def hear(progress: float, _: float | None, message: str | None) -> None:
        told.append((progress, message))

    async def talk() -> None:
        async with over_http(shop.url, shop.token("acme/ann"), mode) as client:
            question = {"question": "Where did Ann move to?"}
            await client.call_tool("ask_memory", question, progress_callback=hear)
            heard = len(told)
            await given(client, "ask_memory", **question)
            assert len(told) == heard

    run(talk)
    assert told == [
        (1.0, "retrieved: 2 memories"), (2.0, "drafted"), (3.0, "judged: the fast answer will do"),
    ]  # fmt: skip


def test_an_ask_does_not_hold_up_the_end_of_the_service() -> None:
    async def ask(url: str) -> None:
        async with over_http(url) as client:
            said = await refused(client, "ask_memory", question=f"Tell me {SLOWLY}: where is Ann?", namespace="ann")
            assert "log says more" in said  # a Cancelled, as over the other routes

    async def talk(running: Running) -> None:
        asking = asyncio.create_task(ask(str(running.client.base_url.join("/mcp"))))
        while not running.service.pools.busy()["slow"]:
            await asyncio.sleep(0.01)
        running.service.asks.stop_all()
        await asking

    with fresh(PatientModel()) as memory:
        memory.add(ANN, namespace="ann")
        with served(memory) as running:
            run(lambda: talk(running))


# -- isolation -----------------------------------------------------------------------------------


def abroad(bobs: dict[str, str]) -> dict[str, dict[str, Any]]:
    """For each tool what would read, change or count something of Bob's. A new tool wants a line here."""
    return {
        "add_memory": {"messages": "hello"},
        "search_memory": {"query": "secret"},
        "ask_memory": {"question": "What is the secret?"},
        "add_episode": {"intent": "keep a secret", "trajectory": "told all", "success": False},
        "search_episodes": {"intent": "keep a secret"},
        "give_feedback": {"trace_id": bobs["trace"], "reward": -1.0},
        "forget_memory": {"memory_id": bobs["memory"]},
        "list_memories": {},
        "list_sessions": {},
        "get_memory": {"memory_id": bobs["memory"]},
        "update_memory": {"memory_id": bobs["memory"], "text": "x"},
        "delete_memory": {"memory_id": bobs["memory"]},
        "graph_memory": {"thing": "Bob"},
    }


BY_ID = [
    *((tool, "memory_id", "memory") for tool in ("get_memory", "update_memory", "delete_memory")),
    ("give_feedback", "trace_id", "trace"),
    ("forget_memory", "memory_id", "memory"),
    ("forget_memory", "memory_id", "episode"),
]


@pytest.mark.parametrize("mode", MODES)
def test_what_is_anothers_is_told_like_what_is_not_there(shop: Shop, mode: str) -> None:
    token, calls = shop.token("acme/*"), abroad(shop.bobs)
    assert set(calls) == set(TOOLS)
    before = list(shop.memory.export(namespace="other/bob")), shop.memory.stats(namespace="other/bob")

    async def talk() -> None:
        async with over_http(shop.url, token, mode) as client:
            for tool, arguments in calls.items():
                there = await refused(client, tool, **arguments, namespace="other/bob")
                absent = await refused(client, tool, **arguments, namespace="nobody")
                assert there == "namespace 'other/bob' is not among this key's: acme/*; name one of these"
                assert absent == there.replace("other/bob", "nobody")
            for tool, name, whose in BY_ID:  # ids of Bob's in a namespace of one's own
                own = {**calls[tool], "namespace": "acme/ann"}
                there = await refused(client, tool, **{**own, name: shop.bobs[whose]})
                made_up = shop.bobs[whose][::-1]
                assert (await refused(client, tool, **{**own, name: made_up})).replace(
                    made_up, shop.bobs[whose]
                ) == there

    run(talk)
    assert (list(shop.memory.export(namespace="other/bob")), shop.memory.stats(namespace="other/bob")) == before
    assert shop.memory.namespaces() == ["acme/ann", "other/bob"]


@pytest.mark.parametrize("permission", sorted({tool.permission for tool in TOOLS.values()}))
def test_a_tool_takes_its_permission(shop: Shop, permission: str) -> None:
    token = shop.token("*", allow=(permission,))

    async def talk() -> None:
        async with over_http(shop.url, token) as client:
            offered = {one.name for one in (await client.list_tools()).tools}
            assert offered == {name for name, tool in TOOLS.items() if tool.permission == permission}
            for name in TOOLS.keys() - offered:
                said = await refused(client, name, **abroad(shop.bobs)[name], namespace="acme/ann")
                assert f"this takes the permission '{TOOLS[name].permission}'" in said

    run(talk)


def test_a_conversation_under_way_is_not_ended() -> None:
    sessions = Sessions(most=2)
    sessions.opened("a", "1")
    with sessions.busy("a", "1"):
        for one in "23":
            sessions.opened("a", one)
        assert sessions.surplus("a") == ["2"]
    assert sessions.surplus("a") == sessions.surplus("b") == []
    sessions.opened("a", "4")
    assert sessions.surplus("a") == ["3"]


# -- the door ------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "msk_0", "msk_" + "0" * 16 + "_" + "A" * 43])
def test_nobody_comes_in_without_a_key(shop: Shop, token: str | None) -> None:
    bodies: list[Any] = [HELLO, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, [], "no JSON-RPC"]
    for body in bodies:
        answer = shop.post(token, body=body)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_key_that_is_revoked_ends_a_conversation_under_way(shop: Shop) -> None:
    made = shop.keys.create(namespaces=["acme/*"], allow=["read"])
    session = shop.post(made.token).headers["mcp-session-id"]
    body = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    assert shop.post(made.token, body=body, **{"Mcp-Session-Id": session}).status_code == 200
    shop.keys.revoke(made.key.id)
    assert shop.post(made.token, body=body, **{"Mcp-Session-Id": session}).status_code == 401


def test_the_conversation_of_another_key_is_not_there(shop: Shop) -> None:
    ann, eve = shop.token("acme/*"), shop.token("acme/*")
    session = shop.post(ann).headers["mcp-session-id"]
    body = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    stolen = shop.post(eve, body=body, **{"Mcp-Session-Id": session})
    made_up = shop.post(eve, body=body, **{"Mcp-Session-Id": session[::-1]})
    assert (stolen.status_code, stolen.text) == (made_up.status_code, made_up.text)
    assert stolen.status_code == 404
    headers = {"Authorization": f"Bearer {eve}", "Mcp-Session-Id": session}
    assert shop.running("DELETE", "/mcp", headers=headers).status_code == 404
    assert shop.post(ann, body=body, **{"Mcp-Session-Id": session}).status_code == 200


def test_a_key_keeps_some_conversations_and_the_oldest_ends(shop: Shop) -> None:
    greedy, other = shop.token("acme/*"), shop.token("acme/*")
    listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}

    def status(token: str, session: str) -> int:
        found: int = shop.post(token, body=listing, **{"Mcp-Session-Id": session}).status_code
        return found

    kept = shop.post(other).headers["mcp-session-id"]
    own = [shop.post(greedy).headers["mcp-session-id"] for _ in range(SESSIONS_OF_KEY)]
    assert status(greedy, own[0]) == 200  # used again, so that the next one is now the oldest
    headers = {"Authorization": f"Bearer {greedy}", "Mcp-Session-Id": own[5]}
    assert shop.running("DELETE", "/mcp", headers=headers).status_code == 200
    own += [shop.post(greedy).headers["mcp-session-id"] for _ in range(2)]
    assert [status(greedy, session) for session in own[:7]] == [200, 404, 200, 200, 200, 404, 200]
    assert {status(greedy, session) for session in own[7:]} == {200}
    assert status(other, kept) == 200


def test_bodies_are_bounded_and_streams_are_not_held_open(shop: Shop) -> None:
    token = shop.token("acme/*")
    assert shop.post(token, body={**HELLO, "more": "x" * 100_000}).status_code == 413
    assert shop.running("GET", "/mcp", headers={"Authorization": f"Bearer {token}"}).status_code == 405


def test_an_open_door_opens_to_no_page_that_calls_itself_this_machine() -> None:
    with fresh() as memory, served(memory) as running:
        for headers in ({"Host": "evil.example:8321"}, {"Origin": "http://evil.example"}):
            assert running("POST", "/mcp", json=HELLO, headers={**TALKS, **headers}).status_code in (403, 421)
        assert running("POST", "/mcp", json=HELLO, headers=TALKS).status_code == 200


def test_with_keys_it_answers_to_any_name(shop: Shop) -> None:
    assert shop.post(shop.token("acme/*"), Host="memory.example").status_code == 200


def test_without_the_extra_the_service_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounting, "find_spec", lambda _: None)
    with fresh() as memory, served(memory) as running:
        assert running("POST", "/mcp", json=HELLO, headers=TALKS).status_code == 404
        assert running("GET", "/livez").status_code == 200
