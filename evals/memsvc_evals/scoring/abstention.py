"""Saying "not mentioned": how often that was right, and how often it should have been said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memsvc_evals.scoring.intervals import Interval, wilson

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Abstention:
    """Three shares with their Wilson intervals; None where there is nothing to take a share of.

    precision: of the questions it abstained from, those that have no answer.
    recall: of the questions that have no answer (category 5), those it abstained from.
    false: of the questions that have an answer, those it abstained from all the same.
    """

    precision: Interval | None
    recall: Interval | None
    false: Interval | None


def abstention(questions: Iterable[tuple[bool, bool]]) -> Abstention:
    """Of pairs (abstained, answerable), one a question."""
    rows = tuple(questions)
    return Abstention(
        precision=_share([not answerable for abstained, answerable in rows if abstained]),
        recall=_share([abstained for abstained, answerable in rows if not answerable]),
        false=_share([abstained for abstained, answerable in rows if answerable]),
    )


def _share(hits: list[bool]) -> Interval | None:
    return wilson(sum(hits), len(hits)) if hits else None
