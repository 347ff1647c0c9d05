"""A log as the lines that calls read: cut into chunks, and chosen from where there are too many."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from memsvc_retrievers.passages import Passage, Source, pieces, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memsvc_retrievers.choices import Scan
    from memsvc_store.values.memories import Memory


@dataclass(frozen=True, slots=True)
class Log:
    """Messages as lines. A message that is too long for one call takes several lines; all of them are its own.

    `places` and `costs` have one entry a line: the place of its message, and its estimated tokens.
    """

    messages: Sequence[Memory]
    lines: tuple[Passage, ...]
    places: tuple[int, ...]
    costs: tuple[int, ...]

    @classmethod
    def of(cls, messages: Sequence[Memory], scan: Scan) -> Log:
        """The lines of messages in reading order."""
        lines: list[Passage] = []
        places: list[int] = []
        costs: list[int] = []
        for place, message in enumerate(messages):
            source = (Source(message),)
            for piece in pieces(message.text, scan.room // 2):
                lines.append(Passage(piece, message.valid_from, message.speaker, source, valid_to=message.valid_to))
                places.append(place)
                costs.append(tokens(piece))
        return cls(messages, tuple(lines), tuple(places), tuple(costs))

    def fits(self, scan: Scan) -> bool:
        """Whether all of it may be read."""
        return sum(self.costs) <= scan.tokens

    def span(self, part: range) -> tuple[int, int]:
        """The first and the last message of a run of lines, counted from 1."""
        return self.places[part[0]] + 1, self.places[part[-1]] + 1

    def read(self, parts: Sequence[range]) -> int:
        """How many messages were read whole, if these lines were read."""
        seen = {number for part in parts for number in part}
        missed = {place for number, place in enumerate(self.places) if number not in seen}
        return len(self.messages) - len(missed)


def chunks(costs: Sequence[int], size: int, room: int) -> list[range]:
    """Lines in runs of at most `size`, and of at most `room` estimated tokens where a line is not longer than that."""
    found, start = [], 0
    until = [0, *accumulate(costs)]
    while start < len(costs):
        stop = start + 1
        while stop < min(start + size, len(costs)) and until[stop + 1] - until[start] <= room:
            stop += 1
        found.append(range(start, stop))
        start = stop
    return found


def within_budget(
    parts: Sequence[range], costs: Sequence[int], scores: Mapping[int, float], budget: int
) -> list[range]:
    """The chunks to read, in log order: all of them if they fit, else the best scored ones until the budget ends.

    Args:
        costs: tokens of each line.
        scores: retrieval score by line; a chunk counts for its best line, one without any comes last.
    """
    lowest = min(scores.values(), default=0.0) - 1.0
    best = {part: max((scores.get(line, lowest) for line in part), default=lowest) for part in parts}
    chosen: list[range] = []
    for part in sorted(parts, key=lambda part: (-best[part], part.start)):
        budget -= sum(costs[line] for line in part)
        if chosen and budget < 0:
            break
        chosen.append(part)
    return sorted(chosen, key=lambda part: part.start)
