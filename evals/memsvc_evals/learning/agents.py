"""The arms that are compared: how each looks up what happened before, and whether it learns from a reward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

    from memsvc import Memory
    from memsvc.episodes.found import Episodes

MEMRL = "memrl"
SIMILARITY = "similarity"
RANDOM = "random"
ORACLE = "oracle"
NO_MEMORY = "no memory"

DESCRIPTIONS = {
    MEMRL: "similarity and learned utility, with the settings' own weight and alpha",
    SIMILARITY: "similarity alone (weight 0); rewards change nothing",
    RANDOM: "by chance among the same pool of similar ones",
    ORACLE: "knows which experiences help",
    NO_MEMORY: "is given nothing",
}


@dataclass(frozen=True, slots=True)
class Arm:
    """A way of looking episodes up. `pool` and `top_k` are MemRL's k1 and k2."""

    name: str
    pool: int
    top_k: int

    def find(self, memory: Memory, namespace: str, intent: str, chance: random.Random) -> Episodes:
        """What this arm is given for a task."""
        options: dict[str, Any] = {"pool": self.pool, "top_k": self.top_k}
        if self.name == SIMILARITY:
            options["weight"] = 0.0
        elif self.name == RANDOM:
            options |= {"epsilon": 1.0, "seed": chance.getrandbits(32)}
        return memory.search_episodes(intent, namespace=namespace, **options)

    @property
    def learns(self) -> bool:
        """Whether its rewards are fed back."""
        return self.name == MEMRL


def signed(success: bool) -> float:
    """A success is worth 1, a failure -1.

    The released code of MemRL rewards these tasks with 1 and 0 and starts at a Q of 0.5: twice that, less 1, is a start
    at 0 and rewards of 1 and -1, and z-scores are the same.
    """
    return 1.0 if success else -1.0
