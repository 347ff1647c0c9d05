"""Anybody's predictions, scored again: JSONL in, one object a line with `gold`, `prediction` and `category`.

What is allowed, since published files hold it: a number for a text, a category by number, digits or name, no gold for
category 5, blank lines, a byte order mark, any other fields. A file without categories is scored by the plain rule
and has one group, "all". Everything else that is not as it should be is an error that names file and line: a score
over the lines that happened to be readable would be somebody else's number.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memsvc_evals.datasets.reading import as_object, complain, require
from memsvc_evals.errors import DatasetError
from memsvc_evals.scoring.statistics import Interval, interval
from memsvc_evals.scoring.text import ADVERSARIAL, GROUPS, category_of, text_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MEASURES = ("f1", "f1_set", "bleu1", "em")
_RESAMPLES = 2_000  # half a minute for 100,000 lines; the tenth of a per cent that is shown doesn't need more
_WANTED = "one JSON object a line"


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer to score; `gold` is None for some questions of category 5, `category` in files that have none."""

    text: str
    gold: str | None
    category: int | None


@dataclass(frozen=True, slots=True)
class Rescored:
    """The scores of a file: group -> measure -> the value of every question in it, in the order of the file.

    A group is there if a question of it is, a measure if every question of the group has it: where category 5 lacks
    gold answers, "5" and "all" have `f1` alone, and "1-4" is the group to compare by.
    """

    file: str
    sha256: str
    values: Mapping[str, Mapping[str, tuple[float, ...]]]

    @property
    def counts(self) -> dict[str, int]:
        """Group -> how many questions."""
        return {group: len(measures["f1"]) for group, measures in self.values.items()}

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """Group -> measure -> mean."""
        return {
            group: {measure: math.fsum(values) / len(values) for measure, values in measures.items()}
            for group, measures in self.values.items()
        }

    def intervals(self) -> dict[str, dict[str, Interval]]:
        """Group -> measure -> mean with its 95 % interval over questions."""
        return {
            group: {measure: interval(values, resamples=_RESAMPLES) for measure, values in measures.items()}
            for group, measures in self.values.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """The scores, as JSON holds them; a program reads `["metrics"]["1"]["f1"]`."""
        counts = self.counts
        return {
            "file": self.file,
            "sha256": self.sha256,
            "count": counts["all"],
            "metrics": self.metrics,
            "counts": counts,
        }


def rescore(path: str | Path, advance: Callable[[int], None] | None = None) -> Rescored:
    """Score every line of a file; `advance` hears how many bytes more are done.

    Raises:
        DatasetError: the file cannot be read, or a line of it cannot be used.
    """
    file, digest = Path(path), hashlib.sha256()
    scored = [
        (one.category, text_scores(one.text, one.gold, one.category))
        for one in predictions(_lines(file, digest.update, advance), str(file))
    ]
    if not scored:
        raise DatasetError(f"{file}: holds no predictions; wanted {_WANTED}")
    return Rescored(str(file), digest.hexdigest(), _by_group(scored))


def predictions(lines: Iterable[bytes], file: str) -> Iterator[Prediction]:
    """The predictions of a file's lines; `file` is what errors call it.

    Raises:
        DatasetError: a line cannot be used, or lacks a category where the first has one, or has one where it lacks it.
    """
    first: Prediction | None = None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = f"{file}: line {number}"
        one = _prediction(as_object(_parsed(line, place), place), place)
        first = first or one
        if (one.category is None) != (first.category is None):
            raise complain(f"{place}: category", one.category, "categories on every line, or on none")
        yield one


def _lines(file: Path, update: Callable[[bytes], None], advance: Callable[[int], None] | None) -> Iterator[bytes]:
    try:
        with file.open("rb") as stream:
            for number, line in enumerate(stream):
                update(line)
                yield line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line
                if advance is not None:
                    advance(len(line))
    except OSError as error:
        raise DatasetError(f"{file}: cannot be read ({error.strerror}); give a file of predictions") from error


def _parsed(line: bytes, place: str) -> Any:
    try:
        return json.loads(line.strip().decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DatasetError(f"{place}: byte {error.start} is not UTF-8; wanted {_WANTED}") from error
    except json.JSONDecodeError as error:
        where = f"column {error.colno}: {error.msg}"
        raise DatasetError(f"{place}, {where}; wanted {_WANTED}, whole; the line may be truncated") from error
    except (RecursionError, ValueError) as error:  # nested a thousand deep, or a number of 5,000 digits
        raise DatasetError(f"{place}: {error}; wanted {_WANTED}") from error


def _prediction(record: Mapping[str, Any], place: str) -> Prediction:
    text = _text(require(record, "prediction", place))
    if text is None:
        raise complain(f"{place}: prediction", record["prediction"], 'a string, "" where nothing was answered')
    category = _category(record, place)
    return Prediction(text, _gold(record, category, place), category)


def _category(record: Mapping[str, Any], place: str) -> int | None:
    value = record.get("category")
    category = category_of(value)
    if category is None and value is not None:
        raise complain(f"{place}: category", value, f"one of {list(GROUPS['all'])}, or its name in LoCoMo")
    return category


def _gold(record: Mapping[str, Any], category: int | None, place: str) -> str | None:
    value = record.get("gold") if category == ADVERSARIAL else require(record, "gold", place)
    gold = _text(value)
    if gold is not None and gold.strip():
        return gold
    if category == ADVERSARIAL and (value is None or gold is not None):
        return None
    raise complain(f"{place}: gold", value, "a string that is not empty; only category 5 may lack it")


def _text(value: object) -> str | None:
    """A string, or a number as the string that the public code makes of it; None of anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return str(value)


def _by_group(scored: list[tuple[int | None, dict[str, float]]]) -> dict[str, dict[str, tuple[float, ...]]]:
    found = {}
    for group, members in GROUPS.items():
        rows = [scores for category, scores in scored if group == "all" or category in members]
        if rows:
            found[group] = {
                measure: tuple(row[measure] for row in rows)
                for measure in MEASURES
                if all(measure in row for row in rows)
            }
    return found
