"""What `search_episodes` gives: what helped with similar tasks, and what did not."""

from dataclasses import dataclass

from memsvc.checks import checked_count
from memsvc_store.values.document import Value
from memsvc_store.values.shapes import Blend, Episode
from memsvc_store.values.text import count_tokens

FOLLOW = "Examples to follow. These attempts at similar tasks succeeded:"
AVOID = "Mistakes to avoid. These attempts at similar tasks failed:"


@dataclass(frozen=True, slots=True)
class EpisodeHit(Value):
    """One episode that was found. `rank` counts from 1; `blend` shows how similarity and utility made `score`."""

    episode: Episode
    rank: int
    similarity: float
    score: float
    blend: Blend

    @property
    def id(self) -> str:
        """The episode's id."""
        return self.episode.id


@dataclass(frozen=True, slots=True)
class Episodes(Value):
    """The episodes for one intent, best first. `trace_id` is what `feedback` wants; None if no trace was kept.

    `threshold` is the cosine that an intent had to exceed, None for none. `explored`: chosen at random (epsilon).
    """

    hits: tuple[EpisodeHit, ...]
    trace_id: str | None
    threshold: float | None
    weight: float
    explored: bool = False

    @property
    def successes(self) -> tuple[EpisodeHit, ...]:
        """Those to follow."""
        return tuple(hit for hit in self.hits if hit.episode.success)

    @property
    def failures(self) -> tuple[EpisodeHit, ...]:
        """Those to avoid."""
        return tuple(hit for hit in self.hits if not hit.episode.success)

    def text(self, token_budget: int | None = None) -> str:
        """Two labelled blocks, ready for a prompt (MemRL, App. I.2); empty if nothing was found.

        Experiences are indented, so that none can pass for a heading or for another task.

        Args:
            token_budget: each episode is taken in rank order if it fits into what is left of so many tokens, headings
                included (`Memory.count_tokens`).

        Raises:
            InvalidInput: a budget that is not a whole number of at least 1.
        """
        kept = self.hits if token_budget is None else self._within(checked_count("token_budget", token_budget, least=1))
        blocks = []
        for heading, success in ((FOLLOW, True), (AVOID, False)):
            shown = [_shown(hit) for hit in kept if bool(hit.episode.success) is success]
            if shown:
                blocks.append("\n".join([heading, *shown]))
        return "\n\n".join(blocks)

    def _within(self, token_budget: int) -> tuple[EpisodeHit, ...]:
        kept, opened = [], set()
        for hit in self.hits:
            success = bool(hit.episode.success)
            heading = 0 if success in opened else count_tokens(FOLLOW if success else AVOID)
            tokens = heading + count_tokens(_shown(hit))
            if tokens <= token_budget:
                token_budget -= tokens
                opened.add(success)
                kept.append(hit)
        return tuple(kept)


def _shown(hit: EpisodeHit) -> str:
    lines = [f"Task: {' '.join(hit.episode.memory.text.split())}", *hit.episode.experience.strip().splitlines()]
    return "\n  ".join(lines)
