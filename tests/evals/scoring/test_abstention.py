from __future__ import annotations

from memsvc_evals.scoring.abstention import Abstention, abstention
from memsvc_evals.scoring.intervals import wilson


def test_abstention_by_hand() -> None:
    # Four without an answer, abstained from three; six with one, abstained from one
    questions = [(True, False)] * 3 + [(False, False)] + [(True, True)] + [(False, True)] * 5
    assert abstention(iter(questions)) == Abstention(precision=wilson(3, 4), recall=wilson(3, 4), false=wilson(1, 6))


def test_nothing_to_take_a_share_of() -> None:
    assert abstention([]) == Abstention(None, None, None)
    assert abstention([(False, True)]) == Abstention(None, None, wilson(0, 1))
    assert abstention([(False, False)]) == Abstention(None, wilson(0, 1), None)
