from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memsvc_evals import DatasetError, load_locomo
from memsvc_evals.datasets.values import count_by_reason
from tests.evals.builders import locomo, question, turn, write

if TYPE_CHECKING:
    from pathlib import Path

    from memsvc_evals import Dataset


def load(tmp_path: Path, *records: Any) -> Dataset:
    return load_locomo(write(tmp_path / "locomo.json", list(records)))


def two_turns(*qa: Any) -> dict[str, Any]:
    return locomo({1: [turn("D1:1"), turn("D1:2")]}, list(qa))


def test_turns_come_in_order_a_microsecond_apart(tmp_path: Path) -> None:
    data = load(tmp_path, locomo({10: [turn("D10:1")], 2: [turn("D2:1", "Hi."), turn("D2:2", "Hi.")]}, []))
    turns = data.conversations[0].turns
    began = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
    assert [found.id for found in turns] == ["D2:1", "D2:2", "D10:1"]
    assert [found.session_id for found in turns] == ["session_2", "session_2", "session_10"]
    assert [found.said_at - began for found in turns] == [timedelta(), timedelta(microseconds=1), timedelta()]
    assert turns[0].speaker == "Ada"


def test_source_and_digest(tmp_path: Path) -> None:
    file = write(tmp_path / "my.json", [two_turns()])
    data = load_locomo(str(file))
    assert data.source == "my.json"
    assert data.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert data.groups["1-4"] == (1, 2, 3, 4)
    assert data.groups["all"] == (1, 2, 3, 4, 5)


def test_captions_are_part_of_the_text(tmp_path: Path) -> None:
    turns = [
        turn("D1:1", "Look!", blip_caption="a red boat", query="secret query", img_url=["http://x"]),
        turn("D1:2", "  ", blip_caption="a goat"),
        turn("D1:3", "", blip_caption="  "),
        turn("D1:4", "Words.", blip_caption=None),
    ]
    data = load(tmp_path, locomo({1: turns}, [question("D1:3")]))
    assert [found.text for found in data.conversations[0].turns] == [
        "Look! [shares a photo: a red boat]",
        "a goat",
        "Words.",
    ]
    assert count_by_reason(data.exclusions) == {
        "evidence id of no message": 1,
        "question without valid evidence": 1,
        "turn without text or caption": 1,
    }
    assert data.exclusions[0].value == "D1:3"


def test_what_must_not_be_indexed_is_nowhere(tmp_path: Path) -> None:
    data = load(tmp_path, locomo({1: [turn("D1:1", query="A secret.")]}, [question("D1:1")]))
    assert "secret" not in repr(data)


def test_dangling_dates_are_not_sessions(tmp_path: Path) -> None:
    record = locomo({1: [turn("D1:1")]}, [], session_20_date_time="not even a date", session_2=[])
    assert [found.id for found in load(tmp_path, record).conversations[0].turns] == ["D1:1"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["D8:6; D9:17"], ("D8:6", "D9:17")),
        (["D:11:26"], ("D11:26",)),
        (["D9:1 D4:4 D4:6"], ("D9:1", "D4:4", "D4:6")),
        (["D30:05"], ("D30:5",)),
        (["D17;39"], ("D17:39",)),
        (["D13:4. D14:4", "D14:4"], ("D13:4", "D14:4")),
    ],
)
def test_evidence_is_repaired_by_the_rule(tmp_path: Path, written: list[str], read: tuple[str, ...]) -> None:
    turns = [turn(identity) for identity in sorted(read)]
    data = load(tmp_path, locomo({1: turns}, [question(*written)]))
    assert data.conversations[0].questions[0].evidence == read
    assert count_by_reason(data.repairs) == {"evidence string read by rule": 1}
    assert not data.exclusions


def test_evidence_that_cannot_be_read_is_left_out_and_counted(tmp_path: Path) -> None:
    data = load(tmp_path, two_turns(question("D1:1", "D"), question("D1:99", "D1:2"), question(), question("")))
    assert [asked.evidence for asked in data.conversations[0].questions] == [("D1:1",), ("D1:2",), (), ()]
    assert count_by_reason(data.exclusions) == {
        "evidence string without an id": 2,
        "question without valid evidence": 2,
        "evidence id of no message": 1,
    }
    assert {note.place for note in data.exclusions} == {
        "locomo.json[0].qa[0].evidence[1]",
        "locomo.json[0].qa[1].evidence",
        "locomo.json[0].qa[2]",
        "locomo.json[0].qa[3].evidence[0]",
        "locomo.json[0].qa[3]",
    }


def test_answers_may_be_numbers_or_missing(tmp_path: Path) -> None:
    adversarial = {"question": "Who?", "evidence": ["D1:2"], "category": 5, "adversarial_answer": "Bo"}
    bare = {"question": "Who?", "evidence": ["D1:2"], "category": 5}
    data = load(tmp_path, two_turns(question("D1:1", answer=2022), adversarial, bare))
    first, second, third = data.conversations[0].questions
    assert (first.answer, second.answer, third.answer) == ("2022", None, None)
    assert count_by_reason(data.repairs) == {"answer was a number": 1, "question without an answer": 1}
    assert data.repairs[-1].value == "conv-1/q2"  # the adversarial one has an answer, though a wrong one
    assert [asked.id for asked in data.conversations[0].questions] == ["conv-1/q0", "conv-1/q1", "conv-1/q2"]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (locomo({1: [turn("D1:1")]}, [], date="8 May 2023"), "session_1_date_time: found '8 May 2023', wanted a date"),
        (locomo({1: [turn("D1:1")]}, [], date="1:56 pm on 31 June, 2023"), "wanted a date"),
        (locomo({1: [turn("D1:1"), turn("D01:01")]}, []), "wanted an id that no other turn"),
        (locomo({1: [turn("one")]}, []), r"session_1\[0\].dia_id: found 'one', wanted an id like 'D3:14'"),
        (locomo({1: [turn("D1:1", speaker=" ")]}, []), "speaker"),
        (locomo({1: [turn("D1:1", blip_caption=["a boat"])]}, []), "blip_caption"),
        (locomo({1: [{"speaker": "Ada", "dia_id": "D1:1"}]}, []), "wanted an object with 'text'"),
        (locomo({1: ["Hello"]}, []), r"session_1\[0\]: found 'Hello', wanted an object"),
        (locomo({}, [], session_1={}), "session_1: found {}, wanted a list"),
        (locomo({}, [], session_1=[turn("D1:1")]), "session_1_date_time"),
        (locomo({}, []), "wanted an object with 'session_1'"),
        (two_turns(question("D1:1", category=6)), r"category: found 6, wanted one of \[1, 2, 3, 4, 5\]"),
        (two_turns(question("D1:1", category=True)), "category: found True"),
        (two_turns(question(7)), r"evidence\[0\]: found 7"),
        (two_turns(question("D1:1") | {"evidence": "D1:1"}), "evidence: found 'D1:1', wanted a list"),
        (two_turns(question("D1:1", answer=["a"])), "answer"),
        (two_turns(question("D1:1") | {"question": ""}), "question"),
        (two_turns("What?"), r"qa\[0\]"),
        ({"sample_id": "x", "conversation": {}}, "wanted an object with 'session_1'"),
        ({"conversation": {}}, "sample_id"),
        ({"sample_id": "x"}, "wanted an object with 'conversation'"),
        ([], "wanted an object"),
    ],
)
def test_everything_else_is_an_error_that_names_the_place(tmp_path: Path, record: Any, said: str) -> None:
    with pytest.raises(DatasetError, match=said) as caught:
        load(tmp_path, record)
    assert "locomo.json[0]" in str(caught.value)


def test_two_conversations_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"\[1\].sample_id: found 'conv-1'"):
        load(tmp_path, two_turns(), two_turns())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'[{"sample_id": "conv-1", "conver', "truncated"),
        (b"", "truncated"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"{}", "wanted a list of conversations"),
        (b"[]", "wanted a list of conversations"),
        (b'"a"', "wanted a list of conversations"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_truncated_and_foreign_files(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(content)
    with pytest.raises(DatasetError, match=said) as caught:
        load_locomo(file)
    assert "bad.json" in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, inner in items for path in paths(inner, (*here, key)))]


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_one_wrong_value_anywhere_loads_or_is_our_error(tmp_path: Path, data: st.DataObject) -> None:
    whole = [locomo({1: [turn("D1:1", blip_caption="a goat"), turn("D1:2")]}, [question("D1:1")])]
    *way, last = data.draw(st.sampled_from([path for path in paths(whole) if path]))
    parent: Any = whole
    for key in way:
        parent = parent[key]
    parent[last] = data.draw(json_values)
    with suppress(DatasetError):
        load_locomo(write(tmp_path / "locomo.json", whole))


def test_only_the_first(tmp_path: Path) -> None:
    file = write(tmp_path / "d.json", [two_turns(), locomo({1: [turn("D1:1", "")]}, [], sample_id="conv-2")])
    assert len(load_locomo(file).exclusions) == 1
    first = load_locomo(file, limit=1)
    assert [found.id for found in first.conversations] == ["conv-1"]
    assert not first.exclusions


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"none\.json: cannot be read"):
        load_locomo(tmp_path / "none.json")
    with pytest.raises(DatasetError, match="cannot be read"):
        load_locomo(tmp_path)


def test_the_error_is_a_value_error_of_our_tree() -> None:
    from memsvc.errors import MemsvcError

    assert issubclass(DatasetError, MemsvcError)
    assert issubclass(DatasetError, ValueError)


@pytest.mark.skipif("MEMSVC_LOCOMO" not in os.environ, reason="MEMSVC_LOCOMO names no LoCoMo file")
def test_the_published_file() -> None:
    data = load_locomo(os.environ["MEMSVC_LOCOMO"])
    for conversation in data.conversations:
        times = [found.said_at for found in conversation.turns]
        assert times == sorted(times)
        assert len(set(times)) == len(times)
    assert len([note for note in data.exclusions if note.reason == "question without valid evidence"]) < 10
