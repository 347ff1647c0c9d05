"""The service's branches of the error tree (the trunk is drawn in `memsvc_store.errors`).

MemsvcError
├── ...                    everything of the store
├── SettingsError          a setting that cannot be read; names its key
├── ModelError             a model that memsvc relies on failed (`memsvc_retrievers.errors`)
│   ├── EmbedderError      the embedder could not be loaded, or gave no usable vectors
│   ├── ModelUnavailable   not reached, too slow, or failing, also after the retries
│   ├── ModelRefused       it answered that it will not, such as to a prompt that is too long
│   │   └── ModelInaccessible   nor to any other: bad key, unknown model, wrong address
│   └── InvalidReply       its reply cannot be read, also after the repairs
└── Cancelled              the caller stopped it
"""

from __future__ import annotations

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

__all__ = [
    "Cancelled",
    "DatabaseBusy",
    "DatabaseError",
    "DatabaseForeign",
    "DatabaseMissing",
    "DatabaseTooNew",
    "DatabaseUnreadable",
    "EmbedderError",
    "InvalidFilter",
    "InvalidInput",
    "InvalidMessage",
    "InvalidNamespace",
    "InvalidReply",
    "InvalidTimestamp",
    "InvalidVector",
    "MemsvcError",
    "MissingDependency",
    "ModelError",
    "ModelInaccessible",
    "ModelRefused",
    "ModelUnavailable",
    "NotFound",
    "SettingsError",
    "StorageFull",
]


class SettingsError(MemsvcError, ValueError):
    """A setting that cannot be read; the message names its key."""


class EmbedderError(ModelError):
    """The embedder could not be loaded, or gave no usable vectors."""
