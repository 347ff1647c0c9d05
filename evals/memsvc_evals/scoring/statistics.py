"""Means with their 95 % intervals, and two systems on the same questions. What draws by chance has a seed.

Wilson's interval, t and the binomial test are scipy's. What draws is ours: scipy has no bootstrap over clusters, such
as the questions of a conversation, and its permutation test takes four times as long over a run's 1,540 questions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from memsvc_evals import extra
from memsvc_evals.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from numpy.typing import NDArray

    Values = NDArray[np.float64]

Kind = Literal["wilson", "bootstrap", "t", "point"]

EXACT = 14
"""Up to so many differences, all 2^n ways of their signs are tried; beyond, as many as there are resamples."""
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
    """Of a proportion, by Wilson's score (1927), which holds near 0 and 1 and for few, where p ± z s doesn't.

    Raises:
        MeasurementError: there are none, or more successes than tries.
    """
    if n < 1 or not 0 <= successes <= n:
        raise MeasurementError(f"a proportion of {successes} among {n} came; wanted 0 to n among at least 1")
    ends = _stats().binomtest(successes, n).proportion_ci(method="wilson")
    return Interval(successes / n, float(ends.low), float(ends.high), n, "wilson")


def student(values: Sequence[float]) -> Interval:
    """Of a few independent values, such as one a seed: mean ± t(n - 1) s / sqrt(n), with s the deviation of a sample.

    Raises:
        MeasurementError: there are none.
    """
    mean, n = _mean(values), len(values)
    if n == 1:
        return Interval(mean, mean, mean, n, "point")
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = float(_stats().t.ppf(0.975, n - 1)) * deviation / math.sqrt(n)
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


@dataclass(frozen=True, slots=True)
class Paired:
    """The mean difference `a - b` over `n` questions, its 95 % interval and its two-sided p-value."""

    difference: float
    low: float
    high: float
    p: float
    n: int


def paired(
    a: Sequence[float],
    b: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
    resamples: int = 10_000,
) -> Paired:
    """Compare scores that belong together, question by question.

    The interval is a bootstrap over the differences. The p-value is that of a sign-flip permutation test: were there
    no difference, each would be as likely the other way round. With clusters, such as conversations, whole clusters
    are drawn and flipped: ten of them can't give a p below 2 / 2^10.

    Raises:
        MeasurementError: there are no pairs, or not as many of each.
    """
    found = differences(a, b)
    around = bootstrap(found, clusters, seed, resamples)
    units = found if clusters is None else _sums(found, clusters)
    return Paired(around.mean, around.low, around.high, sign_flip(units, seed, resamples), len(found))


def differences(a: Sequence[float], b: Sequence[float]) -> list[float]:
    """`a - b`, pair by pair.

    Raises:
        MeasurementError: they are not equally many.
    """
    if len(a) != len(b):
        raise MeasurementError(f"pairs need equally many values; {len(a)} and {len(b)} came")
    return [first - second for first, second in zip(a, b, strict=True)]


def sign_flip(values: Sequence[float], seed: int = 0, resamples: int = 10_000) -> float:
    """How often a sum of the values under random signs is as far from 0 as theirs; 1 if all are 0.

    Exact for few, and where all are equally large, as those of 0 and 1 are (then it is McNemar's test). Else
    (1 + hits) / (1 + resamples), which is never 0 (Phipson and Smyth 2010).
    """
    data = np.asarray([value for value in values if value], dtype=np.float64)
    if not len(data):
        return 1.0
    if np.all(np.abs(data) == abs(data[0])):
        return float(_stats().binomtest(int((data > 0).sum()), len(data)).pvalue)
    if len(data) <= EXACT:
        ways = (np.arange(2 ** len(data))[:, None] >> np.arange(len(data))) & 1
        return float(_as_far(ways, data).mean())
    generator, hits, step = np.random.default_rng(seed), 0, max(1, _DRAWS // len(data))
    for start in range(0, resamples, step):  # scipy's permutation_test does the same, and takes four times as long
        ways = generator.integers(0, 2, size=(min(step, resamples - start), len(data)), dtype=np.int8)
        hits += int(_as_far(ways, data).sum())
    return (1 + hits) / (1 + resamples)


def _as_far(ways: NDArray[np.integer], data: Values) -> NDArray[np.bool_]:
    """Of each row of signs, 1 for plus and 0 for minus, whether it takes the sum as far from 0 as the data's own."""
    sums = ways @ (2 * data) - data.sum()
    slack = 1e-12 * np.abs(data).sum()  # sums that are equal on paper differ in their last bits
    far: NDArray[np.bool_] = np.abs(sums) >= abs(data.sum()) - slack
    return far


@dataclass(frozen=True, slots=True)
class Abstention:
    """Saying "not mentioned": three shares with their Wilson intervals; None where there is nothing to take a share of.

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


def _stats() -> Any:
    """`scipy.stats`: a second of import, and an extra."""
    extra.require(*extra.SCORING)
    from scipy import stats

    return stats


def _share(hits: list[bool]) -> Interval | None:
    return wilson(sum(hits), len(hits)) if hits else None


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


def _sums(values: Sequence[float], clusters: Sequence[Hashable]) -> list[float]:
    members: dict[Hashable, list[float]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        members.setdefault(cluster, []).append(value)
    return [math.fsum(of_one) for of_one in members.values()]
