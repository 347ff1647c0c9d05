"""Which memories a reward is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from memsvc_store.errors import InvalidInput, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

Credit = Literal["uniform", "cited"]
CREDITS: tuple[Credit, ...] = get_args(Credit)


def credited(used: Iterable[str], cited: Iterable[str], mode: Credit) -> tuple[str, ...]:
    """The ids that a reward moves, each once, in the order in which they were used.

    `uniform` (MemRL, section 3.3): every memory that was given to the reader gets the whole reward. `cited`: only those
    of them that the answer names as its sources; none if it names none, since a guess would reward bystanders.

    Raises:
        InvalidInput: another mode.
    """
    once = tuple(dict.fromkeys(used))
    if mode == "uniform":
        return once
    if mode == "cited":
        named = set(cited)
        return tuple(memory_id for memory_id in once if memory_id in named)
    raise InvalidInput(f"credit came as {shown(mode)}; give one of {', '.join(CREDITS)}")
