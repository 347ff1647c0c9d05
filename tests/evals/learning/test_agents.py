from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from memsvc.testing import HashEmbedder
from memsvc_evals.learning.agents import MEMRL, RANDOM, SIMILARITY, Arm, signed
from memsvc_evals.learning.memories import Clock, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memsvc import Memory

INTENT = "mend the torn net of the old boat"


@pytest.fixture
def memory() -> Iterator[Memory]:
    with opened(HashEmbedder(256), Clock()) as opened_memory:
        for number, filler in enumerate("today soon now later".split()):
            opened_memory.add_episode(f"{INTENT} {filler}", f"Step {number}.", namespace="a", success=True)
        yield opened_memory


def found(arm: str, memory: Memory, seed: int = 0) -> list[str]:
    given = Arm(arm, pool=4, top_k=2).find(memory, "a", INTENT, random.Random(seed))
    return [hit.id for hit in given.hits]


def test_without_feedback_utility_changes_nothing(memory: Memory) -> None:
    assert found(MEMRL, memory) == found(SIMILARITY, memory)


def test_only_memrl_turns_away_from_what_failed(memory: Memory) -> None:
    first, second = found(SIMILARITY, memory)
    given = Arm(MEMRL, 4, 2).find(memory, "a", INTENT, random.Random(0))
    for _ in range(3):
        memory.feedback(given.trace_id or "", signed(success=False), used=[first])
    assert found(SIMILARITY, memory) == [first, second]
    assert found(MEMRL, memory)[0] == second


def test_chance_is_seeded_and_reaches_the_whole_pool(memory: Memory) -> None:
    assert found(RANDOM, memory, 1) == found(RANDOM, memory, 1)
    assert len({tuple(found(RANDOM, memory, seed)) for seed in range(20)}) > 1
    assert len({one for seed in range(20) for one in found(RANDOM, memory, seed)}) == 4


def test_only_memrl_learns() -> None:
    assert [Arm(name, 4, 2).learns for name in (MEMRL, SIMILARITY, RANDOM)] == [True, False, False]
    assert (signed(success=True), signed(success=False)) == (1.0, -1.0)
