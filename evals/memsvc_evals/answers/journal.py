"""A run directory: a manifest, the answers line by line as they come, and one writer at a time.

    run.json         what is run, written first; a resume under another manifest is refused
    answers.jsonl    a line an answer; the lines of one question are one append, on disk before the next is asked
    ingestion.json   what storing the conversations cost
    memory.db        the memories, so that a resume need not store them again

A process that is killed leaves at most one torn append behind, whose question is asked again. When all is done the
lines are put in their canonical order, so that the file does not tell who answered first.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from memsvc_evals.answers.records import Record
from memsvc_evals.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from memsvc_evals.answers.records import Key

VERSION = 1
"""Of the files of a run directory."""
MANIFEST, ANSWERS, INGESTION, SUMMARY = "run.json", "answers.jsonl", "ingestion.json", "summary.json"
DATABASE = "memory.db"
REPORTS = ("report.md", "report.html", "questions")
_FILES = (*REPORTS, SUMMARY, INGESTION, ANSWERS, DATABASE)
_LOCK = ".lock"


class Existing(StrEnum):
    """What becomes of a run that the directory holds already."""

    REFUSE = "refuse"
    RESUME = "resume"
    OVERWRITE = "overwrite"


@dataclass(slots=True)
class Journal:
    """One run directory, held by this process. `records` are those of whole questions, by their key.

    `anew`: a run that is there goes when this one begins, and not before.
    """

    folder: Path
    manifest: Mapping[str, Any]
    records: dict[Key, Record] = field(default_factory=dict)
    anew: bool = False

    @property
    def database(self) -> Path:
        """Where the memories are."""
        return self.folder / DATABASE

    def begin(self) -> None:
        """Write the manifest, and put what is kept of an earlier process into whole lines."""
        if self.anew:
            _clear(self.folder)
        write_json(self.folder / MANIFEST, self.manifest)
        self.rewrite(list(self.records.values()))

    def append(self, records: Sequence[Record]) -> None:
        """Add all answers to one question; they are on disk when this returns."""
        with (self.folder / ANSWERS).open("ab") as file:
            file.write("".join(map(_line, records)).encode())
            file.flush()
            os.fsync(file.fileno())
        self.records |= {record.key: record for record in records}

    def rewrite(self, records: Sequence[Record]) -> None:
        """Put the file into this order, atomically."""
        _replace(self.folder / ANSWERS, "".join(map(_line, records)))

    def read_ingestion(self) -> dict[str, Any]:
        """What was stored by an earlier process, by conversation."""
        path = self.folder / INGESTION
        return dict(_read_json(path)["conversations"]) if path.exists() else {}

    def write_ingestion(self, conversations: Mapping[str, Any]) -> None:
        """What was stored so far."""
        write_json(self.folder / INGESTION, {"conversations": conversations})


@contextmanager
def opened(folder: Path, manifest: Mapping[str, Any], existing: Existing) -> Iterator[Journal]:
    """The run directory, made if need be, and no other process's until the block ends. Nothing of the run is written,
    and nothing of an earlier one removed, before `begin`.

    Raises:
        MeasurementError: it holds a run already and is to be left alone, or the run of another manifest, or files of
            these names that are no run's; a line other than the last is damaged; another process is at work in it; it
            cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            _check(folder, manifest, existing)
            anew = existing is Existing.OVERWRITE
            records = {} if anew else _whole(_read(folder / ANSWERS), manifest["policies"])
            yield Journal(folder, manifest, records, anew)
    except OSError as error:
        where = error.filename or folder
        raise MeasurementError(
            f"{where}: cannot be used ({error.strerror or error}); free it, or give another folder"
        ) from error


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """A JSON document for people to read, atomically."""
    _replace(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the directory. SQLite's lock works on every system, and ends with its process however that ends."""
    with contextlib.closing(sqlite3.connect(folder / _LOCK, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise MeasurementError(
                f"{folder}: cannot be locked ({error}); another process runs in it: wait, or give another folder"
            ) from error
        yield


def _clear(folder: Path) -> None:
    """Remove a run. Its manifest goes last: what is left of a clearing that was killed is still a run."""
    for name in (*_FILES, f"{DATABASE}-wal", f"{DATABASE}-shm", MANIFEST):
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _check(folder: Path, manifest: Mapping[str, Any], existing: Existing) -> None:
    path = folder / MANIFEST
    if not path.exists():
        if left := [name for name in _FILES if (folder / name).exists()]:
            raise MeasurementError(
                f"{folder}: holds {left[0]} and no {MANIFEST}, so that it is no run's; give another folder"
            )
        return
    there = _read_json(path)
    if not isinstance(there, dict) or not isinstance(there.get("dataset"), dict):
        raise MeasurementError(f"{path}: is not the manifest of a run; give another folder")
    other = [name for name in {**there, **manifest} if there.get(name) != _plain(manifest.get(name))]
    if existing is Existing.RESUME and other:
        changes = "; ".join(_change(name, there.get(name), manifest.get(name)) for name in other)
        raise MeasurementError(
            f"{folder}: holds another run ({changes}); resume with what it was begun with, overwrite it, "
            "or give another folder"
        )
    if existing is Existing.REFUSE:
        of = there["dataset"].get("name")
        raise MeasurementError(
            f"{folder}: holds a run of {of} already; resume it, overwrite it, or give another folder"
        )


def _change(name: str, was: object, comes: object) -> str:
    if isinstance(was, dict) and isinstance(comes, dict):
        parts = [key for key in {**was, **comes} if was.get(key) != _plain(comes.get(key))]
        return ", ".join(_change(f"{name}.{part}", was.get(part), comes.get(part)) for part in parts)
    return f"{name} was {_short(was)}, and {_short(comes)} comes"


def _short(value: object) -> str:
    text = json.dumps(_plain(value), ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _plain(value: object) -> Any:
    """As it is when it was written and read again."""
    return json.loads(json.dumps(value))


def _read(path: Path) -> list[Record]:
    """The records of a file; what stands after its last line end was torn off."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(Record.from_json(json.loads(line)))
        except (ValueError, MeasurementError) as error:
            raise MeasurementError(
                f"{path}: line {number} is damaged ({error}); remove the line and resume, or overwrite the run"
            ) from error
    return found


def _whole(records: Sequence[Record], policies: Sequence[str]) -> dict[Key, Record]:
    """Those of questions that every policy has answered: an append may have been torn between two lines."""
    by_key = {record.key: record for record in records}
    return {
        key: record
        for key, record in by_key.items()
        if all((record.run, record.question_id, policy) in by_key for policy in policies)
    }


def _line(record: Record) -> str:
    return json.dumps(record.to_json(), ensure_ascii=False) + "\n"


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise MeasurementError(
            f"{path}: is not whole JSON ({error}); remove the run, or give another folder"
        ) from error


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    aside = path.with_name(f"{path.name}.part")
    with aside.open("wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
