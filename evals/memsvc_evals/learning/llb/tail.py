"""How a question wants its rows ordered and cut, read from its instruction: the agent can do that without an example.

"ordered by city in ascending order and total sales in descending order, skipping the first 2 and returning the next 5"
is an ORDER BY of two items, LIMIT 5 OFFSET 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memsvc_evals.learning.llb.statement import SqlToken, selected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memsvc_evals.learning.llb.reading import Token

_ORDERS = ("ordered", "sorted")
_ORDERS_BY = ("order", "sort", "ordering", "sorting")
_ENDS = (".", "?", ";", "limit", "limited", "limiting", "skip", "skipping", "return", "returning", "start", "starting")
_KEEPS = ("limit", "limited", "limiting", "top", "next", "returning", "including")
_SKIPS = ("skip", "skipping", "excluding")
_STARTS = ("start", "starting", "from", "beginning")
_NEAR = 6  # words between "limit" or "skipping" and the number that it speaks of


@dataclass(frozen=True, slots=True)
class Key:
    """What rows are ordered by: an aggregate, of a column if one is named, or a column."""

    aggregate: str | None
    column: str | None
    direction: str = "ASC"


@dataclass(frozen=True, slots=True)
class Tail:
    """The order, and which of the ordered rows are wanted."""

    keys: tuple[Key, ...]
    limit: int | None
    offset: int | None


def split(tokens: Sequence[Token]) -> tuple[tuple[Token, ...], Tail]:
    """The instruction without what it says of order and number, and that."""
    order = _order_span(tokens)
    rest = [*tokens[: order.start], *tokens[order.stop :]]
    limit, offset, said = _cut(rest)
    core = tuple(token for at, token in enumerate(rest) if at not in said)
    return core, Tail(_keys(tokens[order.start : order.stop]), limit, offset)


def write(tail: Tail, core: Sequence[SqlToken]) -> tuple[SqlToken, ...]:
    """The ORDER BY and the LIMIT of a question whose other part is known."""
    items = selected(core)
    keys = [f"{_target(key, items)} {key.direction}" for key in tail.keys]
    parts = [f"ORDER BY {', '.join(keys)}"] if keys else []
    if tail.limit is not None:
        parts.append(f"LIMIT {tail.limit}" + (f" OFFSET {tail.offset}" if tail.offset else ""))
    return tuple(SqlToken("raw", part) for part in parts)


def _target(key: Key, items: Sequence[tuple[SqlToken, ...]]) -> str:
    """The place of the item that is meant; a column that is not among the items goes by its name.

    "ordered by total hours" means the item that adds hours up, "ordered by hours" does so too where no item is plainly
    the hours.
    """
    plain = [at for at, item in enumerate(items, 1) if item == (SqlToken("columns", (key.column or "",)),)]
    if key.aggregate is None and plain:
        return str(plain[0])
    holding = [(at, item) for at, item in enumerate(items, 1) if any(token.kind == "aggregate" for token in item)]
    for at, item in holding:
        named = key.column is not None and any(token.kind == "columns" and key.column in token.value for token in item)
        if named and (key.aggregate is None or SqlToken("aggregate", key.aggregate) in item):
            return str(at)
    for at, item in holding:
        if key.aggregate is not None and SqlToken("aggregate", key.aggregate) in item:
            return str(at)
    if key.column is not None:
        return f"{_prefix(items)}{key.column}"
    return str(holding[0][0]) if holding else "1"


def _prefix(items: Sequence[tuple[SqlToken, ...]]) -> str:
    """`t.` where the items say `t.name`."""
    dotted = [item[0].value for item in items if len(item) > 1 and item[1].value == "."]
    return f"{dotted[0]}." if dotted else ""


def _order_span(tokens: Sequence[Token]) -> range:
    """From "ordered by" to the end of what it says; empty if nothing is said of order."""
    for start, token in enumerate(tokens):
        by = any(_is(other, ("by",)) for other in tokens[start + 1 : start + 5])
        if _is(token, _ORDERS) or (_is(token, _ORDERS_BY) and by):
            ends = (at for at in range(start + 1, len(tokens)) if _is(tokens[at], _ENDS))
            return range(start, next(ends, len(tokens)))
    return range(len(tokens), len(tokens))


def _keys(tokens: Sequence[Token]) -> tuple[Key, ...]:
    """A direction holds for all keys before it that have none yet; without any, for what follows."""
    keys: list[Key] = []
    waiting: list[Key] = []
    default = "ASC"
    for key_or_direction in _named(tokens):
        if isinstance(key_or_direction, Key):
            waiting.append(key_or_direction)
        elif waiting:
            keys += [replace(key, direction=key_or_direction) for key in waiting]
            waiting = []
        else:
            default = key_or_direction
    return (*keys, *(replace(key, direction=default) for key in waiting))


def _named(tokens: Sequence[Token]) -> Iterator[Key | str]:
    """Keys and directions as they come; an aggregate takes the column that follows it, if one does."""
    aggregate: str | None = None
    for token in tokens:
        if aggregate is not None and token.kind in ("aggregate", "direction"):
            yield Key(aggregate, None)
            aggregate = None
        if token.kind == "aggregate":
            aggregate = str(token.value)
        elif token.kind == "columns":
            yield Key(aggregate, token.value[0])
            yield from (Key(None, name) for name in token.value[1:])
            aggregate = None
        elif token.kind == "direction":
            yield str(token.value)
    if aggregate is not None:
        yield Key(aggregate, None)


def _cut(tokens: Sequence[Token]) -> tuple[int | None, int | None, set[int]]:
    """(limit, offset, the places of the tokens that say so)."""
    limit: int | None = None
    offset: int | None = None
    said: set[int] = set()
    for at, token in enumerate(tokens):
        cue = _cue(tokens, at)
        if cue is None or token.kind != "number" or not str(token.value).isdigit():
            continue
        number = int(str(token.value))
        if limit is None and _is(tokens[cue], _KEEPS):
            limit = number
        elif offset is None and not _is(tokens[cue], _KEEPS):
            offset = number if _is(tokens[cue], _SKIPS) else number - 1
        said |= set(range(cue, at + 1))
    return limit, offset, said


def _cue(tokens: Sequence[Token], at: int) -> int | None:
    """The nearest word before a place that says what its number is for; none beyond the sentence."""
    for place in range(at - 1, max(-1, at - _NEAR - 1), -1):
        if _is(tokens[place], (*_KEEPS, *_SKIPS, *_STARTS)):
            return place
        if tokens[place].kind == "number" or _is(tokens[place], (".", "?")):
            return None
    return None


def _is(token: Token, words: Sequence[str]) -> bool:
    return token.kind == "word" and token.value in words
