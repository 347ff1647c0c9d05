"""A run directory, read back: manifest, answers and summary. Nothing else is needed to report on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from memsvc_evals.answers.journal import ANSWERS, MANIFEST, SUMMARY, VERSION
from memsvc_evals.answers.records import Record
from memsvc_evals.datasets import LOCOMO_CATEGORIES, REALTALK_CATEGORIES
from memsvc_evals.errors import MeasurementError

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = {"locomo": LOCOMO_CATEGORIES, "realtalk": REALTALK_CATEGORIES}
_MANIFEST_FIELDS = frozenset(
    "dataset selection policies model judge judge_prompts style top_k runs seed settings".split()
)
_SUMMARY_FIELDS = frozenset("provenance exclusions repairs failed metrics paired cost runs ceiling".split())

Metrics = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]
"""policy -> group -> measure -> interval."""


@dataclass(frozen=True, eq=False)
class Run:
    """What a run directory holds. Records stand in the file's order: run, question, policy."""

    folder: Path
    manifest: Mapping[str, Any]
    records: tuple[Record, ...]
    summary: Mapping[str, Any]

    @property
    def policies(self) -> tuple[str, ...]:
        """In the manifest's order."""
        return tuple(self.manifest["policies"])

    @property
    def metrics(self) -> Metrics:
        """policy -> group -> measure -> interval."""
        return self.summary["metrics"]  # type: ignore[no-any-return]

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The sets of categories that were averaged over: each category, then their unions."""
        return tuple(dict.fromkeys(group for groups in self.metrics.values() for group in groups))

    @property
    def headline(self) -> str:
        """The group that the first table shows: categories with a gold answer, where a set has others too."""
        return "1-4" if "1-4" in self.groups else "all"

    @cached_property
    def measures(self) -> frozenset[str]:
        """All that were taken of any policy and group."""
        return frozenset(name for groups in self.metrics.values() for found in groups.values() for name in found)

    @cached_property
    def gated(self) -> frozenset[str]:
        """The policies whose gate decides; others escalate always or never."""
        return frozenset(
            policy for policy, groups in self.metrics.items() if any("escalation" in one for one in groups.values())
        )

    @property
    def main_measure(self) -> str:
        """What plots show: the first judge's verdict, or F1 where nobody judged."""
        return next((f"judge:{name}" for name in self.manifest["judge_prompts"]), "f1")

    @cached_property
    def questions(self) -> dict[str, tuple[Record, ...]]:
        """The records of each question, in the file's order."""
        found: dict[str, list[Record]] = {}
        for record in self.records:
            found.setdefault(record.question_id, []).append(record)
        return {identity: tuple(records) for identity, records in found.items()}

    def heading(self, group: str) -> str:
        """As `heading`."""
        return heading(self.manifest["dataset"]["name"], group)

    def members(self, group: str) -> frozenset[int]:
        """The categories of a group."""
        categories = {int(one) for one in self.groups if one.isdigit()}
        if group == "all":
            return frozenset(categories)
        first, _, last = group.partition("-")
        return frozenset(range(int(first), int(last or first) + 1))


def heading(dataset: str, group: str) -> str:
    """A category by number and name, since other projects permute the names: "1 multi-hop"."""
    names = _NAMES.get(dataset, {})
    return f"{group} {names[int(group)]}" if group.isdigit() and int(group) in names else group


def read_run(folder: Path) -> Run:
    """Read the three files of a finished run.

    Raises:
        MeasurementError: the folder holds no finished run, or a file of it is not what the evaluation writes.
    """
    manifest = _object(folder / MANIFEST)
    if manifest.get("version") != VERSION:
        raise MeasurementError(
            f"{folder / MANIFEST}: version {manifest.get('version')!r}, this memsvc reads {VERSION}; "
            "use the memsvc that wrote it"
        )
    _require(manifest, _MANIFEST_FIELDS, folder / MANIFEST)
    summary = _object(folder / SUMMARY)
    _require(summary, _SUMMARY_FIELDS, folder / SUMMARY)
    lines = _text(folder / ANSWERS).split("\n")
    records = tuple(_record(line, f"{folder / ANSWERS}:{at}") for at, line in enumerate(lines, 1) if line)
    return Run(folder, manifest, records, summary)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise MeasurementError(
            f"{path}: not there; give the directory of a finished run (a stopped one goes on with --resume)"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise MeasurementError(f"{path}: cannot be read ({error}); give the directory of a finished run") from error


def _object(path: Path) -> dict[str, Any]:
    return _parsed(_text(path), str(path))


def _record(line: str, place: str) -> Record:
    found = _parsed(line, place)
    try:
        return Record.from_json(found)
    except MeasurementError as error:
        raise MeasurementError(f"{place}: {error}") from error


def _require(found: Mapping[str, Any], fields: frozenset[str], place: object) -> None:
    if missing := sorted(fields - found.keys()):
        raise MeasurementError(f"{place}: no {', '.join(missing)}; an evaluation writes them all, so run it again")


def _parsed(text: str, place: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise MeasurementError(f"{place}: no JSON ({error}); resume the run, which mends a torn line") from error
    if not isinstance(found, dict):
        raise MeasurementError(f"{place}: a JSON {type(found).__name__} where an object was wanted")
    return found
