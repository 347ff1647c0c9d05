"""Which hits: a count, what a token budget holds, and those above a floor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memsvc import checks
from memsvc_retrievers.choices import POOL
from memsvc_store.values.text import count_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_store.values.hits import Hit

TOP_K = 10


@dataclass(frozen=True, slots=True)
class Floor:
    """The least relevance and similarity that a hit has; None admits any."""

    relevance: float | None = None
    similarity: float | None = None

    @classmethod
    def of(cls, min_relevance: float | None, min_similarity: float | None, default: float | None = None) -> Floor:
        """A floor of what a caller said; where nothing is said of relevance, `default`.

        Raises:
            InvalidInput: a relevance outside 0 to 1, or a similarity outside -1 to 1.
        """
        relevance = default if min_relevance is None else checks.checked_share("min_relevance", min_relevance)
        if min_similarity is not None:
            min_similarity = checks.checked_share("min_similarity", min_similarity, least=-1.0)
        return cls(relevance, min_similarity)

    def above(self, hits: Sequence[Hit]) -> list[Hit]:
        """The hits that reach it, in their order, ranked anew from 1."""
        reaching = [hit for hit in hits if self._admits(hit)]
        return [replace(hit, rank=rank) for rank, hit in enumerate(reaching, 1)]

    def _admits(self, hit: Hit) -> bool:
        return (self.relevance is None or hit.relevance >= self.relevance) and (
            self.similarity is None or hit.similarity >= self.similarity
        )


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
