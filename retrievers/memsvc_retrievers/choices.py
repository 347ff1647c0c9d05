"""What can be chosen about reading; apart from where it is done, so that settings and clients import none of that."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

Policy = Literal["quality", "majority", "consensus", "filter", "calibrated", "never", "always"]
POLICIES: tuple[Policy, ...] = get_args(Policy)

Deliberation = Literal["scan", "hypergraph", "auto"]
DELIBERATIONS: tuple[Deliberation, ...] = get_args(Deliberation)

POOL = 200
"""Candidates of each ingredient of a look-up, and the most hits that a token budget is filled from."""

FLOOR = 0.01
"""Relevance below which `ask` and the tools of MCP leave a hit out. Of the evidence among the first ten hits 98 % is
above it, and most of what a stranger's question finds is not (`benchmarks/relevance.py`).
"""

Style = Literal["short", "reasoned"]
"""How answers are worded: in five or six words, or in sentences that give their grounds."""
STYLES: tuple[Style, ...] = get_args(Style)

ModelRole = Literal["draft", "answer", "gate", "deliberate", "extract", "reflect"]
"""What a language model can be set for by itself: the fast answer, the answer after deliberation, judging the fast one,
reading the log again, working facts out, and summing episodes up."""
MODEL_ROLES: tuple[ModelRole, ...] = get_args(ModelRole)

ROLES: Mapping[str, ModelRole] = MappingProxyType(
    {
        "draft": "draft", "answer": "answer",
        "gate": "gate", "vote": "gate", "filter": "gate",
        "extract": "deliberate", "evolve": "deliberate", "merge": "deliberate", "judge": "deliberate",
        "facts": "extract", "update": "extract",
        "reflect": "reflect",
    }
)  # fmt: skip
"""The role of each purpose that a prompt can have, as the ledger names it."""


@dataclass(frozen=True, slots=True)
class Scan:
    """How the log is read. Tokens are estimated (`passages.tokens`).

    Attributes:
        chunk: messages a call.
        context: messages before them that are shown to be understood.
        tokens: of the log that are read in all.
        room: tokens of lines that one prompt holds; a chunk ends there, too.
    """

    chunk: int = 60
    context: int = 4
    tokens: int = 200_000
    room: int = 11_000
