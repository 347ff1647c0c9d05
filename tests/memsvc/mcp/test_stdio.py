"""`memsvc mcp` as a process: the SDK's client on its stdin and stdout, and what goes over them byte by byte."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from memsvc import Memory, Settings
from memsvc.errors import MissingDependency
from memsvc.mcp.tools import TOOLS
from memsvc.testing import HashEmbedder
from tests.memsvc.mcp.talking import MODES, given, refused, run
from tests.memsvc.server.program import SLOWLY
from tests.memsvc.server.served import ANN

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = ("-m", "tests.memsvc.server.program", "mcp")


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "agent.db"
    with Memory.open(path, embedder=HashEmbedder(), settings=Settings.load()) as memory:
        memory.add(ANN, namespace="ann")
        memory.add("a secret of Bob's", namespace="bob")
    return path


@pytest.mark.parametrize("mode", MODES)
def test_a_client_that_starts_us(db: Path, tmp_path: Path, mode: str) -> None:
    program = StdioServerParameters(
        command=sys.executable,
        args=[*PROGRAM, "--db", str(db), "-n", "ann", "--allow", "read,write,erase"],
        cwd=ROOT,
        env={"MEMSVC_MIN_RELEVANCE": "0"},
    )

    async def talk() -> None:
        with (tmp_path / "log").open("w") as log:
            async with Client(stdio_client(program, log), mode=mode) as client:
                assert {one.name for one in (await client.list_tools()).tools} == set(TOOLS)
                [receipt] = (await given(client, "add_memory", messages="Zoë 日本 🚆 \u2028 end"))["receipts"]
                found = await given(client, "search_memory", query="Where does Ann live?", top_k=3)
                assert ANN[0]["content"] in [one["text"] for one in found["memories"]]
                await given(client, "give_feedback", trace_id=found["trace_id"], reward=1.0)
                assert (await given(client, "ask_memory", question="Where did Ann move to?"))["evidence"]
                await given(client, "add_episode", intent="book a table", trajectory="called", success=True)
                assert (await given(client, "search_episodes", intent="book a table"))["attempts"]
                listed = await given(client, "list_memories", kind="message")
                assert "Zoë 日本 🚆 \u2028 end" in [one["text"] for one in listed["memories"]]
                assert (await given(client, "graph_memory", thing="Oslo"))["ties"]
                await given(client, "forget_memory", memory_id=receipt["id"])
                for name in TOOLS:
                    assert "namespace 'bob' is not among those of this server: ann; " in await refused(
                        client, name, **ABROAD[name]
                    )

    run(talk)
    with Memory.open(db, embedder=HashEmbedder()) as memory:
        assert memory.stats(namespace="bob")["memories"] == 1
        assert memory.stats(namespace="ann")["memories"] == 3  # with the episode


ABROAD: dict[str, dict[str, Any]] = {
    "add_memory": {"namespace": "bob", "messages": "x"},
    "search_memory": {"namespace": "bob", "query": "secret"},
    "ask_memory": {"namespace": "bob", "question": "secret?"},
    "add_episode": {"namespace": "bob", "intent": "x", "trajectory": "y", "success": True},
    "search_episodes": {"namespace": "bob", "intent": "x"},
    "give_feedback": {"namespace": "bob", "trace_id": "0" * 32, "reward": 1.0},
    "forget_memory": {"namespace": "bob", "session_id": "default"},
    "list_memories": {"namespace": "bob"},
    "list_sessions": {"namespace": "bob"},
    "get_memory": {"namespace": "bob", "memory_id": "0" * 20},
    "update_memory": {"namespace": "bob", "memory_id": "0" * 20, "text": "x"},
    "delete_memory": {"namespace": "bob", "memory_id": "0" * 20},
    "graph_memory": {"namespace": "bob", "thing": "secret"},
}


class Raw:
    """The protocol, a line at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.stdin: IO[str] = process.stdin
        self.stdout: IO[str] = process.stdout

    def send(self, method: str, number: int | None = None, **params: Any) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params} | ({} if number is None else {"id": number})
        self.stdin.write(json.dumps(message) + "\n")
        self.stdin.flush()

    def answer(self, number: int) -> Any:
        """The answer to a request; each line before it is of the protocol too."""
        while (message := json.loads(self.stdout.readline())).get("id") != number:
            assert message["jsonrpc"] == "2.0"
        return message

    def greet(self) -> None:
        client = {"name": "test", "version": "1"}
        self.send("initialize", 1, protocolVersion="2025-06-18", capabilities={}, clientInfo=client)
        assert self.answer(1)["result"]["serverInfo"]["name"] == "memsvc"
        self.send("notifications/initialized")


def test_nothing_but_the_protocol_goes_to_stdout_and_a_cancelled_ask_ends(db: Path) -> None:
    environment = {**os.environ, "MEMSVC_LOG_LEVEL": "debug"}
    with subprocess.Popen(
        [sys.executable, *PROGRAM, "--db", str(db), "-n", "ann"],
        cwd=ROOT, env=environment, text=True, encoding="utf-8",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        raw = Raw(process)
        raw.greet()
        raw.stdin.write("this is no message\n")
        raw.send("tools/call", 2, name="ask_memory", arguments={"question": f"Tell me {SLOWLY}, where is Ann?"})
        raw.send("tools/call", 3, name="search_memory", arguments={"query": "Oslo"})
        assert not raw.answer(3)["result"].get("isError")
        raw.send("notifications/cancelled", requestId=2, reason="no time")
        raw.send("tools/call", 4, name="ask_memory", arguments={"question": "Where did Ann move to?"})
        assert not raw.answer(4)["result"].get("isError")
        raw.stdin.close()
        left = [json.loads(line) for line in raw.stdout]  # each is of the protocol
        assert all("result" not in one for one in left)
        assert process.wait(20) == 0  # the thread of the cancelled ask does not hold it up
        assert process.stderr is not None
        log = [json.loads(line) for line in process.stderr]
    assert "Oslo" not in json.dumps(log)


UNREADABLE = [
    ("this is no message", None, -32700, "no JSON"),
    ('{"jsonrpc": "2.0", "id": 11, "method": "tools/call", "params": {"name": "add_mem', 11, -32700, "no JSON"),
    ('{"jsonrpc": "2.0", "method": "x", "params": {"id": 5}', None, -32700, "no JSON"),
    ('{"jsonrpc": "2.0", "id": 12, "method": 3}', 12, -32600, "no message of JSON-RPC"),
    ('[{"jsonrpc": "2.0", "id": 13, "method": "ping"}]', None, -32600, "no message of JSON-RPC"),
    ('{"jsonrpc": "2.0", "id": "a", "method": "\\ud83c"}', "a", -32600, "no message of JSON-RPC"),
    ("[" * 5_000, None, -32700, "no JSON"),
]


def test_what_cannot_be_read_is_answered_and_half_a_character_is_its_message_s_alone(db: Path) -> None:
    with subprocess.Popen(
        [sys.executable, *PROGRAM, "--db", str(db), "-n", "ann"], cwd=ROOT, text=True, encoding="utf-8",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        raw = Raw(process)
        raw.greet()
        for line, number, code, said in UNREADABLE:
            raw.stdin.write(f"{line}\n\n")
            raw.stdin.flush()
            message = json.loads(raw.stdout.readline())
            assert (message["id"], message["error"]["code"]) == (number, code), line
            assert said in message["error"]["message"]
        half = {"messages": ["whole", {"content": "half \ud83c"}, "whole too"]}
        raw.send("tools/call", 2, name="add_memory", arguments=half)  # json.dumps writes it as an escape
        result = raw.answer(2)["result"]
        assert [one["status"] for one in result["structuredContent"]["receipts"]] == ["stored", "rejected", "stored"]
        assert "messages[1] was NOT stored: 'content' holds half a character" in result["content"][0]["text"]
        raw.send("tools/call", 3, name="search_memory", arguments={"query": "half \ud83c"})
        assert raw.answer(3)["result"]["isError"]
        raw.stdin.close()
        assert process.wait(20) == 0
        assert process.stderr is not None
        log = [json.loads(line) for line in process.stderr]
    assert len([one for one in log if "could not be read" in one["message"]]) == len(UNREADABLE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_it_waits_for_stdin(db: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, *PROGRAM, "--db", str(db), "-n", "ann"], cwd=ROOT, text=True, encoding="utf-8",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        Raw(process).greet()
        process.send_signal(number)
        assert process.wait(20) == -number


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--allow", "read,sing"], "sing"),
        (["--allow", ""], "'nothing' came as what a key allows"),
        (["--namespace", "a*b"], "pattern 'a*b'"),
    ],
)
def test_wrong_options_are_told_before_anything_is_opened(tmp_path: Path, arguments: list[str], told: str) -> None:
    db = tmp_path / "none.db"
    ran = subprocess.run(
        [sys.executable, *PROGRAM, "--db", str(db), *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert told in ran.stderr
    assert not db.exists()


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "memsvc.mcp.stdio", raising=False)
    monkeypatch.setitem(sys.modules, "mcp.server.stdio", None)
    with pytest.raises(MissingDependency, match=r"pip install 'memsvc\[mcp\]'"):
        import memsvc.mcp.stdio  # noqa: F401
