"""How rows become batches. Pure arithmetic on lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc.models.local.shapes import Row


def plan(rows: Sequence[Row], budget: int, context: int) -> list[list[int]]:
    """Places of the rows, cut into batches, the longest first, so that what cannot fit shows at once.

    Rows of like length stand together, and rows x (longest prompt + longest reply) stays within `budget`
    tokens; a row that is over it by itself is a batch of its own. No batch is wider than the context window: a row
    that is done is padded until its batch ends, and models with learned positions have none behind the window.
    """
    batches: list[list[int]] = []
    longest_prompt = longest_reply = 0
    for place in sorted(range(len(rows)), key=lambda at: -len(rows[at].prompt)):
        row = rows[place]
        longest_reply = max(longest_reply, row.max_tokens)
        width = longest_prompt + longest_reply
        if batches and width <= context and (len(batches[-1]) + 1) * width <= budget:
            batches[-1].append(place)
        else:
            batches.append([place])
            longest_prompt, longest_reply = len(row.prompt), row.max_tokens
    return batches


def halves(places: Sequence[int]) -> list[list[int]]:
    """Two batches of one that was too big."""
    middle = (len(places) + 1) // 2
    return [list(places[:middle]), list(places[middle:])]


def repeats(rows: Sequence[Row]) -> list[int]:
    """How many earlier rows are the same question with the same seed: equal rows get draws of their own."""
    seen: dict[tuple[tuple[int, ...], int], int] = {}
    counted = []
    for row in rows:
        key = (row.prompt, row.seed)
        counted.append(seen.get(key, 0))
        seen[key] = counted[-1] + 1
    return counted
