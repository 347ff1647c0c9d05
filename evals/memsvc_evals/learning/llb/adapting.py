"""Carries a statement over from one task to another by filling its slots.

The two instructions are laid side by side: the alignment that shares most, where a word meets the same word and a slot
meets a slot of its kind. What stands in a slot of the old instruction is replaced, wherever the old statement says it,
by what stands in the slot that it met. A slot that met none leaves the statement unfilled, and there is none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from memsvc_evals.learning.llb import tail
from memsvc_evals.learning.llb.reading import Token, read
from memsvc_evals.learning.llb.statement import SqlToken, is_question, parse, without_tail, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memsvc_evals.learning.llb.database import Table

_SHORT = 3  # letters; "of" and "is" meet everywhere
_OPERATORS = ("aggregate", "comparison", "direction")


@dataclass(frozen=True, slots=True)
class Known:
    """An instruction about a table, read once."""

    table: Table
    tokens: tuple[Token, ...]
    core: tuple[Token, ...]
    tail: tail.Tail


@lru_cache(maxsize=4_096)
def know(instruction: str, table: Table) -> Known:
    """Read an instruction; what was read before is remembered."""
    tokens = read(instruction, table)
    core, rest = tail.split(tokens)
    return Known(table, tokens, core, rest)


def adapt(statement: str, old: Known, new: Known) -> str | None:
    """The statement that solved the old task, for the new one; None where a slot stays empty."""
    tokens = parse(statement, old.table.name, old.table.kinds)
    if _is_plain_insert(tokens):
        return _insert(new)
    question = is_question(tokens)
    pairs = align(old.core, new.core) if question else align(old.tokens, new.tokens)
    slots = _Slots(pairs, old, new)
    filled = [slots.fill(token) for token in (without_tail(tokens) if question else tokens)]
    if any(token is None for token in filled):
        return None
    core = tuple(token for token in filled if token is not None)
    return written((*core, *tail.write(new.tail, core)) if question else core)


class Attempt(NamedTuple):
    """What was run for a task before."""

    intent: str
    table: Table
    statement: str


def decide(intent: str, table: Table, successes: Iterable[Attempt], failures: Iterable[Attempt]) -> str:
    """What to run, given what went well and what went wrong, best first. The agent knows no gold statement.

    1. Of the successes it takes the first whose statement it can carry over, unless it has just been shown that this
       very statement failed this very instruction.
    2. A success at this very instruction is taken as it stands.
    3. With nothing to carry over it falls back.
    """
    avoided = {failure.statement for failure in failures if failure.intent == intent}
    for one in successes:
        known = one.intent == intent
        statement = one.statement if known else adapt(one.statement, know(one.intent, one.table), know(intent, table))
        if statement is not None and statement not in avoided:
            return statement
    return fallback(intent, table)


def fallback(instruction: str, table: Table) -> str:
    """The columns that the instruction names last, in the order and number that it names; all if it names none.

    That solves plain listings, and nothing that filters, groups or changes.
    """
    known = know(instruction, table)
    listed = [token.value for token in known.core if token.kind == "columns"]
    longest = max(reversed(listed), key=len, default="*")
    select = SqlToken("columns", tuple(longest))
    core = (SqlToken("raw", "SELECT"), select, SqlToken("raw", "FROM"), SqlToken("table", table.name))
    return written((*core, *tail.write(known.tail, core)))


class _Slots:
    """What each slot of the old instruction met in the new one, and how often."""

    def __init__(self, pairs: Sequence[tuple[Token, Token]], old: Known, new: Known) -> None:
        self._old, self._new = old, new
        self._said = {(token.kind, token.value) for token in old.tokens}
        self._met: defaultdict[tuple[str, object], Counter[str | tuple[str, ...]]] = defaultdict(Counter)
        for before, after in pairs:
            self._met[before.kind, before.value][after.value] += 1
            if before.kind == "columns" and 1 < len(before.value) == len(after.value):
                for name, other in zip(before.value, after.value, strict=True):
                    self._met["columns", (name,)][other,] += 1

    def fill(self, token: SqlToken) -> SqlToken | None:
        """The token of the new statement; None where nothing was met."""
        if token.kind == "table":
            return SqlToken("table", self._new.table.name)
        if token.kind == "raw":
            return token
        if isinstance(token.value, tuple):
            names = self._columns(token.value)
            return None if names is None else SqlToken("columns", names)
        value = self._value(token.kind, token.value)
        return None if value is None else SqlToken(token.kind, value)

    def _columns(self, names: tuple[str, ...]) -> tuple[str, ...] | None:
        met = self._met["columns", names]
        if len(names) > 1 and met:
            return tuple(met.most_common(1)[0][0])
        single = [self._column(name) for name in names]
        return None if None in single else tuple(name for name in single if name is not None)

    def _column(self, name: str) -> str | None:
        """Of the columns that it met, one of its own type if there is one; of those the one met most often."""
        kinds = self._new.table.kinds
        met = {found[0]: times for found, times in self._met["columns", (name,)].items() if len(found) == 1}
        kind = self._old.table.kinds[name]
        return max(met, key=lambda found: (kinds[found] == kind, met[found]), default=None)

    def _value(self, kind: str, value: str) -> str | None:
        met = self._met[kind, value]
        if met:
            return str(met.most_common(1)[0][0])
        # What the old instruction did not say is the statement's own, such as the 1 of "LIMIT 1".
        return None if kind not in _OPERATORS and (kind, value) in self._said else value


@lru_cache(maxsize=65_536)
def align(old: tuple[Token, ...], new: tuple[Token, ...]) -> tuple[tuple[Token, Token], ...]:
    """The slots that meet in the alignment of the highest worth, (Needleman and Wunsch 1970; gaps are free)."""
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        row, below = best[i], best[i + 1]
        for j in range(len(new) - 1, -1, -1):
            worth = _worth(old[i], new[j])
            row[j] = max(below[j], row[j + 1], below[j + 1] + worth if worth else 0.0)
    pairs, i, j = [], 0, 0
    while i < len(old) and j < len(new):
        worth = _worth(old[i], new[j])
        if worth and best[i][j] == best[i + 1][j + 1] + worth:
            pairs.append((old[i], new[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return tuple(pair for pair in pairs if pair[0].kind != "word")


def _worth(old: Token, new: Token) -> float:
    """0 for what can't meet; a slot is worth two words, and half a word more if it says the same."""
    if old.kind != new.kind:
        return 0.0
    if old.kind == "word":
        return 0.0 if old.value != new.value else 0.3 if len(old.value) < _SHORT else 1.0
    return 2.5 if old.kind in _OPERATORS and old.value == new.value else 2.0


def _is_plain_insert(tokens: Sequence[SqlToken]) -> bool:
    words = {token.value.upper() for token in tokens if token.kind == "raw"}  # type: ignore[union-attr]
    return {"INSERT", "VALUES"} <= words


def _insert(new: Known) -> str | None:
    """A row of the values that the instruction names, each for the column beside it: "status 'open'", "8 hours"."""
    row: dict[str, SqlToken] = {}
    said = [token for token in new.tokens if token.kind in ("columns", "text", "number")]
    for at, token in enumerate(said):
        if token.kind == "columns":
            continue
        beside = [said[place] for place in (at - 1, at + 1) if 0 <= place < len(said)]
        names = [one.value[-1] for one in beside if one.kind == "columns" and one.value[-1] not in row]
        if names:
            row[names[0]] = SqlToken("text" if token.kind == "text" else "number", token.value)
    if not row:
        return None
    values = ", ".join(written([value]) for value in row.values())
    return f"INSERT INTO {new.table.name} ({', '.join(row)}) VALUES ({values})"
