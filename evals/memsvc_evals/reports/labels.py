"""Where a label stands beside its point, so that labels overlap neither each other nor other points. Pure geometry.

Everything is in points, x to the right and y upwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""

_GAP = 8.0
_HEIGHT = 12.0
_LETTER = 6.2  # the mean width of a letter at ten points, on the wide side
_STEPS = 5


@dataclass(frozen=True, slots=True)
class Spot:
    """A label's place, counted from its point; `side` is what of it stands there."""

    x: float
    y: float
    side: Literal["left", "center", "right"]

    def box(self, point: Point, text: str) -> Box:
        """What the label covers."""
        width = _LETTER * len(text)
        left = point[0] + self.x - width * {"left": 0.0, "center": 0.5, "right": 1.0}[self.side]
        return left, point[1] + self.y - _HEIGHT / 2, left + width, point[1] + self.y + _HEIGHT / 2


def place(points: Sequence[Point], texts: Sequence[str], marks: Sequence[Box], right: float) -> list[Spot]:
    """For each label the nearest spot that meets nothing, or the one that meets least.

    Args:
        marks: what the points and their intervals cover.
        right: where the picture ends; a label stays left of it.
    """
    taken = list(marks)
    found: list[Spot] = []
    for point, text in zip(points, texts, strict=True):
        boxes = {spot: spot.box(point, text) for spot in _spots() if spot.box(point, text)[2] <= right}
        best = min(boxes, key=lambda spot: sum(_meets(boxes[spot], other) for other in taken))
        taken.append(boxes[best])
        found.append(best)
    return found


def _spots() -> Iterator[Spot]:
    """Nearest first: beside the point, then ever farther above and below it."""
    for step in range(_STEPS):
        for up in dict.fromkeys((step, -step)):
            if step:
                yield Spot(0.0, up * _HEIGHT, "center")
            yield Spot(_GAP, up * _HEIGHT, "left")
            yield Spot(-_GAP, up * _HEIGHT, "right")


def _meets(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
