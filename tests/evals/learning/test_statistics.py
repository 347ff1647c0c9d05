from __future__ import annotations

import math

import pytest

from memsvc_evals import MeasurementError
from memsvc_evals.learning.statistics import interval, paired


def test_the_interval_is_students() -> None:
    found = interval([0.5, 0.6, 0.7])
    assert found.mean == pytest.approx(0.6)
    assert found.half == pytest.approx(4.303 * 0.1 / math.sqrt(3))
    assert found.low == pytest.approx(found.mean - (found.half or 0))
    assert found.high == pytest.approx(found.mean + (found.half or 0))


def test_a_single_value_has_no_interval() -> None:
    found = interval([0.25])
    assert found.to_dict() == {"mean": 0.25, "half": None, "count": 1}
    assert (found.low, found.high) == (0.25, 0.25)


def test_many_values_use_the_last_t() -> None:
    found = interval([0.0, 1.0] * 50)
    assert found.half == pytest.approx(2.042 * math.sqrt(25 / 99) / 10)


def test_pairs_cancel_what_they_share() -> None:
    found = paired([0.1, 0.5, 0.9], [0.0, 0.4, 0.8])
    assert found.mean == pytest.approx(0.1)
    assert found.half == pytest.approx(0.0, abs=1e-12)


def test_nothing_and_halves_of_pairs_are_refused() -> None:
    with pytest.raises(MeasurementError, match="at least one"):
        interval([])
    with pytest.raises(MeasurementError, match="2 and 1"):
        paired([0.1, 0.2], [0.1])
