"""Keys as rows, on SQLite and on PostgreSQL."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from memsvc_store import keys as module
from memsvc_store.errors import DatabaseUnreadable, NotFound
from memsvc_store.keys import Key, KeyTable
from memsvc_store.sql.database import Database

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DIGEST, OTHER = hashlib.sha256(b"one").digest(), hashlib.sha256(b"another").digest()
KEY = Key("0" * 16, "Zoë's bot", ("acme/*", "größe/ann"), ("read", "erase"), NOW, expires_at=NOW + timedelta(days=90))


@pytest.fixture
def database(target: str) -> Iterator[Database]:
    opened = Database(target)
    KeyTable(opened).add(KEY, DIGEST)
    yield opened
    opened.close()


def test_a_key_comes_back_as_it_was_made_also_after_a_restart(database: Database, target: str) -> None:
    assert KeyTable(database).matching(KEY.id, DIGEST) == KEY
    database.close()
    again = Database(target)
    assert KeyTable(again).all() == [KEY]
    assert KeyTable(again).matching(KEY.id, DIGEST) == KEY
    again.close()


def test_keys_are_listed_in_the_order_they_were_made(database: Database) -> None:
    table = KeyTable(database)
    older, newer = replace(KEY, id="f" * 16, created_at=NOW - MINUTE), replace(KEY, id="1" * 16, expires_at=None)
    table.add(newer, OTHER)
    table.add(older, OTHER)
    assert table.all() == [older, KEY, newer]


def test_a_revoked_key_keeps_its_first_time_and_says_so_in_other_connections(database: Database, target: str) -> None:
    other = Database(target)
    assert KeyTable(other).revoke(KEY.id, NOW + MINUTE).revoked_at == NOW + MINUTE
    found = KeyTable(database).matching(KEY.id, DIGEST)
    assert found is not None
    assert found.state(NOW) == "revoked"
    assert KeyTable(database).revoke(KEY.id, NOW + 5 * MINUTE).revoked_at == NOW + MINUTE
    other.close()


def test_only_keys_that_are_there_can_be_revoked(database: Database) -> None:
    with pytest.raises(NotFound, match="there is no key 'abc'"):
        KeyTable(database).revoke("abc", NOW)
    assert KeyTable(database).all() == [KEY]


def test_a_use_is_noted_once_a_minute_and_never_backwards(database: Database) -> None:
    table = KeyTable(database)
    for seconds, noted in [(0, 0), (59, 0), (60, 60), (30, 60), (119, 60), (120, 120)]:
        table.used(KEY.id, NOW + timedelta(seconds=seconds), every=MINUTE)
        assert table.all()[0].last_used_at == NOW + timedelta(seconds=noted), seconds


def test_an_unknown_id_costs_the_steps_of_a_wrong_secret(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[Any] = []

    def compared(kept: bytes, came: bytes) -> bool:
        steps.append((len(kept), len(came)))
        return hmac.compare_digest(kept, came)

    monkeypatch.setattr(module, "hmac", SimpleNamespace(compare_digest=compared))

    def asked(key_id: str, digest: bytes) -> list[Any]:
        steps.clear()
        assert KeyTable(database).matching(key_id, digest) is None
        return list(steps)

    with noted(database, steps):
        wrong, unknown = asked(KEY.id, OTHER), asked("9" * 16, OTHER)
    assert wrong == unknown
    assert len(wrong) == 2
    assert wrong[-1] == (32, 32)


@contextmanager
def noted(database: Database, steps: list[Any]) -> Iterator[None]:
    """Every statement, among the steps."""

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        steps.append(statement)

    sa.event.listen(database._engine, "before_cursor_execute", note)
    yield
    sa.event.remove(database._engine, "before_cursor_execute", note)


def test_nothing_of_a_key_opens_another(database: Database) -> None:
    table = KeyTable(database)
    table.add(replace(KEY, id="1" * 16), OTHER)
    assert table.matching(KEY.id, OTHER) is None
    assert table.matching("1" * 16, DIGEST) is None
    assert table.matching("1" * 16, OTHER) is not None


def test_a_damaged_row_is_named(database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.text("UPDATE keys SET namespaces = 'acme'"))
    with pytest.raises(DatabaseUnreadable, match=f"key '{KEY.id}' is damaged"):
        KeyTable(database).matching(KEY.id, DIGEST)


@pytest.mark.parametrize(
    ("changed", "at", "state"),
    [
        ({}, NOW, "active"),
        ({}, NOW + timedelta(days=90, microseconds=-1), "active"),
        ({}, NOW + timedelta(days=90), "expired"),
        ({"expires_at": None}, NOW + timedelta(days=36_500), "active"),
        ({"revoked_at": NOW}, NOW, "revoked"),
        ({"revoked_at": NOW}, NOW + timedelta(days=91), "revoked"),
    ],
)
def test_the_state_of_a_key(changed: dict[str, Any], at: datetime, state: str) -> None:
    assert replace(KEY, **changed).state(at) == state
