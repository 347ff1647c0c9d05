"""The one check: who comes in, what they may do, and that a namespace of others is like one that is not there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from memsvc import Memory
from memsvc.errors import Forbidden, InvalidNamespace, NotFound, RateLimited, SettingsError, Unauthorized
from memsvc.service.access import ANYBODY, Access, Doorkeeper, build_door, open_door
from memsvc.service.keys import Keys
from memsvc.service.limits import RateLimiter
from memsvc.testing import HashEmbedder
from memsvc_store.keys import PERMISSIONS, Permission

ACME = Access(("acme/*", "shared"), ("read", "write"), "0" * 16)


@pytest.fixture
def memory() -> Iterator[Memory]:
    with Memory.open(":memory:", embedder=HashEmbedder()) as opened:
        opened.add("hello", namespace="other/ann")
        yield opened


@pytest.fixture
def keys(memory: Memory) -> Iterator[Keys]:
    made = Keys(memory.store.database)
    yield made
    made.close()


def request(authorization: str | None = None) -> Request:
    headers = [] if authorization is None else [(b"authorization", authorization.encode())]
    return Request({"type": "http", "headers": headers})


def entered(door: Any, *headers: str | None) -> list[Any]:
    """What came of each request: an access, or an error."""

    async def all_of_them() -> list[Any]:
        return [(await asyncio.gather(door(request(one)), return_exceptions=True))[0] for one in headers]

    return asyncio.run(all_of_them())


# -- the check -----------------------------------------------------------------------------------


def test_what_a_key_allows_in_its_own_namespaces() -> None:
    for namespace in ("acme/ann", "acme/a/b", "shared"):
        ACME.require("read", namespace)
        ACME.require("write", namespace)
        for permission in ("erase", "admin"):
            with pytest.raises(Forbidden, match=f"takes the permission '{permission}', and the key allows read, write"):
                ACME.require(permission, namespace)  # type: ignore[arg-type]


@pytest.mark.parametrize("permission", PERMISSIONS)
@pytest.mark.parametrize("namespace", ["other/ann", "nobody", "acme", "Acme/ann", "acmex/ann", "shared/ann"])
def test_of_another_namespace_a_key_is_told_which_are_its_own(permission: Permission, namespace: str) -> None:
    with pytest.raises(NotFound) as told:
        ACME.require(permission, namespace)
    assert str(told.value) == f"namespace {namespace!r} is not among this key's: acme/*, shared; name one of these"


@pytest.mark.parametrize(
    ("given", "theirs"),
    [
        ("acme/*", ["acme/*"]),
        ("acme/a/*", ["acme/a/*"]),
        (["acme/ann", "shared"], ["acme/ann", "shared"]),
        ("*", ["acme/*", "shared"]),
        ("acme/ann", ["acme/ann"]),
    ],
)
def test_of_several_namespaces_a_key_gets_its_own(given: Any, theirs: list[str]) -> None:
    assert ACME.within("read", {"query": "x", "namespaces": given}) == {"query": "x", "namespaces": theirs}
    with pytest.raises(Forbidden, match="takes the permission 'erase'"):
        ACME.within("erase", {"namespaces": given})


@pytest.mark.parametrize("pattern", ["other/ann", "other/*", "nobody", "shared/*", "acme", "acmex/*"])
def test_a_pattern_of_others_is_told_as_their_name_is(pattern: str) -> None:
    for several in (pattern, ["acme/ann", pattern]):
        with pytest.raises(NotFound) as told:
            ACME.within("read", {"namespaces": several})
        assert str(told.value) == f"namespace {pattern!r} is not among this key's: acme/*, shared; name one of these"
    with pytest.raises(NotFound):
        ACME.within("read", {"namespaces": "acme/ann", "namespace": "other/ann"})


@pytest.mark.parametrize("access", [ACME, ANYBODY])
@pytest.mark.parametrize("name", ["", "acme//ann", "acme/../other", "acme/", "/acme", " acme", "acme/\x00", "x" * 256])
def test_what_is_no_namespace_is_told_so_to_everybody(access: Access, name: str) -> None:
    with pytest.raises(InvalidNamespace):
        access.require("read", name)


def test_all_namespaces_take_a_key_to_all() -> None:
    with pytest.raises(Forbidden, match=r"bound to acme/\*, shared; name one"):
        ACME.require("read", None)
    Access(("acme/*", "*"), ("read",)).require("read", None)
    with pytest.raises(Forbidden, match="permission"):
        Access(("*",), ("read",)).require("admin", None)


def test_only_the_own_namespaces_are_seen() -> None:
    names = ["acme", "acme/ann", "acmex/ann", "other", "shared"]
    assert [name for name in names if ACME.sees(name)] == ["acme/ann", "shared"]
    assert [name for name in names if ANYBODY.sees(name)] == names


@given(
    st.lists(st.sampled_from(["a", "a/*", "b", "b/c", "b/*", "*"]), min_size=1, unique=True),
    st.sets(st.sampled_from(PERMISSIONS), min_size=1),
    st.sampled_from(PERMISSIONS),
    st.sampled_from(["a", "a/x", "ab", "b", "b/c", "b/c/d", "c"]),
)
def test_permission_and_namespace_are_both_needed(
    patterns: list[str], allow: set[Permission], permission: Permission, namespace: str
) -> None:
    access = Access(tuple(patterns), tuple(allow))
    try:
        access.require(permission, namespace)
        told = None
    except (NotFound, Forbidden) as error:
        told = type(error)
    seen = access.sees(namespace)
    assert told == (NotFound if not seen else None if permission in allow else Forbidden)


# -- the door ------------------------------------------------------------------------------------


def test_a_key_comes_in_and_the_request_says_which(keys: Keys) -> None:
    made = keys.create(namespaces=["acme/*"], allow=["read"])
    came = request(f"bearer  {made.token} ")
    access = asyncio.run(Doorkeeper(keys, RateLimiter())(came))
    assert access == Access(("acme/*",), ("read",), made.key.id)
    assert came.scope["memsvc.key_id"] == made.key.id


def test_who_has_no_key_stays_out(keys: Keys) -> None:
    token = keys.create(namespaces=["*"], allow=["read"]).token
    headers = [
        None,
        "",
        "Bearer",
        "Bearer ",
        token,
        f"Basic {token}",
        f"Bearer {token[:-1]}",
        f"Bearer {token} {token}",
    ]
    assert {type(one) for one in entered(Doorkeeper(keys, RateLimiter()), *headers)} == {Unauthorized}


def test_a_key_that_is_revoked_stays_out_from_the_next_request_on(keys: Keys) -> None:
    made, door = keys.create(namespaces=["*"], allow=["read"]), Doorkeeper(keys, RateLimiter())
    [before] = entered(door, f"Bearer {made.token}")
    keys.revoke(made.key.id)
    [after] = entered(door, f"Bearer {made.token}")
    assert isinstance(before, Access)
    assert isinstance(after, Unauthorized)


def test_one_key_that_asks_too_much_takes_nothing_from_another(keys: Keys) -> None:
    door = Doorkeeper(keys, RateLimiter(rate=1, burst=2, clock=lambda: 0.0))
    one, other = (f"Bearer {keys.create(namespaces=['*'], allow=['read']).token}" for _ in range(2))
    came = entered(door, one, one, one, other, f"{one[:-4]}AAAA")
    assert [type(answer) for answer in came] == [Access, Access, RateLimited, Access, Unauthorized]
    assert came[2].retry_after == 1


def test_the_open_door_lets_everybody_do_everything(memory: Memory) -> None:
    door = build_door(memory, no_auth=True)
    assert door is open_door
    [access] = entered(door, None)
    for permission in PERMISSIONS:
        access.require(permission, "other/ann")
        access.require(permission, None)


def test_a_door_that_nobody_could_open_is_not_built(memory: Memory, keys: Keys) -> None:
    with pytest.raises(SettingsError, match=r"`memsvc keys create .* --db .+`"):
        build_door(memory, no_auth=False)
    token = keys.create(namespaces=["*"], allow=["read"]).token
    door = build_door(memory, no_auth=False)
    assert isinstance(door, Doorkeeper)
    [access] = entered(door, f"Bearer {token}")
    assert access.namespaces == ("*",)
    door.close()
