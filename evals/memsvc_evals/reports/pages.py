"""The questions of a run: what each page and each line of the index says."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memsvc_evals.answers.records import Record
    from memsvc_evals.reports.reading import Run

RIGHT = 0.5
"""From which mark on an answer counts as right, where a mark is no verdict."""
_PLAIN = re.compile(r"[A-Za-z0-9.-]+(?:_[A-Za-z0-9.-]+)*")


@dataclass(frozen=True, slots=True)
class Answer:
    """One record with its mark, the policy before it that was shown the very same turns, and what its gate said.

    `escalated` is None where no gate decided.
    """

    record: Record
    mark: float | None
    same_look_up: str | None
    escalated: bool | None


@dataclass(frozen=True, slots=True)
class Page:
    """All that was answered to one question, and the pages beside it.

    `marks` has each policy's mean over the runs; None where all of its calls failed or the question is not marked.
    """

    file: str
    question: Record
    heading: str
    answers: tuple[Answer, ...]
    marks: tuple[float | None, ...]
    before: str | None = None
    after: str | None = None

    @property
    def failed(self) -> bool:
        """Whether a call failed."""
        return any(one.record.error is not None for one in self.answers)

    @property
    def escalated(self) -> bool:
        """Whether a gate sent any answer on."""
        return any(one.escalated for one in self.answers)

    @property
    def disputed(self) -> bool:
        """Whether some answers are right and others wrong, of whatever policy and run."""
        return len({one.mark >= RIGHT for one in self.answers if one.mark is not None}) > 1


def pages(run: Run) -> tuple[Page, ...]:
    """A page for each question, in the file's order."""
    files = page_names(run.questions)
    names = [None, *files.values(), None]
    neighbours = zip(names, names[2:], strict=False)
    return tuple(
        _page(run, files[identity], records, before, after)
        for (identity, records), (before, after) in zip(run.questions.items(), neighbours, strict=True)
    )


def mark(record: Record, measure: str) -> float | None:
    """How right an answer is, from 0 to 1: the judge's verdict, or F1 where it was not judged.

    None where there is neither, or the call failed.
    """
    if record.error is not None:
        return None
    kind, _, prompt = measure.partition(":")
    if kind == "judge":
        given = record.judge.get(prompt)
        correct = None if given is None else given["correct"]
        return record.scores.get("f1") if correct is None else float(correct)
    return record.scores.get(measure)


def page_names(identities: Iterable[str]) -> dict[str, str]:
    """A file name for each id, safe on every file system and unlike the others: "conv-26/12" is "conv-26__12.html".

    Ids of other letters, and those that a file system without upper case would confuse, get a piece of their SHA-256.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for identity in identities:
        parts = identity.split("/")
        name = "__".join(parts)
        if not all(map(_PLAIN.fullmatch, parts)) or len(name) > 80 or name[0] == "." or name.lower() in taken:
            digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:16]
            name = f"{re.sub(r'[^A-Za-z0-9]+', '-', name)[:60]}~{digest}"
        taken.add(name.lower())
        found[identity] = f"{name}.html"
    return found


def _page(run: Run, file: str, records: Sequence[Record], before: str | None, after: str | None) -> Page:
    shown = tuple(
        Answer(
            record,
            mark(record, run.main_measure),
            _same_look_up(record, records[:at]),
            record.verdict["escalate"] if record.verdict and record.policy in run.gated else None,
        )
        for at, record in enumerate(records)
    )
    heading = run.heading(str(records[0].category))
    marks = tuple(_mean([one.mark for one in shown if one.record.policy == policy]) for policy in run.policies)
    return Page(file, records[0], heading, shown, marks, before, after)


def _same_look_up(record: Record, earlier: Iterable[Record]) -> str | None:
    return next((one.policy for one in earlier if one.retrieved and one.retrieved == record.retrieved), None)


def _mean(marks: Iterable[float | None]) -> float | None:
    given = [one for one in marks if one is not None]
    return sum(given) / len(given) if given else None
