"""What is to be erased, and the signed receipt that it was.

The signature is HMAC-SHA256 over the receipt as canonical JSON (sorted keys, no spaces, ASCII), with a key that the
database keeps to itself. It shows that this database issued the receipt and that nobody changed it since. Who holds
the database holds the key, so it is no proof against its operator.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from memsvc_store.errors import InvalidInput, shown
from memsvc_store.values.document import Value, adapter

What = Literal["namespace", "session", "memory", "source", "expired"]
WHATS: tuple[What, ...] = ("namespace", "session", "memory", "source", "expired")

_PURPOSE = b"memsvc erasure 1\n"
"""Goes before what is signed, so that the key's signatures mean nothing else."""


@dataclass(frozen=True, slots=True)
class Target:
    """What to erase: all of a namespace, or the session, the memory or the source of this name, or what has expired."""

    what: What
    name: str | None = None

    def __str__(self) -> str:
        if self.name is not None:
            return f"{self.what} {self.name!r}"
        return "all of it" if self.what == "namespace" else "what has expired"


@dataclass(frozen=True, slots=True)
class Erasure(Value):
    """The receipt of an erasure.

    `counts` says how many rows of each kind went (or lost what they said of others), and how many snapshot files.
    `compacted`: the database's files were rewritten without what was erased; False where PostgreSQL did not let this
    role rewrite its tables. `key_id` names the key that signed it.
    """

    namespace: str
    what: What
    target: str | None
    counts: Mapping[str, int]
    at: datetime
    compacted: bool
    key_id: str = ""
    signature: str = ""


def signed(receipt: Erasure, key: str) -> Erasure:
    """The receipt with its signature by a key (64 hex digits)."""
    named = replace(receipt, key_id=key_id(key))
    return replace(named, signature=_signature(named, key))


def holds(receipt: Erasure, key: str) -> bool:
    """Whether this key signed the receipt as it stands."""
    same_key = hmac.compare_digest(receipt.key_id.encode(), key_id(key).encode())
    return same_key and hmac.compare_digest(receipt.signature.encode(), _signature(receipt, key).encode())


def mark(namespace: str, target: Target, key: str) -> str:
    """What stands for a target while its erasure is under way; it tells nothing to who has not the key."""
    name = json.dumps([namespace, target.what, target.name])
    return hmac.new(bytes.fromhex(key), b"memsvc mark 1\n" + name.encode(), hashlib.sha256).hexdigest()


def key_id(key: str) -> str:
    """The name of a key: 64 bits of its SHA-256, which tell nothing of it."""
    return hashlib.sha256(bytes.fromhex(key)).hexdigest()[:16]


def document(receipt: Erasure) -> dict[str, Any]:
    """The receipt as JSON can hold it; its time in ISO 8601."""
    return asdict(receipt) | {"counts": dict(receipt.counts), "at": receipt.at.isoformat()}


def from_document(value: object) -> Erasure:
    """A receipt from what `document` gave.

    Raises:
        InvalidInput: it is no receipt.
    """
    fields = Erasure.__dataclass_fields__
    if not isinstance(value, dict) or value.keys() != fields.keys():
        wanted = ", ".join(fields)
        raise InvalidInput(f"{shown(value)} is no receipt of an erasure; give what `forget` gave, with {wanted}")
    try:
        found: Erasure = adapter(Erasure).validate_json(json.dumps(value), strict=True)
    except (ValueError, TypeError) as error:
        raise InvalidInput(
            "a receipt came with a field of another type than `forget` gives it; give it as it was"
        ) from error
    return found


def _signature(receipt: Erasure, key: str) -> str:
    body = document(receipt)
    del body["signature"]
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hmac.new(bytes.fromhex(key), _PURPOSE + canonical.encode(), hashlib.sha256).hexdigest()
