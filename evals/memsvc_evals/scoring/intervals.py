"""Means with their 95 % intervals. Pure arithmetic; what draws by chance has a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from memsvc_evals.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

    Values = NDArray[np.float64]

Kind = Literal["wilson", "bootstrap", "t", "point"]

_Z = 1.959963984540054  # the normal distribution at 97.5 %
_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
"""Student's t at 97.5 %, for 1 to 30 degrees of freedom."""
_DRAWS = 2_000_000  # at once: 16 MB


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean of `n` values and the ends of its 95 % interval; a "point" is a single value, which has none."""

    mean: float
    low: float
    high: float
    n: int
    kind: Kind

    @property
    def half(self) -> float | None:
        """Half of the interval's width; None if there is no interval."""
        return None if self.kind == "point" else (self.high - self.low) / 2

    def to_dict(self) -> dict[str, float | int | str]:
        """The interval, as JSON holds it."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "n": self.n, "interval": self.kind}


def interval(
    values: Sequence[float], clusters: Sequence[Hashable] | None = None, seed: int = 0, resamples: int = 10_000
) -> Interval:
    """Of scores of questions: `wilson` where each is 0 or 1, else `bootstrap`.

    Raises:
        MeasurementError: as `bootstrap`.
    """
    if values and set(values) <= {0, 1}:
        return wilson(round(math.fsum(values)), len(values))
    return bootstrap(values, clusters, seed, resamples)


def wilson(successes: int, n: int) -> Interval:
    """Of a proportion p = successes / n (Wilson 1927), which holds near 0 and 1 and for few, where p ± z s doesn't.

    (p + z²/2n ± z sqrt(p(1 - p)/n + z²/4n²)) / (1 + z²/n)

    Raises:
        MeasurementError: there are none, or more successes than tries.
    """
    if n < 1 or not 0 <= successes <= n:
        raise MeasurementError(f"a proportion of {successes} among {n} came; wanted 0 to n among at least 1")
    p, scale = successes / n, 1 + _Z**2 / n
    middle = (p + _Z**2 / (2 * n)) / scale
    half = _Z * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2)) / scale
    return Interval(p, max(0.0, min(middle - half, p)), min(1.0, max(middle + half, p)), n, "wilson")


def student(values: Sequence[float]) -> Interval:
    """Of a few independent values, such as one a seed: mean ± t(n - 1) s / sqrt(n), with s the deviation of a sample.

    Beyond 31 values t is that of 30 degrees of freedom, which is a little too wide and never too narrow.

    Raises:
        MeasurementError: there are none.
    """
    mean, n = _mean(values), len(values)
    if n == 1:
        return Interval(mean, mean, mean, n, "point")
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = _T[min(n - 1, len(_T)) - 1] * deviation / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, n, "t")


def bootstrap(
    values: Sequence[float], clusters: Sequence[Hashable] | None = None, seed: int = 0, resamples: int = 10_000
) -> Interval:
    """Of any mean: the 2.5th and 97.5th percentile of the means of resamples (Efron 1979).

    Args:
        values: one score a question.
        clusters: of each value, what it belongs to, such as its conversation: then clusters are drawn, and values
            within each that was drawn. Questions about one conversation are not independent.
        seed: of the draws.
        resamples: how many. 10,000 of 2,000 values take 0.2 s.

    Raises:
        MeasurementError: there are no values, or not a cluster for each.
    """
    mean, n = _mean(values), len(values)
    if clusters is not None and len(clusters) != n:
        raise MeasurementError(f"{n} values came with {len(clusters)} clusters; give one for each")
    if n == 1:
        return Interval(mean, mean, mean, n, "point")
    generator = np.random.default_rng(seed)
    data = np.asarray(values, dtype=np.float64)
    if clusters is None:
        means = _resampled(data, resamples, generator)
    else:
        means = _resampled_clusters(_by_cluster(data, clusters), resamples, generator)
    low, high = np.percentile(means, (2.5, 97.5))
    # Of equal values the resamples' means differ in their last bit; the ends never lie on one side of the mean.
    return Interval(mean, min(float(low), mean), max(float(high), mean), n, "bootstrap")


def _mean(values: Sequence[float]) -> float:
    if not values:
        raise MeasurementError("an interval needs at least one value")
    return math.fsum(values) / len(values)


def _by_cluster(data: Values, clusters: Sequence[Hashable]) -> list[Values]:
    places: dict[Hashable, list[int]] = {}
    for place, cluster in enumerate(clusters):
        places.setdefault(cluster, []).append(place)
    return [data[members] for members in places.values()]


def _resampled(data: Values, count: int, generator: np.random.Generator) -> Values:
    """The means of so many resamples."""
    means, step = np.empty(count), max(1, _DRAWS // len(data))
    for start in range(0, count, step):
        block = means[start : start + step]
        block[:] = data[generator.integers(0, len(data), size=(len(block), len(data)), dtype=np.int32)].mean(axis=1)
    return means


def _resampled_clusters(groups: Sequence[Values], count: int, generator: np.random.Generator) -> Values:
    """As `_resampled`, with as many clusters as there are drawn for each resample, and each of them resampled anew."""
    sums, sizes = np.zeros(count), np.zeros(count)
    for drawn in generator.integers(0, len(groups), size=(len(groups), count)):
        for index, group in enumerate(groups):
            here = np.flatnonzero(drawn == index)
            sums[here] += len(group) * _resampled(group, len(here), generator)
            sizes[here] += len(group)
    return sums / sizes
