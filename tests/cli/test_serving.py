"""serve, as far as it goes without serving; `tests/memsvc/server/test_serving.py` runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memsvc.server.serving import Started
from memsvc_cli import serving

if TYPE_CHECKING:
    from tests.cli.conftest import Shell

STARTED = Started("http://127.0.0.1:8321", "/data/agent.db", "minilm", None, keys=True)


@pytest.mark.usefixtures("terminal")
def test_a_person_is_told_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    serving._say(STARTED)
    said = capsys.readouterr().out
    for words in ("http://127.0.0.1:8321/docs", "/data/agent.db", "minilm", "none: `ask` quotes", "by key"):
        assert words in said


def test_a_program_reads_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    serving._say(STARTED)
    assert capsys.readouterr().out == ""


def test_it_does_not_stand_open_to_the_network(shell: Shell) -> None:
    assert "others than this machine" in shell("serve", "--no-auth", "--host", "0.0.0.0").error
    assert not shell.db.exists()


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_that_is_none_is_named(shell: Shell, port: str) -> None:
    ran = shell("serve", "--port", port)
    assert ran.code == 2
    assert "--port" in ran.err
    assert "MEMSVC_SERVER_PORT" not in ran.err
