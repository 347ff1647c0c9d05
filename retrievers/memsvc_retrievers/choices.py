"""What can be chosen about slow reading; apart from where it is done, so that settings import none of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from memsvc_store.text import count_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_store.shapes import Memory

Policy = Literal["quality", "majority", "consensus", "filter", "never", "always"]
POLICIES: tuple[Policy, ...] = get_args(Policy)

Deliberation = Literal["scan", "hypergraph", "auto"]
DELIBERATIONS: tuple[Deliberation, ...] = get_args(Deliberation)


@dataclass(frozen=True, slots=True)
class Scan:
    """How the log is read: messages a chunk, messages before it that are shown for context, and tokens in all."""

    chunk: int = 60
    context: int = 4
    tokens: int = 200_000

    def fits(self, log: Sequence[Memory]) -> bool:
        """Whether the whole log can be read. No text has more tokens than characters, so that few need counting."""
        characters = sum(len(message.text) for message in log)
        return characters <= self.tokens or sum(count_tokens(message.text) for message in log) <= self.tokens
