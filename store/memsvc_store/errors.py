"""What can go wrong, as one tree.

    MemsvcError                         catch this to catch everything of ours
    ├── InvalidInput (ValueError)       what came in cannot be used; nothing was stored
    │   ├── InvalidNamespace
    │   ├── InvalidMessage              empty, too long, of an unknown shape
    │   ├── InvalidTimestamp
    │   ├── InvalidFilter               an unknown filter, or a value it cannot take
    │   └── InvalidVector               of another dimension than its model's, or not finite
    ├── NotFound (LookupError)          no such memory in this namespace
    ├── DatabaseError                   the database cannot be used as it is
    │   ├── DatabaseUnreadable          not a database, damaged, or not reachable
    │   │   └── DatabaseMissing         there is none, and none was to be made
    │   ├── DatabaseForeign             a database, but not one of memsvc
    │   ├── DatabaseTooNew              written by a newer memsvc
    │   ├── DatabaseBusy                another writer held it for longer than we wait
    │   └── StorageFull                 no room left; the write was rolled back whole
    └── MissingDependency (ImportError) an optional package that this call needs

`memsvc.errors` adds the branches of the service. Every message says what came, what was wanted
and what to do next.
"""

from __future__ import annotations


class MemsvcError(Exception):
    """The root: every error that memsvc raises on purpose."""


class InvalidInput(MemsvcError, ValueError):
    """What came in cannot be used; nothing was stored."""


class InvalidNamespace(InvalidInput):
    """A namespace that is not a `/`-separated path of plain names."""


class InvalidMessage(InvalidInput):
    """A message that is empty, too long or of an unknown shape."""


class InvalidTimestamp(InvalidInput):
    """A point in time that cannot be read."""


class InvalidFilter(InvalidInput):
    """An unknown filter, or a value that the filter cannot take."""


class InvalidVector(InvalidInput):
    """A vector of another dimension than its model's, or with values that are not finite."""


class NotFound(MemsvcError, LookupError):
    """No such memory in this namespace."""


class DatabaseError(MemsvcError):
    """The database cannot be used as it is."""


class DatabaseUnreadable(DatabaseError):
    """Not a database, damaged, or not reachable."""


class DatabaseMissing(DatabaseUnreadable):
    """There is no database there, and none was to be made."""


class DatabaseForeign(DatabaseError):
    """A database, but not one of memsvc."""


class DatabaseTooNew(DatabaseError):
    """A database written by a newer memsvc."""


class DatabaseBusy(DatabaseError):
    """Another writer held the database for longer than we wait."""


class StorageFull(DatabaseError):
    """No room left; the write was rolled back whole."""


class MissingDependency(MemsvcError, ImportError):
    """An optional package that this call needs is not installed."""


def shown(value: object) -> str:
    """A value as a message shows it: cut short, and never an error (an integer of 5,000 digits has no repr)."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 80 else f"{text[:77]}..."
