"""Means with 95 % intervals over seeds. Pure arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memsvc_evals.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Sequence

_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
"""Student's t at 97.5 %, for 1 to 30 degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and half the width of its 95 % interval; `half` is None for a single value, which has none."""

    mean: float
    half: float | None
    count: int

    @property
    def low(self) -> float:
        """The lower end; the mean itself where there is no interval."""
        return self.mean - (self.half or 0.0)

    @property
    def high(self) -> float:
        """The upper end."""
        return self.mean + (self.half or 0.0)

    def to_dict(self) -> dict[str, float | int | None]:
        """The interval, as JSON holds it."""
        return {"mean": self.mean, "half": self.half, "count": self.count}


def interval(values: Sequence[float]) -> Interval:
    """Of independent values: mean ± t(n - 1) s / sqrt(n), with s the deviation of a sample.

    Beyond 31 values t is that of 30 degrees of freedom, which is a little too wide and never too narrow.

    Raises:
        MeasurementError: there are none.
    """
    count = len(values)
    if not count:
        raise MeasurementError("an interval needs at least one value")
    mean = math.fsum(values) / count
    if count == 1:
        return Interval(mean, None, 1)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    return Interval(mean, _T[min(count - 1, len(_T)) - 1] * deviation / math.sqrt(count), count)


def paired(first: Sequence[float], second: Sequence[float]) -> Interval:
    """Of the differences `first - second` of values that belong together, such as two arms on one seed.

    Raises:
        MeasurementError: they are not equally many, or none.
    """
    if len(first) != len(second):
        raise MeasurementError(f"pairs need equally many values; {len(first)} and {len(second)} came")
    return interval([a - b for a, b in zip(first, second, strict=True)])
