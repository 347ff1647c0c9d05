"""Snapshots of large shards on disk, so that a restart need not read every row again.

A snapshot is one file: a checksum line, a header line of JSON, then the arrays (NumPy's npz). It is used
only when its checksum holds for all the rest and it is of this database, this namespace, this model
and a write that this database really has; else it is set aside as `*.rejected` and the shard is built
from SQL. Writes after the snapshot are replayed from the change log. What is erased goes from the snapshots with the
erasing transaction: files are written and swept under the writer's lock, so that none comes after.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from memsvc_store.errors import DatabaseUnreadable
from memsvc_store.sql.records import Records

if TYPE_CHECKING:
    from pathlib import Path

    from memsvc_store.projections.shard import Shard
    from memsvc_store.sql.database import Database
    from memsvc_store.sql.rows import Namespace

FORMAT = 4
"""Since 2 the words are those of every script, since 3 there are roles, since 4 memories expire; an older one is
deleted and built again."""

logger = logging.getLogger(__name__)


class Rejected(Exception):
    """Why a snapshot may not be used; never leaves this module."""


class Snapshots:
    """The snapshots of one database and one model, in one folder."""

    def __init__(self, folder: Path, *, identity: str, model: str, dimension: int, min_rows: int) -> None:
        self._folder, self._min_rows = folder, min_rows
        self._origin = {"format": FORMAT, "database": identity, "model": model, "dimension": dimension}
        self._saved: dict[str, int] = {}

    def path(self, name: str) -> Path:
        """Where a namespace's snapshot lies. The name is hashed: it may hold any character."""
        key = "\x1f".join((name, str(self._origin["model"])))
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.shard"

    def load(self, name: str, shard: Shard, records: Records, namespace: Namespace) -> None:
        """Fill an empty shard from its snapshot, where there is one to trust."""
        path = self.path(name)
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            logger.warning("snapshot %s cannot be read (%s); building from SQL", path, error)
            return
        try:
            header, payload = _open(raw)
            if header.get("format") in range(1, FORMAT):
                logger.info("snapshot %s was written by an older memsvc; building from SQL", path)
                self.remove(name)
                return
            self._check(header, name, records, namespace)
            if records.changes.erased_since(namespace, header["version"]):  # it came back, as from a copy of the folder
                self.remove(name)
                return
            with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
                shard.unpack(header["names"], dict(arrays))
        except (Rejected, ValueError, LookupError, TypeError, OSError, BadZipFile) as error:
            shard.clear()
            _set_aside(path, error)
            return
        shard.version, shard.stamp = header["version"], header["stamp"]
        self._saved[name] = shard.version

    def save(self, name: str, shard: Shard, database: Database) -> None:
        """Write a snapshot of a large shard that has changed since the last one; whole or not at all.

        The writer's lock is held for the writing of the file alone, and nobody's lock while waiting for it.
        """
        with database.read() as connection, shard.lock:
            there = Records(connection).namespace(name) is not None
            if not there or shard.rows < self._min_rows or shard.version in (0, self._saved.get(name)):
                return
            if shard.holds_erased:
                return
            version, stamp, body = shard.version, shard.stamp, self._packed(name, shard)
        with Records.within(database.write()) as records:
            namespace = records.namespace(name)
            if namespace is None or records.changes.stamp(namespace, version) != stamp:
                return
            if records.changes.erased_since(namespace, version):
                return
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                _write(self.path(name), _checksum(body) + b"\n" + body)
            except OSError as error:  # a cache only: the truth is in SQL, and a full disk must not fail a close
                logger.warning("snapshot %s could not be written: %s", self.path(name), error)
                return
        self._saved[name] = version

    def remove(self, name: str) -> None:
        """Delete a namespace's snapshot."""
        self._saved.pop(name, None)
        try:
            self.path(name).unlink(missing_ok=True)
        except OSError as error:
            logger.warning("snapshot %s cannot be deleted: %s", self.path(name), error)

    def _packed(self, name: str, shard: Shard) -> bytes:
        names, arrays = shard.pack()
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]  # its stub takes each array for allow_pickle
        header = self._origin | {"namespace": name, "version": shard.version, "stamp": shard.stamp, "names": names}
        return json.dumps(header, ensure_ascii=False).encode() + b"\n" + buffer.getvalue()

    def _check(self, header: dict[str, Any], name: str, records: Records, namespace: Namespace) -> None:
        for field, wanted in (self._origin | {"namespace": name}).items():
            if header.get(field) != wanted:
                raise Rejected(f"its {field} is {header.get(field)!r}, not {wanted!r}")
        version = header["version"]
        if version > namespace.version or header["stamp"] != records.changes.stamp(namespace, version):
            raise Rejected(f"its version {version} is not a write of this database")


def sweep(folder: Path, name: str) -> int:
    """Delete every snapshot that holds a namespace or may, of whatever model, set aside or half-written ones too.

    To be called under the writer's lock. Returns how many there were.

    Raises:
        DatabaseUnreadable: one cannot be deleted.
    """
    swept = 0
    while found := [path for path in folder.glob("*.*") if _may_hold(path, name)]:  # a reader may set one aside
        for path in found:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise DatabaseUnreadable(
                    f"snapshot {path} cannot be deleted ({error}), and nothing was erased; see to the rights of its "
                    "folder, then forget the same again"
                ) from error
        swept += len(found)
    return swept


def _may_hold(path: Path, name: str) -> bool:
    return path.suffix != ".shard" or _namespace_of(path) in (name, None)


def _namespace_of(path: Path) -> str | None:
    """Whose a snapshot is; None where that cannot be read."""
    try:
        with path.open("rb") as file:
            file.readline()
            header = json.loads(file.readline())
    except (OSError, ValueError):
        return None
    found = header.get("namespace") if isinstance(header, dict) else None
    return found if isinstance(found, str) else None


def _open(raw: bytes) -> tuple[dict[str, Any], bytes]:
    checksum, _, body = raw.partition(b"\n")
    if checksum != _checksum(body):
        raise Rejected("its checksum does not hold")
    header, _, payload = body.partition(b"\n")
    return json.loads(header), payload


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


def _write(path: Path, contents: bytes) -> None:
    """Whole or not at all, also with two processes at it."""
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        with scratch.open("wb") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise


def _set_aside(path: Path, why: Exception) -> None:
    rejected = path.with_suffix(".rejected")
    try:
        path.replace(rejected)
    except OSError as error:  # another process was quicker, or the folder is not ours: SQL serves all the same
        logger.warning("snapshot %s is not used (%s) and cannot be set aside: %s", path, why, error)
        return
    logger.warning("snapshot %s was set aside as %s and the shard is built from SQL: %s", path, rejected.name, why)
