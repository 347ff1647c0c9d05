"""Two made-up tables and the tasks on them, in the form of `db_train.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from memsvc_evals.learning.llb.database import Table
from memsvc_evals.learning.llb.tasks import load_tasks
from tests.evals.builders import write

if TYPE_CHECKING:
    from pathlib import Path

    from memsvc_evals.learning.llb.tasks import Task

BOATS = Table(
    "boats",
    (("boat_id", "INT"), ("owner_name", "TEXT"), ("length_m", "INT"), ("status", "TEXT")),
    ((1, "Ada", 7, "Moored"), (2, "Bo", 12, "Away"), (3, "Cy", 9, "Moored"), (4, "Ada", 10, "Away")),
)
BEES = Table(
    "hives",
    (("hive_id", "INT"), ("keeper", "TEXT"), ("honey_kg", "INT"), ("state", "TEXT")),
    ((1, "Kim", 20, "Strong"), (2, "Lou", 5, "Weak"), (3, "Kim", 11, "Strong")),
)


def record(instruction: str, sql: str, direct: list[Any] | None, table: Table) -> dict[str, Any]:
    """A task as the file holds it."""
    return {
        "instruction": instruction,
        "answer_info": {"direct": direct, "md5": None, "sql": sql},
        "table_info": {
            "name": table.name,
            "column_info_list": [{"name": name, "type": kind} for name, kind in table.columns],
            "row_list": [list(row) for row in table.rows],
        },
    }


RECORDS = {
    "longest": record(
        "What are the owner names and lengths? Return the results ordered by length in descending order.",
        "SELECT owner_name, length_m FROM boats ORDER BY length_m DESC;",
        [["Bo", 12], ["Ada", 10], ["Cy", 9], ["Ada", 7]],
        BOATS,
    ),
    "long": record(
        "What are the owner names of boats with a length greater than 9?",
        "SELECT owner_name FROM boats WHERE length_m > 9;",
        [["Bo"], ["Ada"]],
        BOATS,
    ),
    "rich": record(
        "What are the keepers of hives with a honey greater than 10?",
        "SELECT keeper FROM hives WHERE honey_kg > 10;",
        [["Kim"], ["Kim"]],
        BEES,
    ),
    "moor": record(
        "Update the status to 'Moored' for the boat with ID 2.",
        "UPDATE boats SET status = 'Moored' WHERE boat_id = 2;",
        None,
        BOATS,
    ),
    "weaken": record(
        "Update the state to 'Weak' for the hive with ID 3.",
        "UPDATE hives SET state = 'Weak' WHERE hive_id = 3;",
        None,
        BEES,
    ),
}


@pytest.fixture(scope="session")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Task]:
    path: Path = write(tmp_path_factory.mktemp("llb") / "db.json", RECORDS)
    return {task.id: task for task in load_tasks(path)[0]}
