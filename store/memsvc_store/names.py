"""By which words the speakers of a namespace are named.

A speaker is named by the words of its own name, unless two speakers share the word. Where just two
speak to each other, a speaker is also named by what the other one calls it: "Hey Kate", three times
and hardly ever from anybody else, names the one who is tagged "user" or goes by a nickname.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsvc_store.text import STOP_WORDS, words

if TYPE_CHECKING:
    from memsvc_store.shard import Shard

MIN_CALLS = 3
MIN_SHARE = 0.8


def names_of_speakers(shard: Shard) -> dict[str, str]:
    """Case-folded word -> the speaker's name as it was written."""
    owners: dict[str, set[int]] = {}
    speaking = set(np.unique(shard.speaker.values[shard.alive.values]).tolist())
    for number, name in enumerate(shard.speakers.names):
        if number in speaking:
            for word in words(name):
                if len(word) > 1 and word not in STOP_WORDS:
                    owners.setdefault(word, set()).add(number)
    named = {word: min(numbers) for word, numbers in owners.items() if len(numbers) == 1}
    if len(speaking) == 2:
        named |= {name: number for name, number in _called(shard, speaking).items() if name not in owners}
    return {word: shard.speakers.names[number] for word, number in named.items()}


def _called(shard: Shard, speaking: set[int]) -> dict[str, int]:
    """What each of two speakers is called by the other."""
    called = {}
    for node in shard.graph.of_kind("addressee"):
        rows = shard.graph.members(node)
        callers = np.bincount(shard.speaker.values[rows[shard.alive.values[rows]]], minlength=1)
        most = int(callers.argmax())
        if callers[most] >= MIN_CALLS and callers[most] >= MIN_SHARE * callers.sum():
            called[node.name] = min(speaking - {most})
    return called
