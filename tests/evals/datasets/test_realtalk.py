from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from memsvc_evals import DatasetError, load_realtalk
from memsvc_evals.datasets.values import count_by_reason
from tests.evals.builders import chat, chat_turn, question, write

if TYPE_CHECKING:
    from pathlib import Path


def test_times_are_the_turns_own_plus_position(tmp_path: Path) -> None:
    turns = [chat_turn("D1:1"), chat_turn("D1:2"), chat_turn("D1:3", "30.12.2023, 00:32:20")]
    data = load_realtalk(write(tmp_path / "Chat_1_Ada_Bo.json", chat({1: turns}, [])))
    assert [found.said_at for found in data.conversations[0].turns] == [
        datetime(2023, 12, 29, 22, 42, 4, 0, tzinfo=UTC),
        datetime(2023, 12, 29, 22, 42, 4, 1, tzinfo=UTC),
        datetime(2023, 12, 30, 0, 32, 20, 2, tzinfo=UTC),
    ]


def test_evidence_is_joined_by_id_although_the_session_differs(tmp_path: Path) -> None:
    sessions = {1: [chat_turn("D1:1")], 2: [chat_turn("D3:1"), chat_turn("D3:2")]}
    file = write(tmp_path / "Chat_4_Ada_Bo.json", chat(sessions, [question("D3:2", category=1)]))
    conversation = load_realtalk(file).conversations[0]
    assert [(found.id, found.session_id) for found in conversation.turns] == [
        ("D1:1", "session_1"),
        ("D3:1", "session_2"),
        ("D3:2", "session_2"),
    ]
    assert conversation.questions[0].evidence == ("D3:2",)
    assert list(conversation.sessions()) == ["session_1", "session_2"]


def test_photos_and_events(tmp_path: Path) -> None:
    turns = [chat_turn("D1:1", text="See?", blip_caption="a goat"), chat_turn("D1:2", text="")]
    data = load_realtalk(write(tmp_path / "Chat_1.json", chat({1: turns}, [])))
    assert [found.text for found in data.conversations[0].turns] == ["See? [shares a photo: a goat]"]
    assert count_by_reason(data.exclusions) == {"turn without text or caption": 1}
    assert "secret" not in repr(data)


def test_a_folder_of_chats_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("Chat_10_C_D", "Chat_2_A_B"):
        write(tmp_path / f"{name}.json", chat({1: [chat_turn("D1:1")]}, [question("D1:1", category=2)]))
    write(tmp_path / "evidence_repair.json", {})
    data = load_realtalk(tmp_path)
    assert [conversation.id for conversation in data.conversations] == ["Chat_2_A_B", "Chat_10_C_D"]
    assert data.source == tmp_path.name
    assert set(data.files) == {"Chat_2_A_B.json", "Chat_10_C_D.json"}
    assert [found.id for found in load_realtalk(tmp_path, limit=1).conversations] == ["Chat_2_A_B"]
    assert data.sha256 not in data.files.values()
    assert data.sha256 == load_realtalk(tmp_path).sha256
    assert data.groups == {"1": (1,), "2": (2,), "3": (3,), "all": (1, 2, 3)}


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (chat({1: [chat_turn("D1:1", "2023-12-29 22:42")]}, []), r"session_1\[0\].date_time: found '2023-12-29 22:42'"),
        (chat({1: [chat_turn("D1:1", "31.02.2024, 10:00:00")]}, []), "wanted a date like '08.05.2023, 13:56:04'"),
        (chat({1: [chat_turn("D1:1")]}, [question("D1:1", category=4)]), r"wanted one of \[1, 2, 3\]"),
        ({"session_1": [chat_turn("D1:1")]}, "wanted an object with 'qa'"),
        ({"session_1": [{"dia_id": "D1:1", "text": "x"}], "qa": []}, "wanted an object with 'clean_text'"),
        ([], "wanted a REALTALK chat, an object with"),
        ({}, "wanted an object with 'session_1'"),
    ],
)
def test_errors_name_file_and_place(tmp_path: Path, record: Any, said: str) -> None:
    with pytest.raises(DatasetError, match=said) as caught:
        load_realtalk(write(tmp_path / "Chat_1.json", record))
    assert str(caught.value).startswith("Chat_1.json")


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"holds no Chat_\*\.json"):
        load_realtalk(tmp_path)
    with pytest.raises(DatasetError, match="cannot be read"):
        load_realtalk(tmp_path / "Chat_1.json")
