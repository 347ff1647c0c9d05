"""By which words the speakers of a namespace are named.

A speaker is named by the words of its own name, unless two speakers share the word. Where just two
speak to each other, a speaker is also named by what the other one calls it: "Hey Kate", three times
and hardly ever from anybody else, names the one who is tagged "user" or goes by a nickname.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsvc_store.values.text import STOP_WORDS, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memsvc_store.projections.hypergraph import Hypergraph

MIN_CALLS = 3
MIN_SHARE = 0.8


def names_of_speakers(
    speakers: Sequence[str], speaker_of: NDArray[np.int32], alive: NDArray[np.bool_], graph: Hypergraph
) -> dict[str, str]:
    """Case-folded word -> the speaker's name as it was written.

    Args:
        speakers: names by number.
        speaker_of: the number of each row's speaker.
        alive: which rows count.
        graph: the hyperedges of the rows.
    """
    owners: dict[str, set[int]] = {}
    speaking = set(np.unique(speaker_of[alive]).tolist())
    for number in speaking:
        for word in words(speakers[number]):
            if len(word) > 1 and word not in STOP_WORDS:
                owners.setdefault(word, set()).add(number)
    named = {word: min(numbers) for word, numbers in owners.items() if len(numbers) == 1}
    if len(speaking) == 2:
        called = _called(speaking, speaker_of, alive, graph)
        named |= {name: number for name, number in called.items() if name not in owners}
    return {word: speakers[number] for word, number in named.items()}


def _called(
    speaking: set[int], speaker_of: NDArray[np.int32], alive: NDArray[np.bool_], graph: Hypergraph
) -> dict[str, int]:
    """What each of two speakers is called by the other."""
    called = {}
    for node in graph.of_kind("addressee"):
        rows = graph.members(node)
        callers = np.bincount(speaker_of[rows[alive[rows]]], minlength=1)
        most = int(callers.argmax())
        if callers[most] >= MIN_CALLS and callers[most] >= MIN_SHARE * callers.sum():
            called[node.name] = min(speaking - {most})
    return called
