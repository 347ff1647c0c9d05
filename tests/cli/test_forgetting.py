"""forget: what it asks, what it prints, and checking a receipt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from memsvc_cli import output

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Shell


def test_a_receipt_is_printed_and_can_be_checked(filled: Shell, tmp_path: Path) -> None:
    ran = filled("forget", "-n", "default", "--session", "s1", "--yes", "--json")
    receipt = ran.document
    assert (receipt["what"], receipt["target"], receipt["counts"]["messages"]) == ("session", "s1", 2)
    file = tmp_path / "receipt.json"
    file.write_text(ran.out, encoding="utf-8")
    assert filled("forget", "--check", str(file)).out == "valid\n"
    file.write_text(json.dumps(receipt | {"target": "s2"}), encoding="utf-8")
    bad = filled("forget", "--check", str(file), "--json")
    assert (bad.code, bad.document) == (1, {"valid": False})
    assert len(filled.ids()) == 1


def test_a_receipt_in_lines(filled: Shell) -> None:
    [first, *_] = filled.ids()
    lines = dict(line.split("\t") for line in filled("forget", "-n", "default", "--id", first, "-y").out.splitlines())
    assert (lines["erased"], lines["messages"], lines["compacted"]) == (f"memory {first}", "1", "yes")
    assert len(lines["signature"]) == 64
    assert "facts" not in lines, "what is none is not listed"
    assert "holds nothing of" in filled("forget", "-n", "default", "--id", first, "-y").error


def test_a_person_is_asked(filled: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "confirm with --yes" in filled("forget", "-n", "default").err
    monkeypatch.setattr(output, "can_ask", lambda: True)
    ran = filled("forget", "-n", "default", stdin="n\n")
    assert ran.code == 1
    assert "Erase everything of namespace “default” for good? [y/N]" in ran.err
    assert len(filled.ids()) == 3
    assert filled("forget", "-n", "default", "--session", "s2", stdin="y\n").code == 0
    assert filled("forget", "-n", "default", stdin="y\n").out.startswith("namespace\tdefault\nerased\tnamespace\n")
    assert filled("namespaces").out == ""


@pytest.mark.parametrize(
    ("args", "said"),
    [([], "--namespace"), (["--check", "r.json", "--session", "s1"], "--check goes with")],
)
def test_wrong_usage(filled: Shell, args: list[str], said: str) -> None:
    ran = filled("forget", *args)
    assert ran.code == 2
    assert said in ran.err


def test_what_is_no_receipt(filled: Shell, tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_text("{", encoding="utf-8")
    assert "is not JSON" in filled("forget", "--check", str(file)).error
    file.write_text("[]", encoding="utf-8")
    assert "no receipt" in filled("forget", "--check", str(file)).error
    assert "No such file" in filled("forget", "--check", str(tmp_path / "none.json")).error
    two = filled("forget", "-n", "default", "--session", "s1", "--id", "x", "-y")
    assert "session and memory came" in two.error
