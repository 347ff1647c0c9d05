"""BEAM's files: what is read of them, what is left out, what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from memsvc import Memory, wiring
from memsvc.testing import HashEmbedder
from memsvc_cli.app import app
from memsvc_evals import DatasetError, evaluate, load_beam

CHAT = [
    {"batch_number": 1, "turns": [[
        {"role": "user", "id": 0, "content": "Plan my boat trip. ->-> 1,1", "time_anchor": "March-15-2024"},
        {"role": "assistant", "id": 1, "content": "Here is a plan for the boat trip."},
    ], [{"role": "user", "id": 2, "content": "->-> 1,2"}]]},
    {"batch_number": 2, "turns": [[
        {"role": "user", "id": 3, "content": "The boat leaks.", "time_anchor": "April-05-2024"},
        {"role": "assistant", "id": 4, "content": "Use epoxy resin."},
    ]]},
]  # fmt: skip
ASKED = {
    "knowledge_update": [
        {"question": "What about the boat?", "answer": "It leaks.", "source_chat_ids": {"old": [0], "new": ["3"]}}
    ],
    "information_extraction": [{"question": "Which resin?", "answer": 7, "source_chat_ids": 4}],
    "event_ordering": [{"question": "What came first?", "answer": "x", "source_chat_ids": [[3, 0], 3, 99]}],
    "abstention": [{"question": "Who sold it?", "ideal_response": "Not said.", "source_chat_ids": None}],
}


def write(folder: Path, chat: Any = CHAT, asked: Any = ASKED) -> Path:
    folder.mkdir(parents=True)
    (folder / "chat.json").write_text(json.dumps(chat))
    (folder / "probing_questions.json").write_text(json.dumps(asked))
    return folder


def test_messages_keep_role_session_day_and_order(tmp_path: Path) -> None:
    [chat] = load_beam(write(tmp_path / "1")).conversations
    first, second = datetime(2024, 3, 15, tzinfo=UTC), datetime(2024, 4, 5, tzinfo=UTC)
    tick = timedelta(microseconds=1)
    assert [(turn.id, turn.session_id, turn.role, turn.text, turn.said_at) for turn in chat.turns] == [
        ("0", "block_1", "user", "Plan my boat trip.", first),
        ("1", "block_1", "assistant", "Here is a plan for the boat trip.", first + tick),
        ("3", "block_2", "user", "The boat leaks.", second),
        ("4", "block_2", "assistant", "Use epoxy resin.", second + tick),
    ]


def test_evidence_is_found_in_whatever_it_is_wrapped(tmp_path: Path) -> None:
    dataset = load_beam(write(tmp_path / "1"))
    [chat] = dataset.conversations
    assert {question.id: (question.evidence, question.answer) for question in chat.questions} == {
        "1/knowledge_update-1": (("0", "3"), "It leaks."),
        "1/information_extraction-1": (("4",), "7"),
        "1/event_ordering-1": (("3", "0"), "x"),
        "1/abstention-1": ((), None),
    }
    assert sorted((note.reason, note.value) for note in dataset.exclusions) == [
        ("evidence id of no message", "99"),
        ("question without valid evidence", "abstention"),
        ("turn without text or caption", "2"),
    ]


def test_chats_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("10", "9", "1"):
        write(tmp_path / "100K" / name)
    dataset = load_beam(tmp_path / "100K")
    assert [one.id for one in dataset.conversations] == ["1", "9", "10"]
    assert [one.id for one in load_beam(tmp_path / "100K", limit=2).conversations] == ["1", "9"]
    assert set(dataset.files) == {f"{name}/{file}" for name in ("1", "9", "10") for file in
                                  ("chat.json", "probing_questions.json")}  # fmt: skip


@pytest.mark.parametrize(
    ("chat", "asked", "says"),
    [
        ({}, ASKED, "wanted a list"),
        ([{"batch_number": 1}], ASKED, "'turns'"),
        ([{"turns": [[{"role": "tool", "id": 1, "content": "x"}]]}], ASKED, "user or assistant"),
        ([{"turns": [[{"role": "user", "id": 1, "content": "x"}] * 2]}], ASKED, "no message before it has"),
        ([{"turns": [[{"role": "user", "id": 1, "content": None}]]}], ASKED, "a string"),
        ([{"turns": [[{"role": "user", "id": 1, "content": "x", "time_anchor": "soon"}]]}], ASKED, "a date like"),
        (CHAT, {"riddles": []}, "one of abstention"),
        (CHAT, {"abstention": [{"answer": "x"}]}, "'question'"),
    ],
)
def test_what_is_of_another_form_is_our_error(tmp_path: Path, chat: Any, asked: Any, says: str) -> None:
    with pytest.raises(DatasetError, match=says):
        load_beam(write(tmp_path / "1", chat, asked))


def test_a_folder_without_chats_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="such as BEAM/chats/100K"):
        load_beam(tmp_path)


def test_roles_are_told_apart_and_recall_is_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = load_beam(write(tmp_path / "1"))
    with Memory.open(":memory:", embedder=HashEmbedder()) as memory:
        result = evaluate(memory, dataset, baselines=False)
        stored = memory.list(namespace="beam/1", limit=9)
        assert {one.speaker for one in stored} == {"user", "assistant"}
    assert result.metrics["memsvc"]["all"]["recall@10"] == 1.0
    assert result.counts["all"] == {"asked": 4, "scored": 3}
    monkeypatch.setattr(wiring, "build_embedder", lambda _: HashEmbedder())
    shown = CliRunner().invoke(app, ["eval", "beam", "--data", str(tmp_path), "--json"])
    assert json.loads(shown.output)["dataset"]["name"] == "beam"
