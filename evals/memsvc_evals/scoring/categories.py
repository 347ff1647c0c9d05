"""A question's category, as files write it, and the groups that scores are averaged over.

Names are those of LoCoMo's own statistics (1 multi-hop, 282 questions; 4 single-hop, 841). Scripts that descend from
mem0's call category 1 "single-hop", 3 "multi-hop" and 4 "open-domain": their numbers are right, their names are not.
"""

from __future__ import annotations

from memsvc_evals.datasets import locomo, realtalk
from memsvc_evals.datasets.values import score_groups

MULTI_HOP, TEMPORAL, OPEN_DOMAIN, SINGLE_HOP, ADVERSARIAL = locomo.CATEGORIES
GROUPS = score_groups(locomo.CATEGORIES, **{"1-4": (MULTI_HOP, TEMPORAL, OPEN_DOMAIN, SINGLE_HOP)})
"""Group -> the categories in it."""

_NUMBERS = {
    name: number for names in (realtalk.CATEGORIES, locomo.CATEGORIES) for number, name in names.items()
}  # REALTALK calls category 3 "commonsense"


def category_of(value: object) -> int | None:
    """The category that a number, its digits or a name says; None if it says none.

    `2`, `2.0`, `"2"`, `"temporal"`, `"Single Hop"` and `"single_hop"` are understood.
    """
    if isinstance(value, str):
        text = value.strip().lower()
        named = _NUMBERS.get(text.replace("_", "-").replace(" ", "-"))
        return named or next((number for number in locomo.CATEGORIES if text == str(number)), None)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return next((number for number in locomo.CATEGORIES if value == number), None)


def group_name(group: str) -> str:
    """A group's number with its name, since numbers alone and names alone are both read wrongly."""
    name = locomo.CATEGORIES.get(int(group)) if group.isdigit() else None
    return group if name is None else f"{group} {name}"
