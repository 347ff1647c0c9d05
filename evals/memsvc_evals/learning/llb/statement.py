"""A statement as tokens with the same kinds as an instruction's, so that the two can be laid side by side."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

SqlKind = Literal["raw", "table", "columns", "text", "number", "aggregate", "comparison", "direction"]


class SqlToken(NamedTuple):
    """A piece of a statement. The value of `columns` is a tuple of names; a `text` comes without its quotes."""

    kind: SqlKind
    value: str | tuple[str, ...]


AGGREGATES = ("AVG", "COUNT", "MAX", "MIN", "SUM")
_PIECE = re.compile(r"'(?:[^']|'')*'|\d+(?:\.\d+)?|[A-Za-z_]\w*|<=|>=|<>|!=|\S")


def parse(statement: str, table: str, columns: Collection[str]) -> tuple[SqlToken, ...]:
    """The statement's tokens; columns that are listed one after the other are one token."""
    names = {name.lower(): name for name in columns}
    pieces = _PIECE.findall(statement.rstrip().rstrip(";"))
    return tuple(_tokens(pieces, table.lower(), names))


def _tokens(pieces: Sequence[str], table: str, names: dict[str, str]) -> Iterator[SqlToken]:
    at = 0
    while at < len(pieces):
        piece = pieces[at]
        renames = at > 0 and pieces[at - 1].upper() == "AS"
        if piece.lower() in names and not renames:
            listed = [names[piece.lower()]]
            while _goes_on(pieces, at, names):
                at += 2
                listed.append(names[pieces[at].lower()])
            yield SqlToken("columns", tuple(listed))
        else:
            yield _token(piece, table)
        at += 1


def _goes_on(pieces: Sequence[str], at: int, names: dict[str, str]) -> bool:
    """Whether a comma and another bare column follow; `t.name` is none, its `t` may be a column's name."""
    following = pieces[at + 1 : at + 4]
    return len(following) > 1 and following[0] == "," and following[1].lower() in names and following[2:] != ["."]


def _token(piece: str, table: str) -> SqlToken:
    upper = piece.upper()
    if piece.lower() == table:
        return SqlToken("table", piece)
    if piece.startswith("'"):
        return SqlToken("text", piece[1:-1].replace("''", "'"))
    if piece[0].isdigit():
        return SqlToken("number", piece)
    if upper in AGGREGATES:
        return SqlToken("aggregate", upper)
    if upper in ("ASC", "DESC"):
        return SqlToken("direction", upper)
    return SqlToken("comparison", piece) if piece in ("<", ">", "<=", ">=") else SqlToken("raw", piece)


def written(tokens: Sequence[SqlToken]) -> str:
    """The tokens as a statement."""
    return " ".join(_text(token) for token in tokens).replace(" . ", ".")


def _text(token: SqlToken) -> str:
    if isinstance(token.value, tuple):
        return ", ".join(token.value)
    return "'" + token.value.replace("'", "''") + "'" if token.kind == "text" else token.value


def is_question(tokens: Sequence[SqlToken]) -> bool:
    """Whether it is a SELECT."""
    return bool(tokens) and _is(tokens[0], "SELECT")


def without_tail(tokens: Sequence[SqlToken]) -> tuple[SqlToken, ...]:
    """Without the ORDER BY and the LIMIT that stand outside of all parentheses."""
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token.value == "(") - (token.value == ")")
        if depth == 0 and (_is(token, "ORDER") or _is(token, "LIMIT")):
            return tuple(tokens[:at])
    return tuple(tokens)


def selected(tokens: Sequence[SqlToken]) -> list[tuple[SqlToken, ...]]:
    """What a SELECT gives, one item a column of the result."""
    items: list[list[SqlToken]] = [[]]
    depth = 0
    for token in tokens[1:]:
        depth += (token.value == "(") - (token.value == ")")
        if depth == 0 and _is(token, "FROM"):
            break
        if depth == 0 and token.value == ",":
            items.append([])
        elif depth == 0 and token.kind == "columns" and not items[-1]:
            items[-1:] = [[SqlToken("columns", (name,))] for name in token.value]
        else:
            items[-1].append(token)
    return [tuple(item) for item in items]


def _is(token: SqlToken, keyword: str) -> bool:
    return token.kind == "raw" and token.value.upper() == keyword  # type: ignore[union-attr]
