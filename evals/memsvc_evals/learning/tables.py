"""A study as tables of plain cells: what a terminal shows and what a pipe gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memsvc_evals.learning.study import Study
    from memsvc_evals.scoring import Interval

_NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table. The first column holds names, the others figures."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def sheets(study: Study) -> tuple[Sheet, ...]:
    """Arms by figures, differences between arms where there are any, and the promises."""
    found = [_by_arm(study), _differences(study), _bars(study)]
    return tuple(sheet for sheet in found if sheet.rows)


def _by_arm(study: Study) -> Sheet:
    """In per cent, with half of the 95 % interval."""
    shares = [one for one in study.figures if one.against is None]
    names = tuple(dict.fromkeys(one.name for one in shares))
    cells = {(one.arm, one.name): _percent(one.value) for one in shares}
    arms = tuple(dict.fromkeys(one.arm for one in shares))
    rows = tuple((arm, *(cells.get((arm, name), _NOTHING) for name in names)) for arm in arms)
    return Sheet(f"{study.title} (%, ± 95 % over {_seeds(study)} seeds)", ("arm", *names), rows)


def _differences(study: Study) -> Sheet:
    """In points, seed by seed."""
    rows = tuple(
        (f"{one.arm} less {one.against}", one.name, f"{100 * one.value.mean:+.1f}{_half(one.value)}")
        for one in study.figures
        if one.against is not None
    )
    return Sheet("Differences, seed by seed", ("arms", "figure", "points"), rows)


def _bars(study: Study) -> Sheet:
    rows = tuple((promise, "yes" if kept else "no") for promise, kept in study.bars.items())
    return Sheet("Bars", ("promise", "met"), rows)


def _seeds(study: Study) -> int:
    return len({run.seed for run in study.runs})


def _percent(value: Interval) -> str:
    return f"{100 * value.mean:.1f}{_half(value)}"


def _half(value: Interval) -> str:
    return "" if value.half is None else f" ± {100 * value.half:.1f}"
