"""Keys of the service: made, shown once, recognised, taken back.

A token is `msk_<id>_<secret>`, 64 characters: 16 hex digits, and 256 random bits as base64url. Only its SHA-256 is
kept. That needs neither salt nor stretching: both slow down guessing, and nobody guesses 256 bits.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from memsvc.checks import MAX_NAME_CHARS, checked_count, checked_patterns
from memsvc.errors import InvalidInput, Unauthorized
from memsvc.work.background import Background
from memsvc_store.errors import shown
from memsvc_store.keys import PERMISSIONS, Key, KeyTable, Permission
from memsvc_store.values import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from memsvc_store.sql.database import Database

USED_EVERY = timedelta(minutes=1)
"""How exactly the last use is known: a look-up becomes no write for it, but once a minute and key."""

_ID = re.compile(r"[0-9a-f]{16}")
_TOKEN = re.compile(rf"msk_({_ID.pattern})_[A-Za-z0-9_-]{{43}}")
_LIFETIME = re.compile(r"([1-9][0-9]{0,3})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as it is made: the only time that its token is seen."""

    key: Key
    token: str


class Keys:
    """The keys of one database. Safe to share between threads."""

    def __init__(self, database: Database, now: Callable[[], datetime] = clock.now) -> None:
        self._table, self._now = KeyTable(database), now
        self._uses = Background("last use", self._note_use)

    def create(
        self,
        *,
        namespaces: str | Iterable[str],
        allow: Iterable[str],
        name: str = "",
        lifetime: timedelta | None = None,
        tokens_per_day: int | None = None,
    ) -> NewKey:
        """Make a key.

        Args:
            namespaces: patterns: a namespace, `prefix/*` for all below a prefix (not itself), or `*` for all.
            allow: of `PERMISSIONS`; none implies another.
            name: for the list of keys, such as whose it is.
            lifetime: how long it holds; None: until it is revoked.
            tokens_per_day: how many tokens language models may take for it in a day (UTC); None: no bound of its own.

        Raises:
            InvalidNamespace: a pattern of another form.
            InvalidInput: nothing is allowed, or something else is; a name that does not print; no tokens.
        """
        if tokens_per_day is not None:
            checked_count("tokens_per_day", tokens_per_day, least=1)
        created, key_id = self._now(), secrets.token_hex(8)
        token = f"msk_{key_id}_{secrets.token_urlsafe(32)}"
        key = Key(
            key_id, _checked_name(name), checked_patterns(namespaces), checked_permissions(allow), created,
            expires_at=None if lifetime is None else created + lifetime, tokens_per_day=tokens_per_day,
        )  # fmt: skip
        self._table.add(key, _digest(token))
        return NewKey(key, token)

    def all(self) -> list[Key]:
        """Every key that was ever made, the oldest first."""
        return self._table.all()

    def revoke(self, key_id: str) -> Key:
        """Take a key back: from now on it opens nothing, in any process.

        Raises:
            NotFound: no such key.
            InvalidInput: not an id.
        """
        if not _ID.fullmatch(key_id):
            raise InvalidInput(
                f"{shown(key_id)} is no id of a key; give 16 hex digits, as `memsvc keys list` shows them"
            )
        return self._table.revoke(key_id, self._now())

    def authenticate(self, token: str) -> Key:
        """The key whose token this is, as it stands in the database now; its use is noted in the background.

        Why a key no longer holds is told only to who has its secret.

        Raises:
            Unauthorized: not a token, unknown, a wrong secret, expired or revoked.
        """
        form = _TOKEN.fullmatch(token)
        if form is None:
            raise Unauthorized(
                "what came as a key is none; send msk_<id>_<secret> as `memsvc keys create` printed it, 64 characters"
            )
        key = self._table.matching(form[1], _digest(token))
        if key is None:
            raise Unauthorized("no key fits what came; check it, or have one made with `memsvc keys create`")
        now = self._now()
        if (state := key.state(now)) != "active":
            since = key.revoked_at if state == "revoked" else key.expires_at
            assert since is not None
            raise Unauthorized(
                f"key {key.id} {'was revoked' if state == 'revoked' else 'expired'} at {since:%Y-%m-%d %H:%M} UTC; "
                "have one made with `memsvc keys create`"
            )
        if key.last_used_at is None or now - key.last_used_at >= USED_EVERY:
            self._uses.wake(key.id)
        return key

    def close(self) -> None:
        """Stop noting uses. Nothing else is lost without it."""
        self._uses.close()

    def _note_use(self, key_id: str) -> None:
        self._table.used(key_id, self._now(), every=USED_EVERY)


def checked_permissions(names: Iterable[str]) -> tuple[Permission, ...]:
    """The permissions of a key, in the order of `PERMISSIONS`.

    Raises:
        InvalidInput: none, or an unknown one.
    """
    wanted = set(names)
    if not wanted or not wanted <= set(PERMISSIONS):
        came = ", ".join(sorted(wanted - set(PERMISSIONS))) or "nothing"
        raise InvalidInput(f"{shown(came)} came as what a key allows; give one or more of {', '.join(PERMISSIONS)}")
    return tuple(one for one in PERMISSIONS if one in wanted)


def parse_lifetime(text: str) -> timedelta:
    """How long a key holds: a number of hours, days or weeks, as in `12h`, `90d`, `4w`.

    Raises:
        InvalidInput: anything else.
    """
    form = _LIFETIME.fullmatch(text.strip().lower())
    if form is None:
        raise InvalidInput(f"{shown(text)} is no time for a key to hold; give hours, days or weeks, as in 12h, 90d, 4w")
    return timedelta(**{_UNITS[form[2]]: int(form[1])})


def _checked_name(name: str) -> str:
    if len(name) > MAX_NAME_CHARS or not name.isprintable():
        raise InvalidInput(f"the name of a key came as {shown(name)}; give at most {MAX_NAME_CHARS} that print")
    return name


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
