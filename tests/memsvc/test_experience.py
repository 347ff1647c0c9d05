"""The rule by which an attempt is remembered where no model writes it down."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memsvc.episodes.experience import FIRST, LAST, STEP_CHARS, by_rule, steps


def test_a_short_trajectory_is_kept_step_by_step() -> None:
    assert by_rule("open the door\n\n  go in  ") == "- open the door\n- go in"


def test_a_long_one_keeps_its_beginning_and_its_end() -> None:
    told = by_rule([f"step {n}" for n in range(20)]).splitlines()
    assert told[:FIRST] == ["- step 0", "- step 1", "- step 2"]
    assert told[FIRST] == "- ... 12 steps ..."
    assert told[FIRST + 1 :] == [f"- step {n}" for n in range(15, 20)]


def test_steps_may_be_messages_or_any_mapping() -> None:
    assert steps([{"role": "tool", "content": "3 rows"}, {"content": "done"}, {"action": "look", "at": 1}, "so"]) == [
        "tool: 3 rows",
        "done",
        '{"action": "look", "at": 1}',
        "so",
    ]


@given(st.lists(st.text(), max_size=40))
def test_it_is_never_longer_than_stated(trajectory: list[str]) -> None:
    told = by_rule(trajectory).split("\n") if trajectory else []
    assert len(told) <= FIRST + LAST + 1
    assert all(len(line) <= STEP_CHARS + 2 for line in told)
