"""Keys: patterns, tokens, and that one opens nothing once it was revoked or has expired."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from memsvc.checks import checked_namespace, checked_patterns
from memsvc.errors import InvalidInput, InvalidNamespace, NotFound, Unauthorized
from memsvc.service.keys import Keys, parse_lifetime
from memsvc_store.sql.database import Database
from memsvc_store.values.patterns import covers
from tests.memsvc.conftest import START
from tests.store.conftest import postgres_uri, postgres_url, target

__all__ = ["postgres_uri", "postgres_url", "target"]

COMPOSED, DECOMPOSED = "é", "e\u0301"


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def database(target: str) -> Iterator[Database]:
    opened = Database(target)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(database: Database, clock: Clock) -> Iterator[Keys]:
    made = Keys(database, clock)
    yield made
    made.close()


# -- patterns ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("acme", ["acme"], ["acme/a", "acmex", "Acme", "acm", "ACME", "acme "]),
        ("acme/*", ["acme/a", "acme/a/b", "acme/*", "acme/A"], ["acme", "acmex/a", "acmex", "Acme/a", "x/acme/a"]),
        ("acme/a/*", ["acme/a/b"], ["acme/a", "acme/b/a", "acme/ab/c"]),
        ("*", ["acme", "acme/a", "*", "*/a", COMPOSED], []),
        (f"{COMPOSED}/*", [f"{COMPOSED}/a"], [f"{DECOMPOSED}/a", "e/a"]),
        ("straße/*", ["straße/a"], ["strasse/a", "STRASSE/a"]),
        ("acme-/*", ["acme-/a"], ["acme/a", "acme‐/a"]),
    ],
)
def test_what_a_pattern_covers(pattern: str, inside: list[str], outside: list[str]) -> None:
    assert checked_patterns([pattern]) == (pattern,)
    assert all(covers(pattern, name) for name in inside)
    assert not any(covers(pattern, name) for name in outside)


@pytest.mark.parametrize(
    "pattern",
    ["", "/", "/*", "acme/", "acme//*", "acme/**", "acme*", "*/acme", "ac*me/*", "a/*/b", "**", "./*", "../*",
     "acme/../*", "acme /*", " acme", "ac\nme", "ac\0me", "a\u200bb", "\ud800", "x" * 256],
)  # fmt: skip
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(InvalidNamespace):
        checked_patterns([pattern])


def test_a_key_has_patterns_each_once_and_one_alone_needs_no_list() -> None:
    assert checked_patterns(["b/*", "a", "b/*"]) == ("b/*", "a")
    assert checked_patterns("ab") == ("ab",)
    with pytest.raises(InvalidNamespace, match="namespaces came as"):
        checked_patterns([])


_PARTS = st.sampled_from(["acme", "acmex", "Acme", "ac", "a", "...", COMPOSED, DECOMPOSED]) | st.text(
    min_size=1, max_size=3
)
_NAMES = st.lists(_PARTS.filter(lambda part: "/" not in part), min_size=1, max_size=4).map("/".join).filter(
    lambda name: _valid(name) and "*" not in name
)  # fmt: skip


def _valid(name: str) -> bool:
    try:
        return checked_namespace(name) == name
    except InvalidNamespace:
        return False


@given(_NAMES, _NAMES)
def test_a_prefix_covers_what_begins_with_all_its_parts_and_has_more(prefix: str, name: str) -> None:
    head, parts = prefix.split("/"), name.split("/")
    assert covers(f"{prefix}/*", name) == (parts[: len(head)] == head and len(parts) > len(head))
    assert covers(f"{prefix}/*", f"{prefix}/{name}")
    assert covers(prefix, name) == (prefix == name)


@given(_NAMES, _NAMES, _NAMES)
def test_a_key_of_one_tenant_never_covers_another(one: str, other: str, rest: str) -> None:
    assume(one.split("/")[0] != other.split("/")[0])
    for pattern in (one, f"{one}/*"):
        assert not covers(pattern, other)
        assert not covers(pattern, f"{other}/{rest}")
        assert not covers(pattern, f"{other}/{one}")


# -- making --------------------------------------------------------------------------------------


def test_a_token_opens_what_the_key_says(keys: Keys) -> None:
    made = keys.create(namespaces=["acme/*"], allow=["erase", "read"], name="bot", lifetime=timedelta(days=90))
    assert len(made.token) == 64
    assert made.token.startswith(f"msk_{made.key.id}_")
    assert made.key.allow == ("read", "erase")
    assert made.key.expires_at == START + timedelta(days=90)
    assert keys.authenticate(made.token) == made.key
    assert keys.create(namespaces="acme/*", allow=["read"]).token != made.token


def test_the_database_holds_no_secret(target: str, database: Database, keys: Keys) -> None:
    secret = keys.create(namespaces=["*"], allow=["read"]).token[-43:]
    with database.read() as connection:
        row = connection.exec_driver_sql("SELECT * FROM keys").one()
    assert not any(secret in str(value) or value == secret.encode() for value in row)


@pytest.mark.parametrize(
    "wanted", [{"allow": []}, {"allow": ["read", "delete"]}, {"allow": [""]}, {"name": "a\nb"}, {"name": "x" * 256}]
)
def test_what_no_key_is_made_of(keys: Keys, wanted: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        keys.create(**{"namespaces": ["a"], "allow": ["read"], **wanted})
    assert keys.all() == []


@pytest.mark.parametrize(("text", "days"), [("90d", 90), ("36h", 1.5), ("4w", 28), (" 1D ", 1), ("9999w", 69_993)])
def test_lifetimes(text: str, days: float) -> None:
    assert parse_lifetime(text) == timedelta(days=days)


@pytest.mark.parametrize("text", ["", "90", "d", "0d", "-1d", "1.5d", "90 d", "1y", "10000d", "٣d", "2026-03-02"])
def test_what_is_no_lifetime(text: str) -> None:
    with pytest.raises(InvalidInput, match="as in 12h, 90d, 4w"):
        parse_lifetime(text)


# -- opening -------------------------------------------------------------------------------------


def test_an_unknown_id_and_a_wrong_secret_are_told_alike(keys: Keys) -> None:
    token = keys.create(namespaces=["a"], allow=["read"]).token
    wrong, unknown = f"{token[:-8]}AAAAAAAA", f"msk_{'0' * 16}_{token[-43:]}"
    told = set()
    for bad in (wrong, unknown):
        with pytest.raises(Unauthorized) as caught:
            keys.authenticate(bad)
        told.add(str(caught.value))
    assert len(told) == 1


@pytest.mark.parametrize(
    "change",
    [
        str.upper, lambda token: token[:-1], lambda token: f"{token}A", lambda token: f"{token}\n", lambda token: "",
        lambda token: token.replace("msk_", "sk_"), lambda token: token[4:], lambda token: f"{token[:-1]}é",
    ],
)  # fmt: skip
def test_what_is_no_token_is_told_so_and_never_repeated(keys: Keys, change: Any) -> None:
    token = keys.create(namespaces=["a"], allow=["read"]).token
    with pytest.raises(Unauthorized, match="what came as a key is none") as caught:
        keys.authenticate(change(token))
    assert token[-42:-1].lower() not in str(caught.value).lower()


def test_a_key_expires_to_the_moment_and_only_its_holder_hears_it(keys: Keys, clock: Clock) -> None:
    made = keys.create(namespaces=["a"], allow=["read"], lifetime=timedelta(hours=1))
    clock.now = START + timedelta(hours=1, microseconds=-1)
    assert keys.authenticate(made.token).id == made.key.id
    clock.now = START + timedelta(hours=1)
    with pytest.raises(Unauthorized, match="expired at 2026-03-02 10:00 UTC"):
        keys.authenticate(made.token)
    with pytest.raises(Unauthorized, match="no key fits"):
        keys.authenticate(f"{made.token[:-8]}AAAAAAAA")


def test_a_key_that_another_process_revokes_opens_nothing_from_then_on(target: str, keys: Keys) -> None:
    made = keys.create(namespaces=["a"], allow=["read"])
    assert keys.authenticate(made.token)
    revoking = f"""
from memsvc.service.keys import Keys
from memsvc_store.sql.database import Database
from memsvc_store.values.patterns import covers
Keys(Database({target!r})).revoke({made.key.id!r})
"""
    subprocess.run([sys.executable, "-c", revoking], check=True)
    with pytest.raises(Unauthorized, match=f"key {made.key.id} was revoked at"):
        keys.authenticate(made.token)


def test_only_an_id_is_revoked(keys: Keys) -> None:
    made = keys.create(namespaces=["a"], allow=["read"])
    with pytest.raises(InvalidInput, match="is no id of a key"):
        keys.revoke("\ud800")
    with pytest.raises(InvalidInput, match="is no id of a key"):
        keys.revoke(made.key.id.upper() + "0")
    with pytest.raises(NotFound, match="there is no key"):
        keys.revoke("0" * 16)
    assert keys.authenticate(made.token).id == made.key.id


# -- the last use --------------------------------------------------------------------------------


def test_the_last_use_is_written_once_a_minute(keys: Keys, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    made, noted, write = keys.create(namespaces=["a"], allow=["read"]), Event(), keys._table.used
    writes = 0

    def used(*args: Any, **options: Any) -> None:
        nonlocal writes
        write(*args, **options)
        writes += 1
        noted.set()

    monkeypatch.setattr(keys._table, "used", used)
    for minutes in (0, 1, 2):
        clock.now = START + timedelta(minutes=minutes)
        noted.clear()
        keys.authenticate(made.token)
        assert noted.wait(20)
        clock.now += timedelta(seconds=59)
        for _ in range(20):
            assert keys.authenticate(made.token).last_used_at == START + timedelta(minutes=minutes)
    keys.close()
    assert writes == 3


def test_a_look_up_waits_for_no_writer(database: Database, keys: Keys) -> None:
    made = keys.create(namespaces=["a"], allow=["read"])
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE keys SET name = 'held'")
        assert keys.authenticate(made.token) == made.key
