"""The tasks of the database environment: an instruction about one table, and what solves it."""

from __future__ import annotations

from dataclasses import dataclass

Value = str | int | float | None
Row = tuple[Value, ...]


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
class Task:
    """An instruction about one table. `gold` is the statement that solves it.

    `answer` holds the rows that a question has for its answer; a task that changes the table has none.
    """

    id: str
    instruction: str
    table: Table
    gold: str
    answer: tuple[Row, ...] | None
    skills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A task that can't be used, and why."""

    id: str
    reason: str
