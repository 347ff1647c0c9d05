"""LifelongAgentBench (Zheng et al. 2025, arXiv 2505.11942), database tasks: one table, one instruction, one statement.

Read from `db_train.json` or a file of its form. A task is left out where SQLite can't run its gold statement, or
gives other rows than the answer that MySQL gave: which rows a LIMIT without ORDER BY keeps is each engine's own affair.

A question is rewarded by its rows, compared by value; a change by the table that it leaves behind, compared with the
one that the gold statement leaves. The reward is 0 or 1. MySQL's checksum of the table (`md5` in the file) is not used:
it depends on MySQL's own types.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memsvc_evals.datasets.reading import as_object, complain, read_json, require, text_of
from memsvc_evals.learning.llb.database import Database, Refused, Row, Table, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_CLOSE = 1e-3  # MySQL gives an average with four decimals, SQLite with all of them


@dataclass(frozen=True, slots=True)
class Task:
    """An instruction about one table, its intent. `gold` is the statement that solves it.

    `answer` holds the rows that a question has for its answer; a task that changes the table has none.
    """

    id: str
    intent: str
    table: Table
    gold: str
    answer: tuple[Row, ...] | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A task that can't be used, and why."""

    id: str
    reason: str


def load_tasks(path: str | Path) -> tuple[tuple[Task, ...], tuple[LeftOut, ...]]:
    """The tasks of a file in its order, and those that SQLite can't judge.

    Raises:
        DatasetError: the file can't be read, or is of another form.
    """
    file = Path(path)
    records, _ = read_json(file)
    tasks: list[Task] = []
    left_out: list[LeftOut] = []
    for name, record in as_object(records, file.name).items():
        task = _task(name, record, f"{file.name}.{name}")
        reason = _unusable(task)
        if reason is None:
            tasks.append(task)
        else:
            left_out.append(LeftOut(name, reason))
    if not tasks:
        raise complain(str(file), records, "database tasks, as in db_train.json")
    return tuple(tasks), tuple(left_out)


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


def _unusable(task: Task) -> str | None:
    with Database(task.table) as database:
        rows = database.run(task.gold)
    if isinstance(rows, Refused):
        return f"SQLite cannot run its statement: {rows.reason}"
    if task.answer is not None and not same_rows(rows, task.answer, ordered=False):
        return "SQLite gives other rows"
    return None


def _task(name: str, record: Any, place: str) -> Task:
    record = as_object(record, place)
    info = as_object(require(record, "answer_info", place), f"{place}.answer_info")
    direct = require(info, "direct", f"{place}.answer_info")
    return Task(
        name,
        text_of(record, "instruction", place),
        _table(as_object(require(record, "table_info", place), f"{place}.table_info"), f"{place}.table_info"),
        text_of(info, "sql", f"{place}.answer_info"),
        None if direct is None else _rows(direct, f"{place}.answer_info.direct"),
    )


def _table(info: Mapping[str, Any], place: str) -> Table:
    columns = [as_object(one, f"{place}.column_info_list") for one in require(info, "column_info_list", place)]
    return Table(
        text_of(info, "name", place),
        tuple((text_of(one, "name", place), text_of(one, "type", place)) for one in columns),
        _rows(require(info, "row_list", place), f"{place}.row_list"),
    )


def _rows(rows: Any, place: str) -> tuple[Row, ...]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise complain(place, rows, "a list of rows")
    return tuple(tuple(row) for row in rows)


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
