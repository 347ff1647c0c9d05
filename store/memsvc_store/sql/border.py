"""The one border where errors of SQL drivers become ours."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from memsvc_store.errors import DatabaseBusy, DatabaseError, DatabaseUnreadable, StorageFull

_Table = list[tuple[str, type[DatabaseError], str]]

# Prefix of the driver's code -> which error it is, and what to do.
_SQLITE: _Table = [
    ("SQLITE_FULL", StorageFull, "no room left on the disk; the write was rolled back whole. Free some space, retry"),
    ("SQLITE_BUSY", DatabaseBusy, "another process kept it locked; retry, or keep write transactions elsewhere short"),
    ("SQLITE_LOCKED", DatabaseBusy, "another connection kept it locked; retry"),
    ("SQLITE_NOTADB", DatabaseUnreadable, "the file is not a database; it was left untouched. Check the path"),
    ("SQLITE_CORRUPT", DatabaseUnreadable, "the file is damaged; restore a backup, or try `sqlite3 FILE .recover`"),
    ("SQLITE_CANTOPEN", DatabaseUnreadable, "it cannot be opened; check that the path and its folder are accessible"),
    ("SQLITE_READONLY", DatabaseUnreadable, "it is read-only; check the permissions of the file and its folder"),
    ("SQLITE_IOERR", DatabaseUnreadable, "the disk gave an error; check its health and its free space"),
]
_POSTGRES: _Table = [
    ("53100", StorageFull, "no room left on the server's disk; nothing of this write was kept"),
    ("40", DatabaseBusy, "another transaction was in the way; retry"),
    ("55P03", DatabaseBusy, "another transaction kept a lock; retry"),
    ("08", DatabaseUnreadable, "the connection broke; check that the server runs"),
    ("57P", DatabaseUnreadable, "the server is going down or starting up; retry once it runs"),
    ("3D000", DatabaseUnreadable, "no such database on the server; create it first"),
    ("28", DatabaseUnreadable, "the server refused the user or the password"),
]


def translate(error: SQLAlchemyError | sqlite3.Error, name: str) -> DatabaseError:
    """A driver's error about the database `name` as one of ours."""
    if isinstance(error, PoolTimeout):
        return DatabaseBusy(f"{name}: every connection is in use; use fewer threads, or retry")
    origin = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(origin, sqlite3.Error):
        code, table = getattr(origin, "sqlite_errorname", ""), _SQLITE
    else:  # without a code the driver itself speaks: of the connection, or of a value that it does not send
        code, table = getattr(origin, "sqlstate", None) or ("22" if isinstance(error, DataError) else "08"), _POSTGRES
    for prefix, kind, advice in table:
        if code.startswith(prefix):
            return kind(f"{name}: {advice} ({origin})")
    return DatabaseError(f"{name}: {origin}")
