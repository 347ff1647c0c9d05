"""One table in SQLite in memory: runs statements that were written for MySQL, and rewards what they do.

A question is rewarded by its rows, compared by value; a change by the table that it leaves behind, compared with the
one that the gold statement leaves. The reward is 0 or 1. MySQL's checksum of the table (`md5` in the file) is not used:
it depends on MySQL's own types.
"""

from __future__ import annotations

import math
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memsvc_evals.learning.llb.values import Row, Table, Task, Value

_CLOSE = 1e-3  # MySQL gives an average with four decimals, SQLite with all of them
_STEPS = 200_000  # instructions of SQLite's machine; a statement over 30 rows takes a few thousand
_LIMITED = re.compile(
    r"^\s*(?:(?P<update>UPDATE)\s+(?P<updated>\w+)|DELETE\s+FROM\s+(?P<deleted>\w+))\b(?P<middle>.*?)"
    r"(?:\bWHERE\b(?P<where>(?:(?!\bLIMIT\b).)*))?\bLIMIT\s+(?P<limit>\d+)\s*;?\s*$",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Refused:
    """SQLite would not run a statement; to the agent that is a failed attempt."""

    reason: str


class Database:
    """A fresh copy of a task's table. A context manager."""

    def __init__(self, table: Table) -> None:
        self._name = _quoted(table.name)
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.create_aggregate("STDDEV", 1, _Deviation)  # type: ignore[arg-type]
        columns = ", ".join(f"{_quoted(name)} {kind}" for name, kind in table.columns)
        self._connection.execute(f"CREATE TABLE {self._name} ({columns})")
        marks = ", ".join("?" * len(table.columns))
        self._connection.executemany(f"INSERT INTO {self._name} VALUES ({marks})", table.rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def run(self, statement: str) -> list[Row] | Refused:
        """The rows that a statement gives, none if it changes the table.

        Refused is what SQLite cannot read, and what takes far longer than any gold statement.
        """
        self._connection.set_progress_handler(lambda: True, _STEPS)
        try:
            with closing(self._connection.execute(in_sqlite(statement))) as cursor:
                return cursor.fetchall()
        except (sqlite3.Error, sqlite3.Warning) as error:
            return Refused(str(error))
        finally:
            self._connection.set_progress_handler(None, 0)

    def content(self) -> list[Row]:
        """All rows of the table."""
        return self._connection.execute(f"SELECT * FROM {self._name}").fetchall()


def reward(task: Task, statement: str) -> int:
    """1 if the statement solves the task, else 0."""
    with Database(task.table) as database, Database(task.table) as solved:
        rows, wanted = database.run(statement), solved.run(task.gold)
        if isinstance(rows, Refused) or isinstance(wanted, Refused):
            return 0
        if task.answer is None:
            return int(same_rows(database.content(), solved.content(), ordered=False))
    # Where the order ties, MySQL and SQLite each have their own; either is right.
    ordered = _is_ordered(task.gold)
    right = (task.answer, wanted)
    return int(_is_question(statement) and any(same_rows(rows, one, ordered=ordered) for one in right))


def same_rows(found: Sequence[Row], wanted: Sequence[Row], *, ordered: bool) -> bool:
    """Whether two results hold the same rows, by value; numbers are equal up to 0.001."""
    if len(found) != len(wanted):
        return False
    pairs = zip(found, wanted, strict=True) if ordered else zip(_sorted(found), _sorted(wanted), strict=True)
    return all(len(a) == len(b) and all(map(_same, a, b)) for a, b in pairs)


def in_sqlite(statement: str) -> str:
    """A statement of MySQL's as SQLite runs it.

    Where a `/` stands, MySQL divides numbers exactly and SQLite integers without a rest. An UPDATE or DELETE with a
    LIMIT becomes one over row ids: SQLite has it only where it was built in.
    """
    outside_of_quotes = (
        part.replace("/", "* 1.0 /") if at % 2 == 0 else part for at, part in enumerate(statement.split("'"))
    )
    statement = "'".join(outside_of_quotes)
    limited = _LIMITED.match(statement)
    if limited is None:
        return statement
    table = limited["updated"] or limited["deleted"]
    verb = f"UPDATE {table}" if limited["update"] else f"DELETE FROM {table}"
    where = f" WHERE {limited['where']}" if limited["where"] else ""
    inner = f"SELECT rowid FROM {table}{where} LIMIT {limited['limit']}"
    return f"{verb}{limited['middle']}WHERE rowid IN ({inner})"


def _is_question(statement: str) -> bool:
    return statement.lstrip().upper().startswith("SELECT")


def _is_ordered(statement: str) -> bool:
    """Whether an ORDER BY stands outside of all parentheses."""
    flat = statement
    while (flatter := re.sub(r"\([^()]*\)", "", flat)) != flat:
        flat = flatter
    return "ORDER BY" in flat.upper()


def _sorted(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: [_place(value) for value in row])


def _place(value: Value) -> tuple[int, float, str]:
    if value is None:
        return (0, 0.0, "")
    return (2, 0.0, value) if isinstance(value, str) else (1, round(float(value), 2), "")


def _same(found: Value, wanted: Value) -> bool:
    if isinstance(found, int | float) and isinstance(wanted, int | float):
        return math.isclose(found, wanted, abs_tol=_CLOSE)
    return found == wanted


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class _Deviation:
    """MySQL's STDDEV: the deviation of a population."""

    def __init__(self) -> None:
        self._values: list[float] = []

    def step(self, value: Value) -> None:
        """One more value; NULL does not count."""
        if isinstance(value, int | float):
            self._values.append(value)

    def finalize(self) -> float | None:
        """The deviation, NULL of nothing."""
        if not self._values:
            return None
        mean = math.fsum(self._values) / len(self._values)
        return math.sqrt(math.fsum((value - mean) ** 2 for value in self._values) / len(self._values))
