"""keys create, list, revoke."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from memsvc.errors import Unauthorized
from memsvc.service.keys import Keys
from memsvc_store.sql.database import Database
from tests.cli.conftest import Shell


def opened(shell: Shell, token: str) -> tuple[str, ...]:
    """What a token allows, once its use is written down."""
    database = Database(str(shell.db))
    keys = Keys(database)
    try:
        key = keys.authenticate(token)
        keys._note_use(key.id)
        return key.allow
    finally:
        keys.close()
        database.close()


def test_the_token_is_the_whole_of_stdout_and_opens(shell: Shell) -> None:
    ran = shell("keys", "create", "-n", "acme/*", "--namespace", "shared", "--allow", "erase, read", "--expires", "90d")
    token = ran.out.strip()
    assert ran.out == f"{token}\n"
    assert "it is not shown again" in ran.err
    assert opened(shell, token) == ("read", "erase")
    [key] = shell("keys", "list", "--json").document["keys"]
    assert key["namespaces"] == ["acme/*", "shared"]
    assert key["state"] == "active"
    assert datetime.fromisoformat(key["expires_at"]) - datetime.fromisoformat(key["created_at"]) == timedelta(days=90)
    assert token[-43:] not in shell("keys", "list", "--json").out


def test_the_list_shows_last_use_expiry_and_state(shell: Shell) -> None:
    first = shell("keys", "create", "-n", "acme/*", "--name", "bot", "--expires", "1h", "--json").document
    second = shell("keys", "create", "-n", "*", "--json").document
    assert second["key"]["allow"] == ["read", "write"]
    before = datetime.now(UTC).replace(second=0, microsecond=0, tzinfo=None)
    opened(shell, first["token"])
    shell("keys", "revoke", second["key"]["id"])
    header, one, other = [line.split("\t") for line in shell("keys", "list").out.splitlines()]
    assert header == ["id", "name", "state", "namespaces", "allow", "expires", "last used"]
    assert one[:5] == [first["key"]["id"], "bot", "active", "acme/*", "read write"]
    assert datetime.fromisoformat(one[5]) > before
    assert datetime.fromisoformat(one[6]) >= before
    assert other == [second["key"]["id"], "", "revoked", "*", "read write", "never", "never"]


def test_a_revoked_key_opens_nothing(shell: Shell) -> None:
    made = shell("keys", "create", "-n", "a", "--json").document
    assert shell("keys", "revoke", made["key"]["id"]).out == f"{made['key']['id']} revoked\n"
    with pytest.raises(Unauthorized, match="was revoked"):
        opened(shell, made["token"])
    assert shell("keys", "revoke", made["key"]["id"], "--json").document["key"]["state"] == "revoked"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["-n", "ac*"], "has a '*' in another place than its end"),
        (["-n", "a//b"], "namespace came as 'a//b'"),
        (["-n", "a", "--allow", "read,delete"], "'delete' came as what a key allows; give one or more of read"),
        (["-n", "a", "--allow", ""], "came as what a key allows"),
        (["-n", "a", "--expires", "soon"], "as in 12h, 90d, 4w"),
    ],
)
def test_what_no_key_is_made_of(shell: Shell, args: list[str], said: str) -> None:
    assert said in shell("keys", "create", *args).error


def test_mistakes_are_told(shell: Shell) -> None:
    assert "there is no database" in shell("keys", "list").error
    assert shell("keys", "create").code == 2
    shell("add", "hello")
    assert f"`memsvc keys create --namespace NAME --db {shell.db}` makes one" in shell("keys", "list").err
    assert "is no id of a key" in shell("keys", "revoke", "bot").error
    assert "there is no key '0000000000000000'" in shell("keys", "revoke", "0" * 16).error


def test_80_columns_hold_the_list(shell: Shell, terminal: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    every = "read,write,erase,admin,metrics"
    made = shell("keys", "create", "-n", "acme/*", "--name", "bot", "--expires", "9d", "--allow", every, "--json")
    header, _, *rows = [line.rstrip() for line in shell("keys", "list").out.splitlines()]
    assert header.split() == ["name", "state", "namespaces", "expires", "last", "used"]
    expires = datetime.fromisoformat(made.document["key"]["expires_at"]).strftime("%Y-%m-%d %H:%M")
    assert rows[0].split() == ["bot", "active", "acme/*", *expires.split(), "never"]
    assert rows[1].split()[0] == made.document["key"]["id"]
    assert len([row for row in rows if row]) <= 3


def test_on_a_terminal_the_token_stays_one_line(shell: Shell, terminal: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    [token] = shell("keys", "create", "-n", "a").out.splitlines()
    assert opened(shell, token) == ("read", "write")


def test_a_key_gets_so_many_tokens_a_day(shell: Shell) -> None:
    made = shell("keys", "create", "-n", "a", "--tokens-per-day", "200000", "--json").document
    assert made["key"]["tokens_per_day"] == 200_000
    shell("keys", "create", "-n", "b")
    header, one, other = [line.split("\t") for line in shell("keys", "list").out.splitlines()]
    assert (header[-1], one[-1], other[-1]) == ("tokens a day", "200,000", "")
    assert shell("keys", "create", "-n", "a", "--tokens-per-day", "0").code == 2
