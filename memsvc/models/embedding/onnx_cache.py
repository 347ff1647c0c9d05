"""A folder that holds one exported model and proves that it is whole and still its source's.

    CACHE/all-MiniLM-L6-v2-3f2a9c01/     one folder a source path and format
        manifest.json   the space's name, limits, and a stamp of every file and source file
        graph.onnx      optimised graph · weights.bin its tensors · tokenizer.json

A stamp is (size, mtime_ns, sha256). On opening, a file whose size and mtime are the stamped ones is
trusted; only when they differ is it hashed (90 MB, about 0.1 s, which a look-up should not pay
each time). The folder is written beside its place and renamed into it, so that no reader sees half
of one; two processes that export at once both end up with a whole one.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from memsvc.models.embedding.space import checksum

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT = 1  # raise it when the graph changes, so that older exports are not opened
GRAPH, WEIGHTS, TOKENIZER, MANIFEST = "graph.onnx", "weights.bin", "tokenizer.json", "manifest.json"


@dataclass(frozen=True)
class Stamp:
    """What a file was when it was last hashed."""

    size: int
    mtime_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """Hashes the file."""
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns, checksum(path))

    def fits(self, path: Path) -> bool:
        """Whether the file is still the stamped one; hashes it only when its mtime moved."""
        try:
            stat = path.stat()
            if stat.st_size != self.size:
                return False
            return stat.st_mtime_ns == self.mtime_ns or checksum(path) == self.sha256
        except OSError:
            return False


@dataclass(frozen=True)
class Manifest:
    """What an exported model is, and what it was made from."""

    model: str
    dimension: int
    max_tokens: int
    pad_id: int
    files: Mapping[str, Stamp]  # by name, in the export's folder
    sources: Mapping[str, Stamp]  # by name, in the source's folder

    def write(self, folder: Path) -> None:
        """Puts the manifest into the folder, in one step."""
        temporary = folder / f".{MANIFEST}.{uuid.uuid4().hex}"
        temporary.write_text(json.dumps({"format": FORMAT, **asdict(self)}, indent=1), "utf-8")
        temporary.replace(folder / MANIFEST)


def opened(folder: Path, source: Path) -> Manifest | None:
    """The folder's manifest when the export is whole and made from `source` as it is now; else None."""
    manifest = _read(folder / MANIFEST)
    if manifest is None or set(manifest.files) != {GRAPH, WEIGHTS, TOKENIZER}:
        return None
    stamped = [(folder / name, stamp) for name, stamp in manifest.files.items()]
    stamped += [(source / name, stamp) for name, stamp in manifest.sources.items()]
    if not all(stamp.fits(path) for path, stamp in stamped):
        return None
    if any(path.stat().st_mtime_ns != stamp.mtime_ns for path, stamp in stamped):
        return _restamped(manifest, folder, source)
    return manifest


def publish(made: Path, folder: Path, source: Path) -> None:
    """Moves a finished export into its place; keeps a good one that another process put there first."""
    if opened(folder, source) is not None:
        shutil.rmtree(made, ignore_errors=True)
        return
    discard(folder)
    try:
        made.rename(folder)
    except OSError:
        # Another process renamed its own into the gap: an export of the same source, as good as this.
        shutil.rmtree(made, ignore_errors=True)
        if not folder.is_dir():
            raise


def discard(folder: Path) -> None:
    """Takes a torn or foreign export out of the way, in one step, then deletes it."""
    aside = folder.with_name(f".{folder.name}.aside-{uuid.uuid4().hex}")
    try:
        folder.rename(aside)
    except FileNotFoundError:
        return
    if aside.is_dir() and not aside.is_symlink():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.unlink(missing_ok=True)


def _restamped(manifest: Manifest, folder: Path, source: Path) -> Manifest:
    """The same content under new times: note the times, so that the next process need not hash."""

    def at(root: Path, stamps: Mapping[str, Stamp]) -> dict[str, Stamp]:
        return {
            name: Stamp(stamp.size, os.stat(root / name).st_mtime_ns, stamp.sha256) for name, stamp in stamps.items()
        }

    fresh = replace(manifest, files=at(folder, manifest.files), sources=at(source, manifest.sources))
    try:
        fresh.write(folder)
    except OSError:
        return manifest  # a read-only cache is usable, only slower to open
    return fresh


def _read(path: Path) -> Manifest | None:
    """The manifest, or None for anything that is not one of this format."""
    try:
        raw: Any = json.loads(path.read_text("utf-8"))
        if raw["format"] != FORMAT:
            return None
        return Manifest(
            model=str(raw["model"]),
            dimension=int(raw["dimension"]),
            max_tokens=int(raw["max_tokens"]),
            pad_id=int(raw["pad_id"]),
            files={name: Stamp(**stamp) for name, stamp in raw["files"].items()},
            sources={name: Stamp(**stamp) for name, stamp in raw["sources"].items()},
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
