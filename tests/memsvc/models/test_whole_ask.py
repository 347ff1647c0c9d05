"""Whole questions through real models: over HTTP, in this process, with random weights, with servers that fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memsvc import Memory, Settings
from memsvc.errors import ModelUnavailable
from memsvc.models.language.served import LiteLLMModel
from memsvc.testing import HashEmbedder

from .model_server import Exchange, ModelServer, drops, raw, says, status

pytestmark = pytest.mark.slow

QUESTION = "Where does Ann live?"
TALK = [{"name": "Ann", "content": f"{n} gulls in Oslo.", "timestamp": 1.78e9 + 60 * n} for n in range(1, 7)]


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    settings = Settings.load(chunk_messages=3, context_messages=1)
    with Memory.open(tmp_path / "agent.db", embedder=HashEmbedder(), settings=settings) as opened:
        opened.add(TALK, namespace="ann")
        yield opened


def test_random_weights_behind_a_server_that_enforces_the_schema(memory: Memory, constrained_server: str) -> None:
    """Every call of the scan comes back valid, whatever it says."""
    model = LiteLLMModel("openai/tiny", api_base=constrained_server)
    answer = memory.ask(QUESTION, namespace="ann", model=model, gate="always", deliberation="scan", top_k=3)
    assert model.constraint == "json_schema"
    assert [call.error for call in answer.ledger.calls] == [None] * len(answer.ledger.calls)
    assert {call.purpose for call in answer.ledger.calls} >= {"extract", "answer"}
    assert answer.coverage is not None
    assert (answer.coverage.share, answer.coverage.problems) == (1.0, ())
    known = {one.id: one.text for one in memory.list(namespace="ann")}
    assert all(evidence.quote in known[evidence.id] for evidence in answer.evidence)


def test_the_same_weights_in_this_process(memory: Memory, tiny_model: Path) -> None:
    answer = memory.ask(QUESTION, namespace="ann", model=f"local/{tiny_model}", gate="never", top_k=3)
    assert answer.process in ("fast", "abstained")
    [call] = answer.ledger.calls
    assert (call.error, call.cost) == (None, 0.0)
    assert call.completion_tokens > 0


ANSWER = '{"thoughts": "", "answer": "Oslo", "sources": [1]}'
PASS = '{"reason": "fine", "status": "pass"}'
GATE = f'{{"relevance": {PASS}, "faithfulness": {PASS}, "completeness": {PASS}}}'
FACTS = '{"facts": [{"fact": "Ann lives in Oslo.", "score": 9, "messages": [%d], "quote": "in Oslo"}]}'


def healthy(exchange: Exchange) -> None:
    """What a good model says to each prompt."""
    shown = exchange.opening
    if "Search these lines" in shown:
        number = int(shown.partition("Search these lines:\n[")[2].split("]")[0])
        return says(FACTS % number)(exchange)
    return says(GATE if "\nAnswer: " in shown else ANSWER)(exchange)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(default=healthy) as running:
        yield running


def ask(memory: Memory, server: ModelServer, **options: Any) -> Any:
    model = LiteLLMModel("openai/scripted", api_base=server.url, pause=0.01, retries=1, timeout=5, repairs=1)
    return memory.ask(QUESTION, namespace="ann", model=model, **options)


def test_a_healthy_server(memory: Memory, server: ModelServer) -> None:
    assert ask(memory, server).process == "fast"
    answer = ask(memory, server, gate="always")
    assert (answer.process, answer.text) == ("scan", "Oslo")
    assert [evidence.quote for evidence in answer.evidence] == ["in Oslo"]


BAD_REPLIES = {
    "truncated": says('{"thoughts": "", "answer": "Os'),
    "empty": says(""),
    "refusal": says("I am sorry, I cannot help with that."),
    "echoed schema": says('{"properties": {"answer": {"type": "string"}}, "type": "object"}'),
    "only thoughts": says("<think>Ann lives in Oslo"),
    "no completion": raw(b"<html>busy</html>"),
    "error 500": status(500),
    "error 429": status(429),
    "dropped": drops,
}


@pytest.mark.parametrize("trouble", BAD_REPLIES)
def test_one_bad_reply_is_mended_and_counted(memory: Memory, server: ModelServer, trouble: str) -> None:
    server.script("", BAD_REPLIES[trouble], healthy)
    answer = ask(memory, server, gate="never")
    assert answer.text == "Oslo"
    assert answer.ledger.retries == 1


@pytest.mark.parametrize("trouble", BAD_REPLIES)
def test_a_gate_that_never_gives_a_verdict_escalates_or_is_an_error(
    memory: Memory, server: ModelServer, trouble: str
) -> None:
    """What cannot be read escalates; a server that is away is said. Nothing is taken for a pass."""
    server.script("\nAnswer: ", BAD_REPLIES[trouble])
    if trouble in ("no completion", "error 500", "error 429", "dropped"):
        with pytest.raises(ModelUnavailable, match="gate"):
            ask(memory, server)
        return
    answer = ask(memory, server)
    assert (answer.process, answer.verdict.escalate) == ("scan", True)
    assert "could not be read" in answer.verdict.reasons[0].why


@pytest.mark.parametrize("trouble", BAD_REPLIES)
def test_a_chunk_that_is_never_read_is_told_and_the_other_one_answers(
    memory: Memory, server: ModelServer, trouble: str
) -> None:
    server.script("Search these lines:\n[4]", BAD_REPLIES[trouble])
    answer = ask(memory, server, gate="always")
    assert (answer.text, answer.coverage.share) == ("Oslo", 0.5)
    [problem] = answer.coverage.problems
    assert problem.startswith("messages 4 to 6 were not read: extract")
    assert sum(call.error is not None for call in answer.ledger.calls) == 1


def test_a_server_that_dies_half_way_is_an_error_and_costs_no_message(memory: Memory, server: ModelServer) -> None:
    def dies(exchange: Exchange) -> None:
        exchange.drop()
        server.die()

    server.script("Search these lines:\n[4]", dies)
    with pytest.raises(ModelUnavailable):
        ask(memory, server, gate="always")
    assert len(memory.list(namespace="ann")) == len(TALK)
    assert memory.verify() == []


def test_fenced_replies_and_thoughts_before_them_are_read_at_once(memory: Memory, server: ModelServer) -> None:
    server.script("", says(f"<think>hm</think>\nHere it is:\n```json\n{ANSWER}\n```"))
    answer = ask(memory, server, gate="never")
    assert (answer.text, answer.ledger.retries) == ("Oslo", 0)
