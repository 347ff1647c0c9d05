"""Where a label stands beside its point, so that labels overlap neither each other nor other points. Pure geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Point = tuple[float, float]
Box = tuple[float, float, float, float]

_GAP = 7.0
_HEIGHT = 11.0
_LETTER = 6.2  # the mean width of a letter at ten points, on the wide side
_STEPS = 6


def place(points: Sequence[Point], texts: Sequence[str], right: float) -> list[Point]:
    """The left middle of each label: beside its point, or above or below as far as need be. All in points.

    Args:
        right: where the picture ends; a label stays left of it.
    """
    taken: list[Box] = [(x - _GAP, y - 4, x + _GAP, y + 4) for x, y in points]
    found: list[Point] = []
    for at, (point, text) in enumerate(zip(points, texts, strict=True)):
        width = _LETTER * len(text)
        others = taken[:at] + taken[at + 1 :]
        spots = [spot for spot in _spots(point, width) if spot[0] + width <= right]
        best = min(spots, key=lambda spot: (sum(_meets(_box(spot, width), box) for box in others), _far(spot, point)))
        taken.append(_box(best, width))
        found.append(best)
    return found


def _spots(point: Point, width: float) -> Iterator[Point]:
    x, y = point
    for step in range(_STEPS):
        for up in (step, -step):
            yield x + _GAP, y + up * _HEIGHT
            yield x - _GAP - width, y + up * _HEIGHT


def _far(spot: Point, point: Point) -> tuple[float, bool]:
    return abs(spot[1] - point[1]), spot[0] < point[0]


def _box(spot: Point, width: float) -> Box:
    return spot[0], spot[1] - _HEIGHT / 2, spot[0] + width, spot[1] + _HEIGHT / 2


def _meets(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
