from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from memsvc_evals import DatasetError
from memsvc_evals.learning.llb.database import Database, Refused, in_sqlite
from memsvc_evals.learning.llb.tasks import load_tasks, reward, same_rows
from tests.evals.builders import write
from tests.evals.learning.conftest import BOATS, RECORDS, record

if TYPE_CHECKING:
    from pathlib import Path

    from memsvc_evals.learning.llb.tasks import Task

    Tasks = dict[str, Task]


def test_every_gold_statement_solves_its_task(tasks: Tasks) -> None:
    assert {name: reward(task, task.gold) for name, task in tasks.items()} == dict.fromkeys(RECORDS, 1)


@pytest.mark.parametrize(
    ("name", "statement", "earned"),
    [
        ("long", "SELECT owner_name FROM boats WHERE length_m >= 10", 1),
        (
            "long",
            "SELECT owner_name FROM boats WHERE length_m > 9 ORDER BY owner_name",
            1,
        ),
        ("long", "SELECT owner_name FROM boats", 0),
        ("long", "SELECT owner_name, length_m FROM boats WHERE length_m > 9", 0),
        ("long", "SELECT owner FROM boats", 0),
        ("long", "", 0),
        ("longest", "SELECT owner_name, length_m FROM boats ORDER BY length_m ASC", 0),
        ("longest", "DELETE FROM boats", 0),
        ("moor", "UPDATE boats SET status = 'Moored' WHERE owner_name = 'Bo'", 1),
        ("moor", "UPDATE boats SET status = 'Moored'", 0),
        ("moor", "SELECT * FROM boats", 0),
        ("moor", "UPDATE boats SET status = 'Moored' WHERE boat_id = 2; DROP TABLE boats", 0),
    ],
)
def test_a_reward_looks_at_what_was_done(tasks: Tasks, name: str, statement: str, earned: int) -> None:
    assert reward(tasks[name], statement) == earned


def test_an_order_with_ties_may_be_mysqls_or_sqlites(tasks: Tasks) -> None:
    task = replace(
        tasks["long"],
        gold="SELECT owner_name FROM boats ORDER BY status;",
        answer=(("Bo",), ("Ada",), ("Cy",), ("Ada",)),
    )
    assert reward(task, "SELECT owner_name FROM boats ORDER BY status, length_m DESC") == 1
    assert reward(task, "SELECT owner_name FROM boats ORDER BY status") == 1
    assert reward(task, "SELECT owner_name FROM boats ORDER BY status DESC") == 0


def test_a_change_leaves_the_task_as_it_was(tasks: Tasks) -> None:
    assert reward(tasks["moor"], "DELETE FROM boats") == 0
    assert reward(tasks["moor"], tasks["moor"].gold) == 1


@pytest.mark.parametrize("statement", ["SELECT", "SELECT nothing FROM boats", "SELEC 1", "SELECT 1; SELECT 2"])
def test_what_sqlite_refuses_has_a_reason(statement: str) -> None:
    with Database(BOATS) as database:
        refused = database.run(statement)
    assert isinstance(refused, Refused)
    assert refused.reason


def test_a_statement_without_end_is_stopped() -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with Database(BOATS) as database:
        assert database.run(endless) == Refused("interrupted")
        assert database.run("SELECT count(*) FROM boats") == [(4,)]


def test_mysqls_ways_are_sqlites() -> None:
    with Database(BOATS) as database:
        assert database.run("SELECT 7 / 2, '7/2'") == [(3.5, "7/2")]
        assert database.run("SELECT ROUND(STDDEV(length_m), 4) FROM boats") == [(1.8028,)]
        assert database.run("SELECT STDDEV(owner_name) FROM boats") == [(None,)]
        database.run("UPDATE boats SET status = 'Sold' WHERE length_m > 8 LIMIT 2;")
        assert [row[0] for row in database.content() if row[3] == "Sold"] == [2, 3]
        database.run("DELETE FROM boats LIMIT 3")
        assert [row[0] for row in database.content()] == [4]


def test_other_statements_stay_as_they_are() -> None:
    for statement in (
        "SELECT a FROM b ORDER BY c LIMIT 5 OFFSET 2;",
        "DELETE FROM b WHERE c IN (SELECT c FROM b LIMIT 2)",
    ):
        assert in_sqlite(statement) == statement


def test_rows_are_compared_by_value() -> None:
    assert same_rows([(206.66667, "a")], [(206.6667, "a")], ordered=True)
    assert same_rows([(2.0,), (None,)], [(None,), (2,)], ordered=False)
    assert not same_rows([(2,), (1,)], [(1,), (2,)], ordered=True)
    assert not same_rows([("1",)], [(1,)], ordered=False)
    assert not same_rows([(1,), (1,)], [(1,), (2,)], ordered=False)
    assert not same_rows([(1,)], [(1, 1)], ordered=False)
    assert not same_rows([(1,)], [], ordered=False)


def test_tasks_that_sqlite_cannot_judge_are_listed(tmp_path: Path) -> None:
    records = {
        **RECORDS,
        "joined": record("Sell them.", "UPDATE boats b JOIN (SELECT 1) c SET b.length_m = 1;", None, BOATS),
        "other": record("Which?", "SELECT owner_name FROM boats LIMIT 1;", [["Cy"]], BOATS),
    }
    tasks, left_out = load_tasks(write(tmp_path / "db.json", records))
    assert [task.id for task in tasks] == list(RECORDS)
    assert [one.id for one in left_out] == ["joined", "other"]
    assert "syntax error" in left_out[0].reason
    assert left_out[1].reason == "SQLite gives other rows"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"instruction": 5}, "instruction"),
        ({"answer_info": {}}, "'direct'"),
        ({"answer_info": {"direct": 5, "sql": "SELECT 1"}}, "a list of rows"),
        ({"table_info": None}, "an object"),
    ],
)
def test_another_form_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    broken = {"x": {**RECORDS["long"], **change}}
    with pytest.raises(DatasetError, match=said):
        load_tasks(write(tmp_path / "db.json", broken))


def test_a_file_without_tasks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"db_train\.json"):
        load_tasks(write(tmp_path / "db.json", {}))
