"""A statement as tokens with the same kinds as an instruction's, so that the two can be laid side by side."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

SqlKind = Literal["raw", "table", "columns", "text", "number", "aggregate", "comparison", "direction"]


class SqlToken(NamedTuple):
    """A piece of a statement. The value of `columns` is a tuple of names; a `text` comes without its quotes."""

    kind: SqlKind
    value: str | tuple[str, ...]


_WORDS: dict[str, SqlKind] = {
    **dict.fromkeys(("AVG", "COUNT", "MAX", "MIN", "SUM"), "aggregate"),
    **dict.fromkeys(("ASC", "DESC"), "direction"),
    **dict.fromkeys(("<", ">", "<=", ">="), "comparison"),
}
_PIECE = re.compile(r"'(?:[^']|'')*'|\d+(?:\.\d+)?|[A-Za-z_]\w*|<=|>=|<>|!=|\S")


def parse(statement: str, table: str, columns: Collection[str]) -> tuple[SqlToken, ...]:
    """The statement's tokens; columns that are listed one after the other are one token."""
    names = {name.lower(): name for name in columns}
    tokens: list[SqlToken] = []
    pieces = _PIECE.findall(statement.rstrip().rstrip(";"))
    for piece, following in zip(pieces, [*pieces[1:], ""], strict=True):
        name = None if tokens and _is(tokens[-1], "AS") else names.get(piece.lower())
        if name is None:
            tokens.append(_token(piece, table))
        elif (
            following != "." and [token.kind for token in tokens[-2:]] == ["columns", "raw"] and tokens[-1].value == ","
        ):
            # "name, city" is one list; in "name, c.city" the c is none of it, though a column may be called so
            tokens[-2:] = [SqlToken("columns", (*tokens[-2].value, name))]
        else:
            tokens.append(SqlToken("columns", (name,)))
    return tuple(tokens)


def _token(piece: str, table: str) -> SqlToken:
    if piece.lower() == table.lower():
        return SqlToken("table", piece)
    if piece.startswith("'"):
        return SqlToken("text", piece[1:-1].replace("''", "'"))
    if piece[0].isdigit():
        return SqlToken("number", piece)
    kind = _WORDS.get(piece.upper(), "raw")
    return SqlToken(kind, piece if kind == "raw" else piece.upper())


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
