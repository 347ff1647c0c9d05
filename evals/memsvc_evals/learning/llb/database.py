"""One table in SQLite in memory: runs statements that were written for MySQL."""

from __future__ import annotations

import math
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Self

Value = str | int | float | None
Row = tuple[Value, ...]

_STEPS = 200_000  # instructions of SQLite's machine; a statement over 30 rows takes a few thousand
_LIMITED = re.compile(
    r"^\s*(?:(?P<update>UPDATE)\s+(?P<updated>\w+)|DELETE\s+FROM\s+(?P<deleted>\w+))\b(?P<middle>.*?)"
    r"(?:\bWHERE\b(?P<where>(?:(?!\bLIMIT\b).)*))?\bLIMIT\s+(?P<limit>\d+)\s*;?\s*$",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table before the task is done. `columns` are pairs of name and type, `INT` or `TEXT`."""

    name: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]

    @property
    def kinds(self) -> dict[str, str]:
        """The type by the name."""
        return dict(self.columns)


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
