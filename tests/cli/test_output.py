"""What is said on stderr: one line for a program, as wide as the terminal for a person."""

from __future__ import annotations

import sys

import pytest

from memsvc_cli import output

COMMAND = "memsvc keys create --namespace 'acme/*' --db /a/long/path/that-has/hyphens-in-it/and-is/wider.db"
MESSAGE = f"agent.db has no key yet, so that nobody could come in; make one with `{COMMAND}`"


@pytest.mark.parametrize("tell", [output.error, output.note])
def test_a_terminal_gets_lines_of_its_width_with_words_whole(
    tell: object, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(tell)
    monkeypatch.setenv("COLUMNS", "40")
    tell(MESSAGE)
    assert len(capsys.readouterr().err.splitlines()) == 1
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    tell(MESSAGE)
    said = capsys.readouterr().err
    assert all(len(line) <= 40 for line in said.splitlines() if " " in line)
    assert said.split() == [*(["memsvc:"] if tell is output.error else []), *MESSAGE.split()]
