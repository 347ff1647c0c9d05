from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc_evals.learning.llb.adapting import Attempt, adapt, align, decide, fallback, know
from memsvc_evals.learning.llb.reading import Token
from memsvc_evals.learning.llb.tasks import reward
from tests.evals.learning.conftest import BEES, BOATS

if TYPE_CHECKING:
    from memsvc_evals.learning.llb.tasks import Task

    Tasks = dict[str, Task]


def done(task: Task, statement: str | None = None) -> Attempt:
    return Attempt(task.intent, task.table, statement or task.gold)


def carried(old: Task, new: Task) -> str | None:
    return adapt(old.gold, know(old.intent, old.table), know(new.intent, new.table))


def test_statements_are_carried_over_to_another_table(tasks: Tasks) -> None:
    statement = carried(tasks["long"], tasks["rich"])
    assert statement == "SELECT keeper FROM hives WHERE honey_kg > 10"
    assert reward(tasks["rich"], statement) == 1
    changed = carried(tasks["moor"], tasks["weaken"])
    assert changed == "UPDATE hives SET state = 'Weak' WHERE hive_id = 3"


def test_an_operator_follows_the_new_words() -> None:
    old = know("Which owner names have an average length greater than 9?", BOATS)
    new = know("Which keepers have a total honey less than 12?", BEES)
    sql = "SELECT owner_name FROM boats GROUP BY owner_name HAVING AVG(length_m) > 9"
    assert adapt(sql, old, new) == "SELECT keeper FROM hives GROUP BY keeper HAVING SUM ( honey_kg ) < 12"


def test_the_tail_is_the_new_instructions(tasks: Tasks) -> None:
    new = know("What are the keepers and honeys? Return the results ordered by keeper, limited to 2.", BEES)
    old = know(tasks["longest"].intent, BOATS)
    assert adapt(tasks["longest"].gold, old, new) == "SELECT keeper, honey_kg FROM hives ORDER BY 1 ASC LIMIT 2"


def test_an_empty_slot_is_no_statement(tasks: Tasks) -> None:
    assert carried(tasks["moor"], tasks["rich"]) is None


def test_a_row_is_inserted_with_what_the_instruction_names() -> None:
    old = know("Insert a boat with ID 9, owner name 'Di' and length 5.", BOATS)
    new = know("Insert a new hive with ID 4, keeper 'Max', and 8 kg of honey into the hives table.", BEES)
    sql = "INSERT INTO boats (boat_id, owner_name, length_m) VALUES (9, 'Di', 5);"
    assert adapt(sql, old, new) == "INSERT INTO hives (hive_id, keeper, honey_kg) VALUES (4, 'Max', 8)"
    assert adapt(sql, old, know("Insert nothing.", BEES)) is None


def test_what_the_old_instruction_never_said_is_the_statements_own() -> None:
    old = know("What is the owner name of the longest boat?", BOATS)
    new = know("What is the keeper of the longest row?", BEES)
    sql = "UPDATE boats SET owner_name = 'x' WHERE 1 = 1"
    assert adapt(sql, old, new) == "UPDATE hives SET keeper = 'x' WHERE 1 = 1"


def test_an_alignment_pairs_slots_of_a_kind_in_order() -> None:
    old = (Token("word", "a"), Token("number", "1"), Token("text", "x"), Token("number", "2"))
    new = (Token("word", "a"), Token("text", "y"), Token("number", "3"))
    assert align(old, new) == ((old[2], new[1]), (old[3], new[2]))


def test_the_first_success_that_fits_is_followed(tasks: Tasks) -> None:
    task = tasks["rich"]
    assert carried(tasks["moor"], task) is None
    statement = decide(task.intent, task.table, [done(tasks["moor"]), done(tasks["long"])], [])
    assert (statement, reward(task, statement)) == (carried(tasks["long"], task), 1)


def test_what_failed_this_task_is_not_tried_again(tasks: Tasks) -> None:
    task = tasks["rich"]
    tried = decide(task.intent, task.table, [done(tasks["long"])], [])
    again = decide(task.intent, task.table, [done(tasks["long"])], [done(task, tried)])
    assert again == fallback(task.intent, task.table)
    elsewhere = decide(task.intent, task.table, [done(tasks["long"])], [done(tasks["long"], tried)])
    assert elsewhere == tried


def test_a_success_at_the_same_task_is_repeated(tasks: Tasks) -> None:
    task = tasks["moor"]
    special = done(task, "UPDATE boats SET status = 'Moored' WHERE owner_name = 'Bo'")
    assert decide(task.intent, task.table, [special], []) == special.statement


def test_without_experience_it_lists_columns_and_nothing_else(tasks: Tasks) -> None:
    assert {name: reward(task, fallback(task.intent, task.table)) for name, task in tasks.items()} == {
        "longest": 1, "long": 0, "rich": 0, "moor": 0, "weaken": 0,
    }  # fmt: skip
    assert fallback("Do something.", BOATS) == "SELECT * FROM boats"
    for task in tasks.values():
        assert fallback(task.intent, task.table) != task.gold
