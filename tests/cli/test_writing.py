"""add, update, delete."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from memsvc_cli import output, writing

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Shell


def test_a_text_is_stored_under_its_id(shell: Shell) -> None:
    ran = shell("add", "I moved to Oslo.", "--speaker", "Ann", "--timestamp", "2026-03-02T09:00", "--session", "s1")
    assert ran.code == 0
    assert ran.err == ""
    status, memory_id = ran.out.split()
    one = shell("get", memory_id, "--json").document
    assert status == "stored"
    assert one["text"] == "I moved to Oslo."
    assert one["speaker"] == "Ann"
    assert one["session_id"] == "s1"
    assert one["valid_from"] == "2026-03-02T09:00:00Z"


def test_a_second_write_under_the_same_key_is_a_duplicate(shell: Shell) -> None:
    first = shell("add", "hello", "--key", "k").out.split()
    assert first[0] == "stored"
    assert shell("add", "hello", "--key", "k").out.split() == ["duplicate", first[1]]


def test_receipts_as_json_are_stable(shell: Shell) -> None:
    ran = shell("add", "hello", "--timestamp", "2026-03-02T09:00Z", "--json")
    assert ran.code == 0
    document = ran.document
    assert list(document) == ["namespace", "stored", "duplicate", "echo", "rejected", "receipts"]
    stored = {"status": "stored", "id": document["receipts"][0]["id"], "reason": None, "echo_of": None}
    assert document["receipts"] == [stored]


def test_what_an_earlier_command_told_a_session_comes_back_as_its_echo(shell: Shell) -> None:
    [_, original] = shell("add", "I moved to Oslo in May.", "--session", "old").out.split()
    shell("search", "Oslo", "--for-session", "today")
    ran = shell("add", "I moved to Oslo in May.", "--role", "assistant", "--session", "today")
    status, kept, of, repeated = ran.out.split()
    assert (status, of, repeated) == ("echo", "of", original)
    assert shell("get", kept, "--json").document["echo_of"] == original


@pytest.mark.parametrize("form", ["lines", "list"])
def test_a_file_of_messages(shell: Shell, tmp_path: Path, form: str) -> None:
    messages = [{"content": f"message {n}", "timestamp": f"2026-03-02T09:00:0{n}Z"} for n in range(5)]
    file = tmp_path / "chat"
    lines = "\n\n".join(map(json.dumps, messages))
    file.write_text(lines if form == "lines" else json.dumps(messages, indent=1), encoding="utf-8")
    assert shell("add", "-f", str(file)).out == "5 stored\n"
    assert shell("add", "-f", str(file)).out == "5 duplicate\n"


def test_stdin_in_batches(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "BATCH", 2)
    lines = "".join(json.dumps({"content": f"message {n}"}) + "\n" for n in range(5))
    assert shell("add", "-f", "-", stdin=lines).out == "5 stored\n"
    assert len(shell.ids()) == 5


def test_a_key_counts_over_the_whole_file(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "BATCH", 2)
    lines = '"a"\n{"content": "b"}\n{"content": "c", "key": "mine"}\n"d"\n'
    assert shell("add", "-f", "-", "--key", "k", stdin=lines).out == "4 stored\n"
    assert shell("add", "-f", "-", "--key", "k", stdin=lines).out == "4 duplicate\n"
    exported = [json.loads(line) for line in shell("export").out.splitlines()[1:]]
    assert [record["key"] for record in exported] == ["k/0", "k/1", "mine", "k/3"]


def test_rejected_messages_are_listed_with_their_lines_and_the_others_are_stored(shell: Shell) -> None:
    lines = '{"content": "good"}\n\n{"content": "  "}\n{"contents": "x"}\n42\n'
    ran = shell("add", "-f", "-", stdin=lines)
    assert ran.code == 1
    assert ran.out == "1 stored, 3 rejected\n"
    assert [line.split(" was ")[0] for line in ran.err.splitlines()] == [
        "memsvc: line 3",
        "memsvc: line 4",
        "memsvc: line 5",
    ]
    assert "did you mean 'content'" in ran.err


def test_a_long_list_of_rejections_is_cut(shell: Shell) -> None:
    ran = shell("add", "-f", "-", stdin="1\n" * 30)
    assert len(ran.err.splitlines()) == 21
    assert "and 10 more" in ran.err
    assert len(shell("add", "-f", "-", "--json", stdin="1\n" * 30).document["receipts"]) == 30


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"content": "good"}\n{"content": ', "stdin, line 2 is not JSON"),
        (b'[{"content": "good"},\n {"content": }]', "stdin, line 2 is not JSON"),
        (b'{"content": "good"}\n{"content": "\xff"}', "stdin, line 2 is not UTF-8"),
        (b"[" * 200_000, "stdin, line 1 is not JSON (nested too deeply"),
    ],
)
def test_of_a_malformed_file_nothing_is_stored(shell: Shell, content: bytes, said: str) -> None:
    assert said in shell("add", "-f", "-", stdin=content).error
    assert not shell.db.exists()


def test_a_file_that_is_not_there(shell: Shell) -> None:
    assert "nowhere.jsonl: No such file" in shell("add", "-f", "nowhere.jsonl").error


def test_an_empty_file_is_nothing_to_store(shell: Shell) -> None:
    assert shell("add", "-f", "-", stdin="").out == "no messages\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["   "], "'content' is empty"),
        (["hello", "--timestamp", "next friday"], "'next friday' is not a point in time"),
        (["hello", "--timezone", "Shanghai"], "did you mean 'Asia/Shanghai'?"),
        (["hello", "-n", "acme//ann"], "namespace came as 'acme//ann'"),
    ],
)
def test_wrong_input_is_one_line(shell: Shell, args: list[str], said: str) -> None:
    assert said in shell("add", *args).error


@pytest.mark.parametrize("args", [[], ["text", "-f", "-"]])
def test_a_text_or_a_file(shell: Shell, args: list[str]) -> None:
    assert shell("add", *args).code == 2


def test_the_default_database_gets_its_folder_when_written_to(shell: Shell, tmp_path: Path) -> None:
    assert "there is no database at" in shell.bare("list").error
    assert shell.bare("add", "hello").code == 0
    assert (tmp_path / "share" / "memsvc" / "memory.db").is_file()
    assert shell.bare("list").out.count("hello") == 1


def test_a_named_database_gets_no_folder(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSVC_DATABASE", str(tmp_path / "new" / "a.db"))
    assert "does not exist; create it first" in shell.bare("add", "hello").error
    assert not (tmp_path / "new").exists()


def test_update_shows_the_memory_and_keeps_its_history(filled: Shell) -> None:
    first = filled.ids()[0]
    ran = filled("update", first, "--text", "I moved to Bergen.", "--valid-to", "2027-01-01")
    assert ran.code == 0
    assert "I moved to Bergen." in ran.out
    document = filled("history", first, "--json").document
    assert [step["operation"] for step in document["changes"]] == ["add", "update"]
    assert document["changes"][1]["before"]["text"] == "I moved to Oslo last week."
    assert "I moved to Oslo last week." in filled("history", first).out


def test_update_with_json(filled: Shell) -> None:
    first = filled.ids()[0]
    assert filled("update", first, "--text", "x", "--json").document["text"] == "x"


def test_update_needs_something_to_change(filled: Shell) -> None:
    assert filled("update", filled.ids()[0]).code == 2
    assert "is not after valid_from" in filled("update", filled.ids()[0], "--valid-to", "2020-01-01").error


def test_delete(filled: Shell) -> None:
    first = filled.ids()[0]
    assert filled("delete", first, "--yes").out == f"deleted {first}\n"
    assert first not in filled.ids()
    assert f"{first}" in filled("get", first).error
    assert filled("delete", filled.ids()[0], "--yes", "--json").document["deleted"] is True


def test_delete_without_a_person_needs_yes(filled: Shell) -> None:
    ran = filled("delete", filled.ids()[0])
    assert ran.code == 2
    assert "--yes" in ran.err
    assert len(filled.ids()) == 3


@pytest.mark.parametrize(("reply", "left"), [("y\n", 2), ("\n", 3), ("", 3), ("no\n", 3)])
def test_delete_asks_a_person(filled: Shell, monkeypatch: pytest.MonkeyPatch, reply: str, left: int) -> None:
    monkeypatch.setattr(output, "can_ask", lambda: True)
    ran = filled("delete", filled.ids()[0], stdin=reply)
    assert "Delete “I moved to Oslo last week.” (Ann, 2 Mar 2026)? [y/N]" in ran.err
    assert ran.code == (0 if left == 2 else 1)
    assert len(filled.ids()) == left


def test_what_is_known_of_a_text_or_of_all_messages_of_a_file(shell: Shell) -> None:
    common = ["--role", "assistant", "--name", "Bot", "--timestamp", "2026-03-02T09:00Z", "--metadata", "source=phone"]
    shell("add", "Hi", *common, "--metadata", '{"n": 1}')
    shell("add", "-f", "-", *common, stdin='"Hello"\n{"content": "Ho", "name": "Ann", "metadata": {"source": "own"}}\n')
    one, two, three = [json.loads(line) for line in shell("export").out.splitlines()[1:]]
    assert (one["role"], one["name"], one["metadata"]) == ("assistant", "Bot", {"source": "phone", "n": 1})
    assert (two["timestamp"], three["timestamp"]) == ("2026-03-02T09:00:00+00:00", "2026-03-02T09:00:00.000001+00:00")
    assert (three["role"], three["name"], three["metadata"]) == ("assistant", "Ann", {"source": "own"})
    assert "give KEY=VALUE" in shell("add", "Hi", "--metadata", "phone").error
    assert "is not JSON" in shell("add", "Hi", "--metadata", "{phone").error


def test_strictly_all_or_nothing(shell: Shell) -> None:
    ran = shell("add", "-f", "-", "--strict", stdin='"good"\n\n{"content": ""}\n')
    assert (ran.code, ran.out) == (1, "")
    assert [line.split(": ")[1] for line in ran.err.splitlines()] == [
        "line 3 was rejected", "1 of 2 messages were rejected; nothing was stored",
    ]  # fmt: skip
    assert not shell("namespaces").out.strip()
    assert shell("add", "-f", "-", "--strict", stdin='"good"\n"better"\n').out == "2 stored\n"
