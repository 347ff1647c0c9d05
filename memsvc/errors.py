"""The service's branches of the error tree (the trunk is drawn in `memsvc_store.errors`).

MemsvcError
├── ...                    everything of the store
├── SettingsError          a setting that cannot be read; names its key
└── ModelError             a model that memsvc relies on failed
    └── EmbedderError      the embedder could not be loaded, or gave no usable vectors
"""

from __future__ import annotations

from memsvc_store.errors import (
    DatabaseBusy,
    DatabaseError,
    DatabaseForeign,
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
    "DatabaseBusy",
    "DatabaseError",
    "DatabaseForeign",
    "DatabaseTooNew",
    "DatabaseUnreadable",
    "EmbedderError",
    "InvalidFilter",
    "InvalidInput",
    "InvalidMessage",
    "InvalidNamespace",
    "InvalidTimestamp",
    "InvalidVector",
    "MemsvcError",
    "MissingDependency",
    "ModelError",
    "NotFound",
    "SettingsError",
    "StorageFull",
]


class SettingsError(MemsvcError, ValueError):
    """A setting that cannot be read; the message names its key."""


class ModelError(MemsvcError):
    """A model that memsvc relies on failed."""


class EmbedderError(ModelError):
    """The embedder could not be loaded, or gave no usable vectors."""
