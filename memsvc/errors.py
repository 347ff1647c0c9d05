"""The service's branches of the error tree (the trunk is drawn in `memsvc_store.errors`).

MemsvcError
├── ...                    everything of the store
├── MessagesRejected       all messages of an `add`, or any where it is strict (an `InvalidMessage`)
├── SettingsError          a setting that cannot be read; names its key
├── AccessError            the service does not do this for this caller
│   ├── Unauthorized       no key, or one that does not hold
│   ├── Forbidden          the key is not allowed this in its namespaces
│   ├── RateLimited        too many requests with one key; says when to go on
│   │   └── QuotaExhausted the tokens that language models may take in a day are taken
│   └── TooLarge           a request beyond the size that is taken
├── ServiceError           a service that a client talks to failed it
│   ├── ServiceUnavailable not reached, or it broke off, also after the retries
│   │   └── ServiceTimeout it did not answer in time; what was asked may still be done
│   └── ServiceForeign     something answered, but not a memsvc of this version
├── ModelError             a model that memsvc relies on failed (`memsvc_retrievers.errors`)
│   ├── EmbedderError      the embedder could not be loaded, or gave no usable vectors
│   ├── ModelUnavailable   not reached, too slow, or failing, also after the retries
│   ├── ModelRefused       it answered that it will not, such as to a prompt that is too long
│   │   └── ModelInaccessible   nor to any other: bad key, unknown model, wrong address
│   └── InvalidReply       its reply cannot be read, also after the repairs
└── Cancelled              the caller stopped it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc_retrievers.errors import (
    Cancelled,
    InvalidReply,
    ModelError,
    ModelInaccessible,
    ModelRefused,
    ModelUnavailable,
)
from memsvc_store.errors import (
    DatabaseBusy,
    DatabaseError,
    DatabaseForeign,
    DatabaseMissing,
    DatabaseTooNew,
    DatabaseUnreadable,
    InvalidFilter,
    InvalidInput,
    InvalidMessage,
    InvalidNamespace,
    InvalidTimestamp,
    InvalidVector,
    MemsvcError,
    MissingDependency,
    NotFound,
    StorageFull,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AccessError",
    "Cancelled",
    "DatabaseBusy",
    "DatabaseError",
    "DatabaseForeign",
    "DatabaseMissing",
    "DatabaseTooNew",
    "DatabaseUnreadable",
    "EmbedderError",
    "Forbidden",
    "InvalidFilter",
    "InvalidInput",
    "InvalidMessage",
    "InvalidNamespace",
    "InvalidReply",
    "InvalidTimestamp",
    "InvalidVector",
    "MemsvcError",
    "MessagesRejected",
    "MissingDependency",
    "ModelError",
    "ModelInaccessible",
    "ModelRefused",
    "ModelUnavailable",
    "NotFound",
    "QuotaExhausted",
    "RateLimited",
    "ServiceError",
    "ServiceForeign",
    "ServiceTimeout",
    "ServiceUnavailable",
    "SettingsError",
    "StorageFull",
    "TooLarge",
    "Unauthorized",
]


class SettingsError(MemsvcError, ValueError):
    """A setting that cannot be read; the message names its key."""


class MessagesRejected(InvalidMessage):
    """Every message of an `add` was rejected, or any where it was strict; nothing was stored.

    `reasons` says why, by the place of each that was rejected, counted from 0.
    """

    def __init__(self, message: str, reasons: Mapping[int, str] | None = None) -> None:
        super().__init__(message)
        self.reasons = dict(reasons or {})


class EmbedderError(ModelError):
    """The embedder could not be loaded, or gave no usable vectors."""


class AccessError(MemsvcError):
    """The service does not do this for this caller."""


class Unauthorized(AccessError):
    """No key came, or one that does not hold: unknown, expired or revoked."""


class Forbidden(AccessError):
    """The namespace is the key's, and what was asked for there is not allowed to it."""


class RateLimited(AccessError):
    """Too many requests with one key.

    After `retry_after` seconds (whole ones, at least 1) the next one is taken.
    """

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QuotaExhausted(RateLimited):
    """The tokens that language models may take in a day are taken; what needs no model works as before."""


class TooLarge(AccessError):
    """A request whose body is longer than what is taken."""


class ServiceError(MemsvcError):
    """A service that a client talks to failed it."""


class ServiceUnavailable(ServiceError, ConnectionError):
    """The service was not reached, or it broke off, also after the retries."""


class ServiceTimeout(ServiceUnavailable, TimeoutError):
    """The service did not answer in time; what it was asked may still be done."""


class ServiceForeign(ServiceError):
    """Something answered, but not a memsvc of this version."""
