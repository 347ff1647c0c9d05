"""Two systems on the same questions: the difference, its interval, and how likely chance alone makes one so large."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsvc_evals.errors import MeasurementError
from memsvc_evals.scoring.intervals import bootstrap

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

    Values = NDArray[np.float64]

EXACT = 14
"""Up to so many differences, all 2^n ways of their signs are tried; beyond, as many as there are resamples."""
_DRAWS = 2_000_000  # at once: 16 MB


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


def mcnemar(a: Sequence[float], b: Sequence[float]) -> float:
    """The two-sided p-value of McNemar's exact test of two proportions on the same questions; scores are 0 or 1.

    Raises:
        MeasurementError: they are not equally many, or not all 0 or 1.
    """
    if foreign := ({*a, *b} - {0, 1}):
        raise MeasurementError(f"McNemar's test came with a score of {min(foreign)!r}; wanted 0 and 1 alone")
    found = differences(a, b)
    return _binomial(found.count(1), found.count(-1))


def sign_flip(values: Sequence[float], seed: int = 0, resamples: int = 10_000) -> float:
    """How often a sum of the values under random signs is as far from 0 as theirs; 1 if all are 0.

    Exact for few, and where all are equally large, as those of 0 and 1 are (then it is McNemar's test). Else
    (1 + hits) / (1 + resamples), which is never 0 (Phipson and Smyth 2010).
    """
    data = np.asarray([value for value in values if value], dtype=np.float64)
    if not len(data):
        return 1.0
    if np.all(np.abs(data) == abs(data[0])):
        return _binomial(int((data > 0).sum()), int((data < 0).sum()))
    if len(data) <= EXACT:
        ways = (np.arange(2 ** len(data))[:, None] >> np.arange(len(data))) & 1
        return float(_as_far(ways, data).mean())
    generator, hits, step = np.random.default_rng(seed), 0, max(1, _DRAWS // len(data))
    for start in range(0, resamples, step):
        ways = generator.integers(0, 2, size=(min(step, resamples - start), len(data)), dtype=np.int8)
        hits += int(_as_far(ways, data).sum())
    return (1 + hits) / (1 + resamples)


def _as_far(ways: NDArray[np.integer], data: Values) -> NDArray[np.bool_]:
    """Of each row of signs, 1 for plus and 0 for minus, whether it takes the sum as far from 0 as the data's own."""
    sums = ways @ (2 * data) - data.sum()
    slack = 1e-12 * np.abs(data).sum()  # sums that are equal on paper differ in their last bits
    far: NDArray[np.bool_] = np.abs(sums) >= abs(data.sum()) - slack
    return far


def _sums(values: Sequence[float], clusters: Sequence[Hashable]) -> list[float]:
    members: dict[Hashable, list[float]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        members.setdefault(cluster, []).append(value)
    return [math.fsum(of_one) for of_one in members.values()]


def _binomial(up: int, down: int) -> float:
    """2 · P(X <= min(up, down)) for X of up + down fair coins, at most 1."""
    coins = up + down
    tail = sum(math.comb(coins, heads) for heads in range(min(up, down) + 1))
    return min(1.0, 2 * tail / (1 << coins))
