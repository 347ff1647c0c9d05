"""Keys of the service as rows: who may do what in which namespaces. Of a token only its hash is kept."""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from memsvc_store.errors import NotFound, shown
from memsvc_store.sql import schema
from memsvc_store.sql.rows import readable
from memsvc_store.values.clock import from_instant, from_micros, to_micros

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy.engine import Connection, Row

    from memsvc_store.sql.database import Database

Permission = Literal["read", "write", "erase", "admin", "metrics"]
PERMISSIONS: tuple[Permission, ...] = ("read", "write", "erase", "admin", "metrics")
KeyState = Literal["active", "expired", "revoked"]

_key = schema.keys
_ALWAYS = sa.select(sa.literal(1).label("one")).subquery()
_ONE = sa.select(_key).select_from(_ALWAYS.outerjoin(_key, _key.c.id == sa.bindparam("wanted")))
"""Gives one row, of nothing but nulls where there is no such key: reading a row takes 5 of the 85 us that it takes to
refuse a token, and would tell who guesses ids which there are."""
_NOBODYS = secrets.token_bytes(32)
"""Compared with where there is no such key."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the service, without its secret.

    `namespaces` are patterns (`patterns.py`).
    `allow` is in the order of `PERMISSIONS`, and none implies another. Without `expires_at` it holds until revoked.
    `tokens_per_day` is how many tokens language models may take for it in a day (UTC); None: no bound of its own.
    """

    id: str
    name: str
    namespaces: tuple[str, ...]
    allow: tuple[Permission, ...]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    tokens_per_day: int | None = None

    def state(self, now: datetime) -> KeyState:
        """Whether it opens anything at this moment; one that was revoked and has expired was revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


class KeyTable:
    """The keys of one database. Safe to share between threads and processes; nothing is held in memory."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, key: Key, digest: bytes) -> None:
        """Store a new key with the SHA-256 of its token."""
        row = {
            "id": key.id, "name": key.name, "digest": digest,
            "namespaces": json.dumps(key.namespaces, ensure_ascii=False), "allow": json.dumps(key.allow),
            "created_at": to_micros(key.created_at), "expires_at": to_micros(key.expires_at),
            "tokens_per_day": key.tokens_per_day,
        }  # fmt: skip
        with self._database.write() as connection:
            connection.execute(sa.insert(_key), row)

    def matching(self, key_id: str, digest: bytes) -> Key | None:
        """The key of this id, if the digest is its token's; expired and revoked ones too.

        It costs the same whether the id is unknown or the digest another: one row is looked for, one digest compared.
        """
        with self._database.read() as connection:
            row = _find(connection, key_id)
        return _to_key(row) if hmac.compare_digest(row.digest or _NOBODYS, digest) else None

    def all(self) -> list[Key]:
        """Every key that was ever made, the oldest first."""
        with self._database.read() as connection:
            return [_to_key(row) for row in connection.execute(sa.select(_key).order_by(_key.c.created_at, _key.c.id))]

    def revoke(self, key_id: str, at: datetime) -> Key:
        """Take a key back, for every process at once; one that was revoked before keeps the time of that.

        Raises:
            NotFound: no such key.
        """
        first = (_key.c.id == key_id) & _key.c.revoked_at.is_(None)
        with self._database.write() as connection:
            connection.execute(sa.update(_key).where(first).values(revoked_at=to_micros(at)))
            row = _find(connection, key_id)
        if row.id is None:
            raise NotFound(f"there is no key {shown(key_id)}; `memsvc keys list` gives the ids there are")
        return _to_key(row)

    def used(self, key_id: str, at: datetime, *, every: timedelta) -> None:
        """Note that a key was used, unless that was noted less than `every` ago, by whichever process."""
        due = _key.c.last_used_at.is_(None) | (_key.c.last_used_at <= to_micros(at - every))
        with self._database.write() as connection:
            connection.execute(sa.update(_key).where((_key.c.id == key_id) & due).values(last_used_at=to_micros(at)))


def _find(connection: Connection, key_id: str) -> Row[Any]:
    return connection.execute(_ONE, {"wanted": key_id}).one()


def _to_key(row: Row[Any]) -> Key:
    with readable("key", row.id):
        return Key(
            row.id, row.name, tuple(json.loads(row.namespaces)), tuple(json.loads(row.allow)),
            from_instant(row.created_at), from_micros(row.expires_at), from_micros(row.last_used_at),
            from_micros(row.revoked_at), row.tokens_per_day,
        )  # fmt: skip
