"""Figures as a reader wants them."""

from __future__ import annotations

import pytest

from memsvc_evals.reports import formats
from memsvc_evals.table import money


@pytest.mark.parametrize(
    ("measure", "number", "text"),
    [
        ("f1", 0.5349, "53.5"),
        ("f1", -1e-9, "0.0"),
        ("judge:strict-1", 1, "100.0"),
        ("tokens", 1234.6, "1,235"),
        ("tokens", 7.25, "7.2"),
        ("seconds", 123.4, "123"),
        ("seconds", 12.34, "12.3"),
        ("seconds", 1.234, "1.23"),
        ("seconds", 0.0042, "0.004"),
        ("em", None, "–"),
    ],
)
def test_values(measure: str, number: float | None, text: str) -> None:
    assert formats.value(measure, number) == text


def test_differences_have_a_sign() -> None:
    assert [formats.difference("f1", one) for one in (0.05, -0.05, 0.0)] == ["+5.0", "−5.0", "±0.0"]
    assert formats.signed_span("tokens", {"low": -1200.0, "high": 30.0}) == "−1,200 to +30"


@pytest.mark.parametrize(("p", "text"), [(0.0001, "< 0.001"), (0.0314, "0.031"), (1.0, "1.000"), (None, "–")])
def test_chances(p: float | None, text: str) -> None:
    assert formats.chance(p) == text


def test_money() -> None:
    assert [money(one) for one in (None, 0.0, 1.5)] == ["–", "0", "1.5000"]


def test_measures_stand_in_one_order() -> None:
    given = {"seconds", "judge:strict-1", "recall_cited", "f1", "judge:lenient-1", "em"}
    assert formats.ordered(given) == ["f1", "em", "judge:lenient-1", "judge:strict-1", "recall_cited", "seconds"]
