"""Which memories a reward is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from memsvc_store.errors import InvalidInput, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

Credit = Literal["uniform", "cited"]
CREDITS: tuple[Credit, ...] = get_args(Credit)


def credited(
    given: Iterable[str], cited: Iterable[str], mode: Credit, used: Iterable[str] | None = None
) -> tuple[str, ...]:
    """The ids that a reward moves, each once, in the order in which they were given, whatever order `used` has.

    `uniform` (MemRL, section 3.3): every memory that was given to the reader gets the whole reward. `cited`: only those
    of them that the answer names as its sources; none if it names none, since a guess would reward bystanders.

    Args:
        used: those that were of use; None for all of them.

    Raises:
        InvalidInput: another mode.
    """
    if mode not in CREDITS:
        raise InvalidInput(f"credit came as {shown(mode)}; give one of {', '.join(CREDITS)}")
    once = tuple(dict.fromkeys(given))
    wanted = set(once if used is None else used)
    if mode == "cited":
        wanted &= set(cited)
    return tuple(memory_id for memory_id in once if memory_id in wanted)
