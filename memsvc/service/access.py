"""Who may do what: the door that tells who asks, and the one check that every route and every tool makes.

Whoever asks about a namespace that is not theirs hears that, and which are, before the database is looked at: neither
the words nor the time tell whether it exists.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter, to_thread

from memsvc.checks import checked_namespace, checked_patterns
from memsvc.errors import Forbidden, NotFound, SettingsError, Unauthorized
from memsvc.service.keys import Keys
from memsvc.service.limits import RateLimiter
from memsvc_store.keys import PERMISSIONS
from memsvc_store.values.patterns import EVERYTHING, common, covers

if TYPE_CHECKING:
    from starlette.requests import Request

    from memsvc import Memory
    from memsvc.service.door import Door
    from memsvc_store.keys import Key, Permission

THREADS = 8
"""Look-ups of keys at once, each a row by its primary key. They have threads of their own: who only wants to be told
that a key is wrong waits for no search, and no search for them."""


@dataclass(frozen=True, slots=True)
class Access:
    """What somebody may do: the holder of a key, or anybody where the door is open. Implements `door.Access`."""

    namespaces: tuple[str, ...]
    allow: tuple[Permission, ...]
    key_id: str | None = None
    tokens_per_day: int | None = None

    @classmethod
    def of(cls, key: Key) -> Access:
        """What the holder of a key may do."""
        return cls(key.namespaces, key.allow, key.id, key.tokens_per_day)

    def require(self, permission: Permission, namespace: str | None) -> None:
        """Nothing, if this is allowed there; None stands for all namespaces.

        Raises:
            InvalidNamespace: no namespace could have this name.
            NotFound: not one of theirs, whether it exists or not.
            Forbidden: one of theirs, and this is not allowed to them; or all, and not all are theirs.
        """
        if namespace is None:
            if EVERYTHING not in self.namespaces:
                raise Forbidden(
                    f"this is about all namespaces, and the key is bound to {', '.join(self.namespaces)}; name one"
                )
        elif not self.sees(checked_namespace(namespace)):
            raise NotFound(self._not_theirs(namespace))
        self.permit(permission)

    def within(self, permission: Permission, given: dict[str, Any]) -> dict[str, Any]:
        """What a call is given, if it is allowed in each namespace; patterns of several are narrowed to what is theirs.

        Raises:
            InvalidNamespace, NotFound, Forbidden: as `require`, of a pattern too that covers nothing of theirs.
        """
        several = given.get("namespaces")
        if several is None or given.get("namespace") is not None:
            self.require(permission, given.get("namespace"))
        if several is None:
            return given
        theirs: list[str] = []
        for pattern in checked_patterns(several):
            shared = [one for own in self.namespaces if (one := common(pattern, own)) is not None]
            if not shared:
                raise NotFound(self._not_theirs(pattern))
            theirs += shared
        self.permit(permission)
        return {**given, "namespaces": theirs}

    def permit(self, permission: Permission) -> None:
        """Nothing, if they may do this in the namespaces that are theirs.

        Raises:
            Forbidden: they may not.
        """
        if permission not in self.allow:
            raise Forbidden(self._not_allowed(permission))

    def sees(self, namespace: str) -> bool:
        """Whether the namespace is one of theirs."""
        return any(covers(pattern, namespace) for pattern in self.namespaces)

    def _not_theirs(self, namespace: str) -> str:
        return f"namespace {namespace!r} is not among this key's: {', '.join(self.namespaces)}; name one of these"

    def _not_allowed(self, permission: Permission) -> str:
        return (
            f"this takes the permission {permission!r}, and the key allows {', '.join(self.allow)}; "
            f"have one made with `memsvc keys create --allow {permission}`"
        )


ANYBODY = Access((EVERYTHING,), PERMISSIONS)
"""Everybody, where the door is open."""


class Doorkeeper:
    """The door that opens to keys: `Authorization: Bearer msk_...`. Implements `service.Door`."""

    def __init__(self, keys: Keys, limiter: RateLimiter) -> None:
        self._keys, self._limiter = keys, limiter
        self._threads = CapacityLimiter(THREADS)

    async def __call__(self, request: Request) -> Access:
        """Who asks. A key counts as it stands in the database at this moment.

        Raises:
            Unauthorized: no key, or one that does not hold.
            RateLimited: more requests than one key gets.
        """
        token = bearer(request.headers.get("authorization"))
        key = await to_thread.run_sync(self._keys.authenticate, token, limiter=self._threads)
        request.scope["memsvc.key_id"] = key.id
        self._limiter.take(key.id)
        return Access.of(key)

    def close(self) -> None:
        """Stop noting when keys were used. Nothing else is lost without it."""
        self._keys.close()


async def open_door(_: Request) -> Access:
    """The door of `--no-auth`: everybody may do everything."""
    return ANYBODY


def build_door(memory: Memory, *, no_auth: bool, limiter: RateLimiter | None = None) -> Door:
    """The door to a memory; `limiter` is the default one unless given.

    Raises:
        SettingsError: keys are wanted, and none was ever made.
    """
    if no_auth:
        return open_door
    keys = Keys(memory.store.database)
    if not keys.all():
        name = memory.store.database.name
        raise SettingsError(
            f"{name} has no key yet, so that nobody could come in; make one with `memsvc keys create "
            f"--namespace 'acme/*' --allow read,write --db {shlex.quote(name)}`, or serve this machine alone with "
            "--no-auth"
        )
    return Doorkeeper(keys, limiter or RateLimiter())


def bearer(authorization: str | None) -> str:
    """The token in an `Authorization` header.

    Raises:
        Unauthorized: there is none.
    """
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("no key came; send it in the header Authorization: Bearer msk_...")
    return token.strip()
