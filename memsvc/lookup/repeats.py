"""Near-duplicates: what one speaker said again in the same words, so that a prompt says it once.

Alike are texts of the same words in the same order, whatever their case, punctuation and filler words are. Nothing more
is: "I moved in May" and "I moved in June" differ in a word, "I can swim" and "I can't" in a mark, and to show one for
both would drop what was said. Nothing is merged in the store.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from memsvc_store.values.hits import Hit

_FILLERS = frozenset(
    "a ah an hello hey hi just oh ok okay please really so thanks the uh um very well wow yeah yes".split()
)
_AROUND = ".,!;:\"'“”‘’„«»()…。，！、"
"""Marks that change nothing around a word. A question mark does: "You moved?" asks."""


def groups(said: Iterable[tuple[str, str]]) -> list[list[int]]:
    """The places of what is alike, in the order of the first of each; most groups hold one place.

    Args:
        said: (speaker, text) of each.
    """
    found: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for place, (speaker, text) in enumerate(said):
        found.setdefault((speaker, _words(text)), []).append(place)
    return list(found.values())


def _words(text: str) -> tuple[str, ...]:
    words = [word.strip(_AROUND) for word in text.casefold().split()]
    return tuple(word for word in words if word and word not in _FILLERS) or tuple(words)


def once(hits: Sequence[Hit]) -> list[Hit]:
    """Of what one speaker said again in the same words the latest, where the first of it stood; ranked anew."""
    said = groups((hit.memory.speaker, hit.text) for hit in hits)
    latest = (max((hits[place] for place in places), key=lambda hit: hit.memory.valid_from) for places in said)
    return [replace(hit, rank=rank) for rank, hit in enumerate(latest, 1)]


def counted(ids: Sequence[str], times: Sequence[datetime] = ()) -> str:
    """What a line says of those that it stands for, if it stands for several: how many, since when, and their ids."""
    days = {moment.date() for moment in times}
    since = f" since {min(days)}" if len(days) > 1 else ""
    return f" ({len(ids)} times{since}: {', '.join(ids)})" if len(ids) > 1 else ""
