from __future__ import annotations

import pytest

from memsvc_evals import load_locomo
from memsvc_evals.scoring.categories import GROUPS, category_of, group_name
from tests.evals.conftest import EXAMPLES


@pytest.mark.parametrize(
    ("value", "category"),
    [
        (1, 1), ("2", 2), (" 3 ", 3), (4.0, 4), ("multi-hop", 1), ("Multi Hop", 1), ("single_hop", 4),
        ("open-domain", 3), ("commonsense", 3), ("temporal", 2), ("Adversarial", 5),
        (0, None), (6, None), ("6", None), (1.5, None), ("", None), ("world", None), ("01", None), ("²", None),
        (True, None), (None, None), ([1], None), ({}, None), (float("nan"), None), (10**400, None),
    ],
)  # fmt: skip
def test_what_says_a_category(value: object, category: int | None) -> None:
    assert category_of(value) == category


def test_groups_are_those_of_the_data_set() -> None:
    assert dict(load_locomo(EXAMPLES).groups) == GROUPS
    assert [group_name(group) for group in GROUPS] == [
        "1 multi-hop", "2 temporal", "3 open-domain", "4 single-hop", "5 adversarial", "1-4", "all",
    ]  # fmt: skip
