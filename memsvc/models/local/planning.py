"""How rows become batches. Pure arithmetic on lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc.models.local.shapes import Row

# A shorter prefix costs more, as a forward pass of its own, than reading it once for every row.
MIN_PREFIX = 32


def plan(rows: Sequence[Row], budget: int) -> list[list[int]]:
    """Places of the rows, cut into batches, the longest first, so that what cannot fit shows at once.

    Rows of like length stand together, and rows x (longest prompt + longest reply) stays within `budget`
    tokens; a row that is over it by itself is a batch of its own.
    """
    batches: list[list[int]] = []
    longest_prompt = longest_reply = 0
    for place in sorted(range(len(rows)), key=lambda at: -len(rows[at].prompt)):
        row = rows[place]
        longest_reply = max(longest_reply, row.max_tokens)
        if batches and (len(batches[-1]) + 1) * (longest_prompt + longest_reply) <= budget:
            batches[-1].append(place)
        else:
            batches.append([place])
            longest_prompt, longest_reply = len(row.prompt), row.max_tokens
    return batches


def halves(places: Sequence[int]) -> list[list[int]]:
    """Two batches of one that was too big."""
    middle = (len(places) + 1) // 2
    return [list(places[:middle]), list(places[middle:])]


def shared_prefix(prompts: Sequence[Sequence[int]]) -> int:
    """How many first tokens all prompts share and are worth reading once; each keeps at least one of its own."""
    if len(prompts) < 2:
        return 0
    limit = min(map(len, prompts)) - 1
    first, *others = prompts
    shared = next((at for at in range(limit) if any(other[at] != first[at] for other in others)), limit)
    return shared if shared >= MIN_PREFIX else 0


def repeats(rows: Sequence[Row]) -> list[int]:
    """How many earlier rows are the same question with the same seed: equal rows get draws of their own."""
    seen: dict[tuple[tuple[int, ...], int], int] = {}
    counted = []
    for row in rows:
        key = (row.prompt, row.seed)
        counted.append(seen.get(key, 0))
        seen[key] = counted[-1] + 1
    return counted
