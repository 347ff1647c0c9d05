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


def test_messages_with_calls_are_told_as_look_ups_see_them() -> None:
    function = {"name": "order", "arguments": '{"item": "chains"}'}
    calls = [{"id": "call_1", "type": "function", "function": function}]
    blocks = [{"type": "text", "text": "One moment."}, {"type": "tool_use", "id": "t", "name": "order", "input": {}}]
    assert steps([
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "assistant", "content": blocks},
        {"role": "nobody", "content": 3},
    ]) == [
        'assistant: order({"item": "chains"})',
        "assistant: One moment.\norder({})",
        '{"role": "nobody", "content": 3}',
    ]  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "parts", "type", "text", "kind", "tool_calls", "name"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(st.sampled_from(["role", "content", "parts", "type", "kind", "tool_calls"]), JSON)))
def test_whatever_looks_like_a_message_is_a_step(trajectory: list[dict[str, object]]) -> None:
    assert len(steps(trajectory)) == len(trajectory)


@given(st.lists(st.text(), max_size=40))
def test_it_is_never_longer_than_stated(trajectory: list[str]) -> None:
    told = by_rule(trajectory).split("\n") if trajectory else []
    assert len(told) <= FIRST + LAST + 1
    assert all(len(line) <= STEP_CHARS + 2 for line in told)
