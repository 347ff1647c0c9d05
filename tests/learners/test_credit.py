"""Which memories a reward is for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc_learners.credit import credited
from memsvc_store.errors import InvalidInput

IDS = st.lists(st.sampled_from("abcdef"))


def test_uniform_credits_every_memory_once_in_the_order_of_use() -> None:
    assert credited(["b", "a", "b"], ["a"], "uniform") == ("b", "a")


def test_what_was_of_use_is_credited_in_the_order_in_which_it_was_given() -> None:
    assert credited(["c", "b", "a"], [], "uniform", ["a", "c", "a"]) == ("c", "a")
    assert credited(["c", "b", "a"], ["b", "a"], "cited", ["a", "c"]) == ("a",)
    assert credited(["a"], [], "uniform", []) == ()


def test_cited_credits_only_what_was_used_and_cited() -> None:
    assert credited(["c", "b", "a"], ["a", "x", "c"], "cited") == ("c", "a")


def test_an_answer_without_sources_credits_nobody_when_only_cited_ones_count() -> None:
    assert credited(["a", "b"], [], "cited") == ()


@given(IDS, IDS)
def test_cited_is_a_part_of_uniform_in_its_order(used: list[str], cited: list[str]) -> None:
    everyone, some = credited(used, cited, "uniform"), credited(used, cited, "cited")
    assert some == tuple(one for one in everyone if one in cited)


def test_another_mode_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidInput, match=r"'shared'.*uniform, cited"):
        credited(["a"], [], "shared")  # type: ignore[arg-type]
