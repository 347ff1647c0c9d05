"""What `search_episodes` gives: what helped with similar tasks, and what did not."""

from collections.abc import Sequence
from dataclasses import dataclass

from memsvc.checks import checked_count
from memsvc.lookup.repeats import counted, groups
from memsvc_store.values.document import Value
from memsvc_store.values.hits import Blend
from memsvc_store.values.memories import Episode
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

    def text(self, token_budget: int | None = None, *, collapse: bool = True) -> str:
        """Two labelled blocks, ready for a prompt (MemRL, App. I.2); empty if nothing was found.

        Experiences are indented, so that none can pass for a heading or for another task.

        Args:
            token_budget: each episode is taken in rank order if it fits into what is left of so many tokens, headings
                included (`Memory.count_tokens`).
            collapse: attempts of one task with the same experience are one entry, with a count and their ids.

        Raises:
            InvalidInput: a budget that is not a whole number of at least 1.
        """
        left = None if token_budget is None else checked_count("token_budget", token_budget, least=1)
        blocks: dict[str, list[str]] = {FOLLOW: [], AVOID: []}
        for alike in self._alike() if collapse else [[hit] for hit in self.hits]:
            heading = FOLLOW if alike[0].episode.success else AVOID
            shown = _shown(alike)
            tokens = count_tokens(shown) + (0 if blocks[heading] else count_tokens(heading))
            if left is None or tokens <= left:
                left = None if left is None else left - tokens
                blocks[heading].append(shown)
        return "\n\n".join("\n".join([heading, *entries]) for heading, entries in blocks.items() if entries)

    def _alike(self) -> list[list[EpisodeHit]]:
        told = (
            (str(bool(one.success)), f"{one.memory.text}\n{one.experience}") for one in (h.episode for h in self.hits)
        )
        return [[self.hits[place] for place in places] for places in groups(told)]


def _shown(alike: Sequence[EpisodeHit]) -> str:
    episode = alike[0].episode
    task = f"Task: {' '.join(episode.memory.text.split())}{counted([hit.id for hit in alike])}"
    return "\n  ".join([task, *episode.experience.strip().splitlines()])
