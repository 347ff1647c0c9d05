"""LifelongAgentBench (Zheng et al. 2025, arXiv 2505.11942), database tasks: one table, one instruction, one statement.

Read from `db_train.json` or a file of its form. A task is left out where SQLite can't run its gold statement, or
gives other rows than the answer that MySQL gave: which rows a LIMIT without ORDER BY keeps is each engine's own affair.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from memsvc_evals.datasets.reading import as_object, complain, read_json, require, text_of
from memsvc_evals.learning.llb.database import Database, Refused, same_rows
from memsvc_evals.learning.llb.values import LeftOut, Row, Table, Task, Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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
        tuple(require(record, "skill_list", place)),
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
    return tuple(tuple(row) for row in _checked(rows))


def _checked(rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Value]]:
    return rows
