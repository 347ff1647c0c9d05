"""How rows become batches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memsvc.models.local.shapes import Row, halves, plan, repeats

rows = st.lists(
    st.builds(Row, prompt=st.lists(st.just(1), min_size=1, max_size=60).map(tuple), max_tokens=st.integers(1, 60)),
    max_size=12,
)


@given(rows, st.integers(1, 500), st.integers(1, 120))
def test_every_row_is_in_one_batch_and_every_batch_within_budget_and_window(
    rows: list[Row], budget: int, context: int
) -> None:
    batches = plan(rows, budget, context)

    assert sorted(place for batch in batches for place in batch) == list(range(len(rows)))
    for batch in batches:
        width = max(len(rows[at].prompt) for at in batch) + max(rows[at].max_tokens for at in batch)
        assert len(batch) == 1 or (len(batch) * width <= budget and width <= context)


def test_rows_of_like_length_stand_together_and_the_longest_go_first() -> None:
    mixed = [Row((1,) * length, max_tokens=1) for length in (5, 90, 6, 91)]
    assert plan(mixed, budget=200, context=100) == [[3, 1], [2, 0]]


def test_a_long_reply_to_a_short_prompt_does_not_push_a_long_prompt_out_of_the_window() -> None:
    apart = [Row((1,) * 90, max_tokens=10), Row((1,) * 5, max_tokens=11), Row((1,) * 5, max_tokens=10)]
    assert plan(apart, budget=1000, context=100) == [[0], [1, 2]]


def test_what_fits_is_one_batch_in_the_order_given() -> None:
    assert plan([Row((1, 2), max_tokens=3)] * 4, budget=20, context=9) == [[0, 1, 2, 3]]


@given(st.lists(st.integers(), min_size=2))
def test_halves_lose_nothing_and_are_smaller(places: list[int]) -> None:
    first, second = halves(places)
    assert first + second == places
    assert first
    assert second


def test_only_equal_rows_with_one_seed_are_repeats() -> None:
    asked = [Row((1,)), Row((2,)), Row((1,)), Row((1,), seed=5), Row((1,))]
    assert repeats(asked) == [0, 0, 1, 0, 2]
