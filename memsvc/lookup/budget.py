"""How many hits: a count, or what a token budget holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc import checks
from memsvc_retrievers.choices import POOL
from memsvc_store.values.text import count_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_store.values.shapes import Hit

TOP_K = 10


def limit(top_k: int | None, token_budget: int | None) -> int:
    """How many hits to look up.

    Raises:
        InvalidInput: a number that is not a whole one of at least 1.
    """
    for name, value in (("top_k", top_k), ("token_budget", token_budget)):
        if value is not None:
            checks.checked_count(name, value, least=1)
    return top_k or (TOP_K if token_budget is None else POOL)


def within(hits: Sequence[Hit], token_budget: int) -> list[Hit]:
    """Hits in rank order, each taken if what is left of the budget holds it."""
    taken = []
    for hit in hits:
        tokens = count_tokens(hit.text)
        if tokens <= token_budget:
            taken.append(hit)
            token_budget -= tokens
    return taken
