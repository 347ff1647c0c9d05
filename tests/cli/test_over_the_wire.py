"""Commands against a service: with MEMSVC_URL and without --db."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import memsvc
from memsvc.service.access import build_door
from memsvc.service.keys import Keys
from tests.cli.conftest import ANN
from tests.memsvc.server.served import fresh, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memsvc import Memory
    from tests.cli.conftest import Shell

pytestmark = pytest.mark.slow


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Memory]:
    """The memory of a service that the commands talk to."""
    with fresh() as memory, served(memory) as running:
        memory.add(ANN, namespace="default")
        monkeypatch.setenv("MEMSVC_URL", str(running.client.base_url))
        yield memory


def document(shell: Shell, *args: str) -> Any:
    found = shell.bare(*args, "--json")
    assert found.code == 0, found
    return found.document


def test_what_is_written_is_there(shell: Shell, service: Memory, tmp_path: Path) -> None:
    file = tmp_path / "more.jsonl"
    file.write_text("\n".join(json.dumps({"content": f"Number {number}."}) for number in range(3)))
    assert document(shell, "add", "I moved to Bergen.", "--speaker", "Ann")["receipts"][0]["status"] == "stored"
    assert [one["status"] for one in document(shell, "add", "-f", str(file))["receipts"]] == ["stored"] * 3
    steps = tmp_path / "steps.json"
    steps.write_text('["go"]')
    assert document(
        shell, "add-episode", "shop", "-t", str(steps), "--reward", "1", "--session", "s9",
        "--timestamp", "2026-05-01", "--metadata", '{"by": "ann"}',
    )  # fmt: skip
    [episode] = service.list(namespace="default", kind="episode")
    assert (episode.session_id, episode.valid_from.year, episode.metadata) == ("s9", 2026, {"by": "ann"})
    assert service.stats(namespace="default")["messages"] == 7
    assert document(shell, "episodes", "shop", "--session", "s9")["hits"]
    assert not document(shell, "episodes", "shop", "--session", "s8")["hits"]
    assert not shell.db.exists()


def test_the_doctor_asks_the_service(shell: Shell, service: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    [check, *_] = document(shell, "doctor")["checks"]
    assert (check["part"], check["status"], check["advice"]) == ("service", "ok", "")
    assert f"memsvc {memsvc.__version__}; without a key, sees default" in check["found"]
    monkeypatch.setenv("MEMSVC_URL", "http://127.0.0.1:1")
    ran = shell.bare("doctor")
    assert ran.code == 1
    assert "service\tfailed\thttp://127.0.0.1:1" in ran.out


def test_the_doctor_tells_whether_the_key_is_accepted(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    with fresh() as memory:
        memory.add(ANN, namespace="acme/ann")
        memory.add(ANN, namespace="other/ben")
        made = Keys(memory.store.database).create(namespaces=["acme/*"], allow=["read"])
        with served(memory, door=build_door(memory, no_auth=False)) as running:
            monkeypatch.setenv("MEMSVC_URL", str(running.client.base_url))
            monkeypatch.setenv("MEMSVC_API_KEY", made.token)
            [check, *_] = document(shell, "doctor")["checks"]
            assert check["found"].endswith("the key is accepted, sees acme/ann")
            monkeypatch.setenv("MEMSVC_API_KEY", f"{made.token[:-4]}AAAA")
            assert "service\tfailed\t" in shell.bare("doctor").out


def test_what_is_there_is_read(shell: Shell, service: Memory, tmp_path: Path) -> None:
    found = document(shell, "search", "Who moved to Oslo?", "--speaker", "Ann", "--trace")
    assert found["hits"][0]["memory"]["text"] == ANN[0]["content"]
    first = found["hits"][0]["memory"]["id"]
    assert document(shell, "get", first)["text"] == ANN[0]["content"]
    assert len(document(shell, "list", "--limit", "2", "--hot")["memories"]) == 2
    assert document(shell, "list", "--cold")["memories"] == []
    answer = shell.bare("ask", "Where did Ann move?", "--gate", "quality", "--explain")
    assert (answer.code, "Oslo" in answer.out) == (0, True)
    feedback = document(shell, "feedback", found["trace_id"], "--reward", "1", "-n", "default")
    assert feedback["status"] == "applied"
    assert document(shell, "utility", "show", first)["utility"]["visits"] == 1
    assert document(shell, "namespaces") == {"namespaces": ["default"]}
    assert document(shell, "verify")["problems"] == []
    assert document(shell, "reindex")["namespaces"]["default"]["memories"] == 3
    assert document(shell, "extract")["done"] > 0
    assert document(shell, "jobs", "--all")["jobs"]
    out = tmp_path / "out.jsonl"
    assert document(shell, "export", str(out))["memories"] > 3
    assert {one["status"] for one in document(shell, "import", str(out), "-n", "copy")["receipts"]} == {"stored"}
    assert shell.bare("export").out.splitlines() == out.read_text().splitlines()


def test_what_is_corrected_deleted_and_forgotten_is_so(shell: Shell, service: Memory, tmp_path: Path) -> None:
    first, second, _ = [one.id for one in service.list(namespace="default")]
    assert document(shell, "update", first, "--text", "I moved to Bergen.")["text"] == "I moved to Bergen."
    assert document(shell, "delete", second, "--yes") == {"id": second, "deleted": True}
    assert [one["operation"] for one in document(shell, "history", first)["changes"]] == ["add", "update"]
    receipt = tmp_path / "receipt.json"
    receipt.write_text(json.dumps(document(shell, "forget", "-n", "default", "--session", "s1", "--yes")))
    assert document(shell, "forget", "--check", str(receipt)) == {"valid": True}


def test_errors_of_the_service_are_one_line(shell: Shell, service: Memory) -> None:
    assert "nothing" in shell.bare("get", "nothing").error
    assert "namespace" in shell.bare("feedback", "trace", "--reward", "1").error


def test_a_database_that_is_named_wins(filled: Shell, service: Memory) -> None:
    service.add("Only the service knows.", namespace="elsewhere")
    assert filled("namespaces", "--json").document == {"namespaces": ["default"]}
    assert document(filled, "namespaces") == {"namespaces": ["default", "elsewhere"]}


def test_what_takes_a_database_says_so(shell: Shell, service: Memory) -> None:
    for command in (["keys", "list"], ["keys", "create", "-n", "acme/*"], ["keys", "revoke", "x"]):
        assert "--db" in shell.bare(*command).error
    assert "--db" in shell.bare("extract", "--model", "ollama/x").error
    assert shell("keys", "create", "-n", "acme/*").code == 0


def test_nobody_there(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSVC_URL", "http://127.0.0.1:1")
    assert "cannot be reached" in shell.bare("namespaces").error
    monkeypatch.setenv("MEMSVC_URL", "127.0.0.1:1")
    assert "address" in shell.bare("namespaces").error
