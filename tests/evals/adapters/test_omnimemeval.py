"""The calls of OmniMemEval's stages, in their order, on a real database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from memsvc import Memory
from memsvc.testing import HashEmbedder
from memsvc_evals import MeasurementError
from memsvc_evals.adapters import omnimemeval
from memsvc_evals.adapters.omnimemeval import MemsvcClient
from tests.evals.adapters.conftest import JUNE, MAY, SESSIONS

if TYPE_CHECKING:
    from pathlib import Path

A, B = "locomo_exp_user_0_speaker_a_v1", "locomo_exp_user_0_speaker_b_v1"


def view(session: list[dict[str, Any]], speaker: str, time: str) -> list[dict[str, Any]]:
    """A session as one speaker's store is given it."""
    return [
        {
            "role": "user" if turn["speaker"] == speaker else "assistant",
            "name": turn["speaker"],
            "content": f"{turn['speaker']}: {turn['text']}",
            "chat_time": time,
        }
        for turn in session
    ]


def ingest(client: MemsvcClient) -> None:
    """The ingestion of a conversation: each session under each speaker's id."""
    for time, session in SESSIONS.items():
        client.add(view(session, "Ada", time), A)
        client.add(view(session, "Bo", time), B)


def messages(memory: Memory) -> int:
    return sum(memory.stats(namespace=name)["memories"] for name in memory.namespaces())


def test_locomo_runs_through_its_stages(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with Memory.open(path, embedder=HashEmbedder()) as memory:
        client = MemsvcClient(memory)
        client.delete(A)  # a clean slate, before there is anything
        client.delete(B)
        ingest(client)
    with Memory.open(path, embedder=HashEmbedder()) as memory:  # searching is a process of its own
        client = MemsvcClient(memory)
        with ThreadPoolExecutor(2) as workers:
            found = list(workers.map(lambda user: client.search("Who bought a kayak?", user, 2), [A, B]))
        for view in found:  # both hold the same; what the other one said is an assistant's in each, and ranks lower
            assert view.splitlines()[0] == "[2023-05-08 13:56] Ada: I bought a red kayak."
            assert len(view.splitlines()) == 2
        assert "whistle" in client.search(query="parrot whistle", user_id=A, top_k=5)


def test_speakers_times_sessions_and_roles_are_kept(memory: Memory) -> None:
    ingest(MemsvcClient(memory))
    kept = memory.list(namespace=f"omnimemeval/user-{B}")
    assert [one.text for one in kept] == [turn["text"] for session in SESSIONS.values() for turn in session]
    assert [one.speaker for one in kept] == ["Ada", "Bo", "Ada", "Ada", "Bo", "Ada"]
    assert [one.valid_from.isoformat(timespec="minutes") for one in kept[3:5]] == [
        MAY.replace(":00+", "+"),
        JUNE.replace(":00+", "+"),
    ]
    assert [one.session_id for one in kept] == [MAY] * 4 + [JUNE] * 2


def test_a_session_that_is_added_again_is_there_once(memory: Memory) -> None:
    client = MemsvcClient(memory)
    ingest(client)
    ingest(client)
    assert messages(memory) == 12  # the two "Bye!" of a session stay two


def test_users_are_isolated_whatever_their_ids_are(memory: Memory) -> None:
    client = MemsvcClient(memory)
    ids = ["a/b", "a%2Fb", "a", "a/1", "..", " ü "]
    for number, user in enumerate(ids):
        client.add([{"role": "user", "content": f"The secret is {number}."}], user)
    for number, user in enumerate(ids):
        assert client.search("secret", user, 10) == f"user: The secret is {number}."  # no time was given, none is shown
    client.delete("a")
    assert client.search("secret", "a", 10) == ""
    assert client.search("secret", "a/1", 10) != ""


def test_what_is_deleted_is_gone_and_can_be_written_again(memory: Memory) -> None:
    client = MemsvcClient(memory)
    ingest(client)
    for _ in range(2):  # a run with --clear, and another
        client.delete(A)
        assert client.search("kayak", A, 10) == ""
        assert "kayak" in client.search("kayak", B, 10)
        for time, session in SESSIONS.items():
            client.add(view(session, "Ada", time), A)
        assert len(client.search("kayak", A, 10).splitlines()) == 6
    assert messages(memory) == 12


def test_what_a_broken_deletion_left_is_not_mistaken_for_all(memory: Memory) -> None:
    client = MemsvcClient(memory)
    ingest(client)
    namespace = f"omnimemeval/user-{A}"
    memory.delete(memory.list(namespace=namespace)[0].id, namespace=namespace)
    with pytest.raises(MeasurementError, match=r"red kayak\.' is not stored: it was deleted"):
        ingest(client)


def test_longmemeval_has_roles_for_names_and_may_name_sessions(memory: Memory) -> None:
    client = MemsvcClient(memory)
    session = [
        {"role": "user", "content": "Which tyres fit a gravel bike?", "chat_time": MAY},
        {"role": "assistant", "content": "user: that depends on the frame.", "chat_time": MAY},
        {"role": "user", "content": "  ", "chat_time": MAY},
    ]
    client.add(session, "lme_exper_user_v1_0", session_key="s7")
    kept = memory.list(namespace="omnimemeval/user-lme_exper_user_v1_0")
    assert [(one.speaker, one.session_id) for one in kept] == [("user", "s7"), ("assistant", "s7")]
    assert kept[1].text == "user: that depends on the frame."  # no name was given, so none is taken off


def test_a_turn_that_was_a_photo_alone_is_left_out(memory: Memory) -> None:
    client = MemsvcClient(memory)
    client.add(view([{"speaker": "Ada", "text": ""}, {"speaker": "Bo", "text": "Lovely!"}], "Ada", MAY), A)
    assert client.search("Lovely", A, 5) == "[2023-05-08 13:56] Bo: Lovely!"


def test_a_time_that_cannot_be_read_is_an_error(memory: Memory) -> None:
    with pytest.raises(MeasurementError, match="wanted ISO 8601"):
        MemsvcClient(memory).add([{"role": "user", "content": "Hello.", "chat_time": "8 May"}], "ada")


def test_the_clients_of_a_process_share_one_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_embedder: None
) -> None:
    monkeypatch.setenv("MEMSVC_DATABASE", str(tmp_path / "shared.db"))
    omnimemeval._opened.cache_clear()
    with ThreadPoolExecutor(4) as workers:
        clients = list(workers.map(lambda _: MemsvcClient(), range(8)))
    [shared] = {id(client.memory): client.memory for client in clients}.values()
    with shared:
        clients[0].add([{"role": "user", "content": "I moved to Oslo."}], "ada")
        assert "Oslo" in clients[7].search("Where?", "ada", 1)
    omnimemeval._opened.cache_clear()
    assert (tmp_path / "shared.db").exists()
