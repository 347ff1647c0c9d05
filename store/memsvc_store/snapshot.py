"""Snapshots of large shards on disk, so that a restart need not read every row again.

A snapshot is one file: a checksum line, a header line of JSON, then the arrays (NumPy's npz). It is used
only when its checksum holds for all the rest and it is of this database, this namespace, this model
and a write that this database really has; else it is set aside as `*.rejected` and the shard is built
from SQL. Writes after the snapshot are replayed from the change log.
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

if TYPE_CHECKING:
    from pathlib import Path

    from memsvc_store.records import Records
    from memsvc_store.rows import Namespace
    from memsvc_store.shard import Shard

FORMAT = 1

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
            self._check(header, name, records, namespace)
            with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
                shard.unpack(header["names"], dict(arrays))
        except (Rejected, ValueError, LookupError, TypeError, OSError, BadZipFile) as error:
            shard.clear()
            _set_aside(path, error)
            return
        shard.version, shard.stamp = header["version"], header["stamp"]
        self._saved[name] = shard.version

    def save(self, name: str, shard: Shard, records: Records) -> None:
        """Write a snapshot of a large shard that has changed since the last one; whole or not at all."""
        namespace = records.namespace(name)
        if namespace is None or shard.rows < self._min_rows or shard.version in (0, self._saved.get(name)):
            return
        names, arrays = shard.pack()
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]  # its stub takes each array for allow_pickle
        header = self._origin | {
            "namespace": name,
            "version": shard.version,
            "stamp": shard.stamp,
            "names": names,
        }
        body = json.dumps(header, ensure_ascii=False).encode() + b"\n" + buffer.getvalue()
        path = self.path(name)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _write(path, _checksum(body) + b"\n" + body)
        except OSError as error:  # a cache only: the truth is in SQL, and a full disk must not fail a close
            logger.warning("snapshot %s could not be written: %s", path, error)
            return
        self._saved[name] = shard.version

    def remove(self, name: str) -> None:
        """Delete a namespace's snapshot."""
        self._saved.pop(name, None)
        try:
            self.path(name).unlink(missing_ok=True)
        except OSError as error:
            logger.warning("snapshot %s cannot be deleted: %s", self.path(name), error)

    def _check(self, header: dict[str, Any], name: str, records: Records, namespace: Namespace) -> None:
        for field, wanted in (self._origin | {"namespace": name}).items():
            if header.get(field) != wanted:
                raise Rejected(f"its {field} is {header.get(field)!r}, not {wanted!r}")
        version = header["version"]
        if version > namespace.version or header["stamp"] != records.stamp(namespace, version):
            raise Rejected(f"its version {version} is not a write of this database")


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
