"""A key of one namespace tells nothing of another: over every route and every tool, as they are listed.

Each request is the example of its verb, so that a new route or tool is tried on the day it appears; one without an
example, or with a parameter that nobody has said to name something or nothing, fails here. Time is compared by the
statements that the database is given, which unlike clocks are the same each time.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from memsvc.contract.table import UNNAMED
from memsvc.mcp.mounting import PATH as MCP
from memsvc.mcp.tools import TOOLS
from memsvc.server.routes import ALL
from memsvc.service.keys import Keys
from memsvc_store.keys import PERMISSIONS
from tests.memsvc.mcp.talking import inside, local, over_http, text
from tests.memsvc.server.examples import BY_NAME, request
from tests.memsvc.server.isolation import (
    ABSENT,
    BESIDE,
    MINE,
    NAMED,
    NOBODYS,
    ONE_OF,
    PATTERNS,
    PLAIN,
    THEIRS,
    WORDS,
    Seen,
    Things,
    Visitor,
    World,
    build,
    dump,
    nobodys,
    parameters,
    recorded,
    visiting,
)
from tests.memsvc.server.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memsvc import Memory
    from memsvc.mcp.tools import Tool
    from memsvc.server.routing import Verb
    from memsvc_store.keys import Permission

pytestmark = pytest.mark.slow

ONE = [verb.name for verb in ALL if verb.scope == "one"]
ANY = [name for name in ONE if parameters(BY_NAME[name])["namespace"] is None]
WRITES = ("INSERT", "UPDATE", "DELETE", "VACUUM", "BEGIN IMMEDIATE")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Ann beside others."""
    return build(tmp_path_factory.mktemp("isolation") / "shared", others=True)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Ann by herself."""
    return build(tmp_path_factory.mktemp("isolation") / "alone", others=False)


@pytest.fixture(scope="module", params=list(PATTERNS))
def ann(request: pytest.FixtureRequest, shared: World) -> Iterator[tuple[Visitor, str]]:
    """With each of her keys, and the pattern of that; nothing is changed."""
    with visiting(shared, shared.tokens[request.param]) as visitor:
        yield visitor, request.param


def theirs_of(world: World) -> Things:
    assert world.theirs is not None
    return world.theirs


# -- every request is known ----------------------------------------------------------------------


@pytest.mark.parametrize("name", BY_NAME)
def test_every_parameter_names_something_or_says_what_is_wanted(name: str) -> None:
    unknown = parameters(BY_NAME[name]).keys() - NAMED.keys() - PLAIN - {"namespace", "namespaces"}
    assert not unknown, f"say in `isolation` whether {unknown} of {name} name what may be there or not"


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_is_a_verb_with_an_example(name: str) -> None:
    verb = BY_NAME[TOOLS[name].verb]
    assert verb.example
    assert TOOLS[name].body.model_fields.keys() <= NAMED.keys() | PLAIN | {"namespace", "namespaces"}


# -- what is not theirs is like what is not there ------------------------------------------------


@pytest.mark.parametrize("name", ONE)
def test_a_namespace_of_others_is_told_like_one_that_is_not_there(
    ann: tuple[Visitor, str], shared: World, name: str
) -> None:
    visitor, pattern = ann
    verb, before = BY_NAME[name], dump(visitor.memory)
    there, absent = theirs_of(shared), nobodys(theirs_of(shared))
    for existing in PATTERNS[pattern]:
        pair = [request(verb, there.real, existing), request(verb, absent.real, ABSENT[existing])]
        if name == "ask":
            pair += [{**one, "headers": {"Accept": "text/event-stream"}} for one in pair]
        seen = visitor.send(*pair)
        for found, other in zip(seen[::2], seen[1::2], strict=True):
            assert found.status == 404
            assert found.without(repr(existing)) == other.without(repr(ABSENT[existing]))
            assert len(found.statements) == 1  # the look-up of the key
    assert dump(visitor.memory) == before


@pytest.mark.parametrize("name", ANY)
def test_all_namespaces_at_once_take_a_key_to_all(ann: tuple[Visitor, str], shared: World, name: str) -> None:
    visitor, _ = ann
    sent, before = request(BY_NAME[name], shared.mine.real), dump(visitor.memory)
    for kind in ("params", "json"):
        if kind in sent:
            sent[kind] = {key: value for key, value in sent[kind].items() if key != "namespace"}
    [found] = visitor.send(sent)
    assert (found.status, len(found.statements)) == (403, 1)
    assert dump(visitor.memory) == before


def named(verb: Verb, mine: Things, parameter: str, value: Any) -> dict[str, Any]:
    """A request of Ann's own that names something."""
    sent = request(verb, mine.real, MINE)
    if f"{{{parameter}}}" in verb.row.path:
        sent["url"] = f"/v1{verb.row.path}".format(**{parameter: value})
        return sent
    if parameter in ONE_OF.get(verb.name, ()) and sent["url"] != f"/v1{verb.row.path}":
        sent["url"] = re.sub(r"\{\w+\}", UNNAMED, f"/v1{verb.row.path}")
    where = "json" if "json" in sent else "params"
    kept = {key: one for key, one in sent[where].items() if key not in ONE_OF.get(verb.name, ())}
    sent[where] = {**kept, parameter: value}
    return sent


@pytest.mark.parametrize(
    ("name", "parameter"), [(name, one) for name in ONE for one in parameters(BY_NAME[name]) if one in NAMED]
)
def test_what_others_have_is_told_like_what_nobody_has(shared: World, name: str, parameter: str) -> None:
    there, found = theirs_of(shared), []
    for things in (there, nobodys(there)):
        with visiting(shared, shared.tokens[MINE]) as visitor:
            before = dump(visitor.memory, *BESIDE)
            value = NAMED[parameter](things)
            [seen] = visitor.send(named(BY_NAME[name], shared.mine, parameter, value))
            assert dump(visitor.memory, *BESIDE) == before
            names = value if isinstance(value, list) else [value] if isinstance(value, str) else []
            found.append(seen.without(*names).settled())
    assert found[0] == found[1]
    assert found[0].status < 500


# -- what is theirs shows nowhere ----------------------------------------------------------------


def bare(verb: Verb, things: Things) -> dict[str, Any]:
    """The example of a verb without what may be left out."""
    sent = request(verb, things.real, MINE)
    optional = {name for name, default in parameters(verb).items() if default is None and name != "namespace"}
    if verb.name in ("add_episode", "forget", "retain"):  # they want one of what may each be left out
        optional -= {"reward", "session_id", "budget"}
    for kind in ("params", "json"):
        if kind in sent:
            sent[kind] = {name: value for name, value in sent[kind].items() if name not in optional}
    return sent


@pytest.mark.parametrize("name", BY_NAME)
def test_who_else_is_there_changes_nothing(shared: World, alone: World, name: str) -> None:
    verb, found = BY_NAME[name], []
    for world in (shared, alone):
        with visiting(world, world.tokens["acme/*" if name == "import" else MINE]) as visitor:
            seen = visitor.send(request(verb, world.mine.real, MINE))
        with visiting(world, world.tokens[MINE]) as visitor:
            seen += visitor.send(bare(verb, world.mine))
        assert [one.status for one in seen] == [verb.status] * 2, seen[0].body
        found.append([one.settled() for one in seen])
        assert not [word for one in seen for word in WORDS if word in one.body]
    assert found[0] == found[1]


def test_nothing_is_read_of_others_rows(shared: World) -> None:
    """The database's own check would go through all of them."""
    with visiting(shared, shared.tokens[MINE]) as visitor:
        [found] = visitor.send(request(BY_NAME["verify"], shared.mine.real, MINE))
    assert (found.status, found.body) == (200, '{"problems":[]}')
    assert not [one for one in found.statements if "integrity_check" in one]


METRICS = {"method": "GET", "url": "/metrics"}


@pytest.mark.parametrize("pattern", [None, *PATTERNS])
def test_metrics_which_count_what_others_do_take_a_key_to_all(shared: World, pattern: str | None) -> None:
    with visiting(shared, None if pattern is None else shared.tokens[pattern]) as visitor:
        [found] = visitor.send(METRICS)
    assert found.status == (401 if pattern is None else 403)
    assert "memsvc_requests" not in found.body


@pytest.mark.parametrize("allow", [one for one in PERMISSIONS if one != "metrics"])
def test_metrics_take_a_permission_of_their_own(shared: World, allow: Permission) -> None:
    with shared.visit() as memory:
        keys = Keys(memory.store.database)
        watcher, other = (keys.create(namespaces="*", allow=[one]).token for one in ("metrics", allow))
        seen = {}
        for token in (watcher, other):
            visitor = Visitor(memory, token)
            seen[token] = visitor.send(METRICS, request(BY_NAME["stats"], theirs_of(shared).real, THEIRS))
            visitor.close()
        keys.close()
    assert [one.status for one in seen[watcher]] == [200, 403]
    assert seen[other][0].status == 403


def test_metrics_name_nobody(shared: World) -> None:
    with shared.visit() as memory:
        keys = Keys(memory.store.database)
        visitor = Visitor(memory, keys.create(namespaces="*", allow=PERMISSIONS).token)
        visitor.send(*(request(BY_NAME[name], theirs_of(shared).real, THEIRS) for name in ONE))
        [found] = visitor.send(METRICS)
        visitor.close()
        keys.close()
    things = theirs_of(shared)
    assert "memsvc_requests" in found.body
    for word in (*WORDS, *BESIDE, things.memory, things.trace):
        assert word not in found.body.replace("acme_", "")


# -- keys ----------------------------------------------------------------------------------------


def test_keys_of_others_are_told_like_keys_that_nobody_has(shared: World) -> None:
    _, key_id, _ = shared.tokens["acme/*"].split("_", 2)
    found = []
    for told in (key_id, "0" * 16):
        with visiting(shared, f"msk_{told}_{'A' * 43}") as visitor:
            requests = [request(verb, shared.mine.real, MINE) for verb in ALL]
            found.append(visitor.send(*requests))
    assert found[0] == found[1]
    assert {one.status for one in found[0]} == {401}


# -- tools ---------------------------------------------------------------------------------------


def arguments(tool: Tool, things: Things, namespace: str) -> dict[str, Any]:
    """The example of a tool's verb, as its arguments."""
    sent = request(BY_NAME[tool.verb], things.real, namespace)
    path = {name: things.real(value) for name, value in BY_NAME[tool.verb].example.get("path", {}).items()}
    given = {**path, **sent["params"], **sent.get("json", {})}
    return {name: value for name, value in given.items() if name in tool.body.model_fields and name not in tool.hidden}


async def called(memory: Memory, client: Any, tool: Tool, given: dict[str, Any]) -> Seen:
    """What a caller of a tool sees; the status is 1 where it did not work."""
    found, statements = await recorded(memory, lambda: client.call_tool(tool.name, given))
    return Seen(int(found.is_error), (), f"{text(found)}\n{found.structured_content}", statements)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_tools_tell_of_namespaces_of_others_like_of_none(shared: World, pattern: str) -> None:
    there, absent = theirs_of(shared), nobodys(theirs_of(shared))

    async def talk(memory: Memory, url: str) -> None:
        async with over_http(url, shared.tokens[pattern]) as client:
            assert {one.name for one in (await client.list_tools()).tools} == set(TOOLS)
            for tool in TOOLS.values():
                for existing in PATTERNS[pattern]:
                    found = await called(memory, client, tool, arguments(tool, there, existing))
                    other = await called(memory, client, tool, arguments(tool, absent, ABSENT[existing]))
                    assert found.status == 1
                    assert found.without(repr(existing)) == other.without(repr(ABSENT[existing]))
                    assert len(found.statements) == 1, found.statements

    with visiting(shared, None) as visitor, served(visitor.memory, door=visitor.door) as running:
        before = dump(visitor.memory)
        asyncio.run(talk(visitor.memory, f"{running.client.base_url}{MCP}"))
        assert dump(visitor.memory) == before


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        (name, one)
        for name, tool in TOOLS.items()
        for one in tool.body.model_fields
        if one in NAMED.keys() - {*tool.hidden}
    ],
)
def test_tools_tell_of_what_others_have_like_of_what_nobody_has(shared: World, name: str, parameter: str) -> None:
    tool, there = TOOLS[name], theirs_of(shared)

    async def talk(memory: Memory, things: Things) -> Seen:
        given = arguments(tool, shared.mine, MINE)
        kept = {key: one for key, one in given.items() if key not in ONE_OF.get(tool.verb, ())}
        async with inside(local(memory, MINE, allow=PERMISSIONS)) as client:
            seen = await called(memory, client, tool, {**kept, parameter: NAMED[parameter](things)})
        return seen.without(things.memory, things.trace, things.session, things.key, things.speaker).settled()

    found = []
    for things in (there, nobodys(there)):
        with shared.visit() as memory:
            before = dump(memory, *BESIDE)
            found.append(asyncio.run(talk(memory, things)))
            assert dump(memory, *BESIDE) == before
    assert found[0] == found[1]


@pytest.mark.parametrize("name", TOOLS)
def test_tools_do_not_tell_who_else_is_there(shared: World, alone: World, name: str) -> None:
    async def talk(memory: Memory, world: World) -> Seen:
        async with inside(local(memory, MINE, allow=PERMISSIONS)) as client:
            return await called(memory, client, TOOLS[name], arguments(TOOLS[name], world.mine, MINE))

    found = []
    for world in (shared, alone):
        with world.visit() as memory:
            found.append(asyncio.run(talk(memory, world)))
    assert [one.status for one in found] == [0, 0], found[0].body
    assert not [word for word in WORDS if word in found[0].body]
    assert found[0].settled() == found[1].settled()


def test_the_statements_do_tell_a_look_up_from_none(shared: World) -> None:
    """Else the comparisons above would compare nothing."""
    with visiting(shared, shared.tokens[MINE]) as visitor:
        sent = request(BY_NAME["get"], shared.mine.real, MINE)
        found, absent = visitor.send(sent, {**sent, "url": f"/v1/memories/{'0' * 20}"})
    assert (found.status, absent.status) == (200, 404)
    assert replace(found, body="", headers=()) != replace(absent, body="", headers=())
    assert NOBODYS not in found.body
