from __future__ import annotations

import pytest

from memsvc_evals.learning.llb import tail
from memsvc_evals.learning.llb.reading import Token, read, stem
from memsvc_evals.learning.llb.statement import is_question, parse, selected, without_tail, written
from memsvc_evals.learning.llb.tail import Key, Tail
from tests.evals.learning.conftest import BOATS


def slots(instruction: str) -> list[tuple[str, object]]:
    return [(token.kind, token.value) for token in read(instruction, BOATS) if token.kind != "word"]


@pytest.mark.parametrize(
    ("instruction", "found"),
    [
        ("What are the owner names, lengths and statuses?", [("columns", ("owner_name", "length_m", "status"))]),
        ("boats with ID 7", [("columns", ("boat_id",)), ("number", "7")]),
        ("the boat_id and the 'status'", [("columns", ("boat_id", "status"))]),
        ("built before June 3, 2021", [("comparison", "<"), ("text", "2021-06-03")]),
        (
            "more than 1,500 or at least three",
            [("comparison", ">"), ("number", "1500"), ("comparison", ">="), ("number", "3")],
        ),
        ("the total number of boats", [("aggregate", "COUNT")]),
        ("the average length", [("aggregate", "AVG"), ("columns", ("length_m",))]),
        ("from highest to lowest", [("direction", "DESC")]),
        ("those that are moored", [("text", "Moored")]),
        ("named 'Old Boat_2'", [("text", "Old Boat_2")]),
        ("nothing of it", []),
    ],
)
def test_an_instruction_is_read_as_slots(instruction: str, found: list[tuple[str, object]]) -> None:
    assert slots(instruction) == found


def test_words_stay_words() -> None:
    assert read("Which boats?", BOATS) == (Token("word", "which"), Token("word", "boat"), Token("word", "?"))


@pytest.mark.parametrize(
    ("plural", "singular"),
    [("cities", "city"), ("classes", "class"), ("boxes", "box"), ("status", "status"), ("is", "is")],
)
def test_plurals_lose_their_ending(plural: str, singular: str) -> None:
    assert stem(plural) == singular


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Which boats?", Tail((), None, None)),
        ("boats ordered by length", Tail((Key(None, "length_m"),), None, None)),
        (
            "Order the results by status ascending and total length in descending order, limited to 5 entries.",
            Tail((Key(None, "status"), Key("SUM", "length_m", "DESC")), 5, None),
        ),
        (
            "sorted by owner name and length in descending order, skipping the first 2 and returning the next 3",
            Tail((Key(None, "owner_name", "DESC"), Key(None, "length_m", "DESC")), 3, 2),
        ),
        ("ordered from highest to lowest length", Tail((Key(None, "length_m", "DESC"),), None, None)),
        ("the top 4 starting from the third", Tail((), 4, 2)),
        ("boats of more than 5 in order", Tail((), None, None)),
    ],
)
def test_order_and_number_are_read_from_the_instruction(said: str, meant: Tail) -> None:
    assert tail.split(read(said, BOATS))[1] == meant


def test_what_is_said_of_order_is_taken_out() -> None:
    core, _ = tail.split(read("Which owner names, ordered by length, limited to 5? All.", BOATS))
    assert [token.value for token in core] == ["which", ("owner_name",), ",", "?", "all", "."]


@pytest.mark.parametrize(
    ("statement", "keys", "end"),
    [
        ("SELECT owner_name, length_m FROM boats", [Key(None, "length_m", "DESC")], "ORDER BY 2 DESC"),
        ("SELECT owner_name FROM boats", [Key(None, "length_m")], "ORDER BY length_m ASC"),
        ("SELECT b.owner_name FROM boats AS b", [Key(None, "length_m")], "ORDER BY b.length_m ASC"),
        ("SELECT status, COUNT(*), SUM(length_m) FROM boats", [Key("SUM", "length_m")], "ORDER BY 3 ASC"),
        ("SELECT status, SUM(length_m) FROM boats", [Key(None, "length_m")], "ORDER BY 2 ASC"),
        ("SELECT status, COUNT(*) FROM boats", [Key("COUNT", None), Key(None, "status")], "ORDER BY 2 ASC, 1 ASC"),
        ("SELECT status, MAX(length_m) FROM boats", [Key("SUM", None)], "ORDER BY 2 ASC"),
    ],
)
def test_keys_find_the_item_that_is_meant(statement: str, keys: list[Key], end: str) -> None:
    core = parse(statement, BOATS.name, BOATS.kinds)
    assert written(tail.write(Tail(tuple(keys), None, None), core)) == end


def test_a_limit_is_written_with_its_offset() -> None:
    core = parse("SELECT status FROM boats", BOATS.name, BOATS.kinds)
    assert written(tail.write(Tail((), 5, 2), core)) == "LIMIT 5 OFFSET 2"
    assert written(tail.write(Tail((), 5, None), core)) == "LIMIT 5"
    assert tail.write(Tail((), None, 2), core) == ()


def test_a_statement_survives_being_read() -> None:
    statement = (
        "SELECT b.status , COUNT ( * ) AS n FROM boats AS b WHERE b.owner_name = 'O''Neil' GROUP BY b.status LIMIT 3"
    )
    tokens = parse(f"{statement};", BOATS.name, BOATS.kinds)
    assert written(tokens) == statement
    assert is_question(tokens)
    assert written(without_tail(tokens)) == statement.removesuffix(" LIMIT 3")


def test_a_tail_inside_of_parentheses_stays() -> None:
    statement = "SELECT status FROM boats WHERE boat_id IN ( SELECT boat_id FROM boats ORDER BY length_m LIMIT 1 )"
    assert written(without_tail(parse(statement, BOATS.name, BOATS.kinds))) == statement


def test_items_of_a_selection() -> None:
    tokens = parse(
        "SELECT status, owner_name, MAX(length_m) - MIN(length_m) AS span FROM boats", BOATS.name, BOATS.kinds
    )
    assert [written(item) for item in selected(tokens)] == [
        "status", "owner_name", "MAX ( length_m ) - MIN ( length_m ) AS span",
    ]  # fmt: skip
