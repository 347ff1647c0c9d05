"""Hot and cold through the verbs: deliberation reads and finds cold memories, and the budget of hot ones is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memsvc import Memory, Settings
from memsvc.testing import HashEmbedder, RuleModel
from memsvc.verbs import parts
from memsvc.work import retaining as retaining_module
from memsvc.work.retaining import retain
from memsvc_retrievers.language import Prompt
from memsvc_store.values.hits import NO_FILTER
from memsvc_store.values.learned import Considered
from tests.memsvc.conftest import START, ticking
from tests.retrievers.models import answering, fact, judgement
from tests.store.conftest import postgres_uri, postgres_url, target

__all__ = ["postgres_uri", "postgres_url", "target"]

QUESTION = "Where did Ben move?"


@pytest.fixture
def memory(target: str) -> Iterator[Memory]:
    settings = Settings.load(scan_tokens=400, chunk_messages=10)
    with Memory.open(target, embedder=HashEmbedder(), settings=settings, now=ticking()) as opened:
        yield opened


def told(memory: Memory, count: int = 120) -> str:
    """A talk about the weather in which one message says where Ben lives; that one is cold, and its id is returned."""
    lines = ["Ben moved to Rome." if n == count // 2 else f"filler {n} about weather and tea" for n in range(count)]
    messages = [
        {"name": "Ann", "content": line, "timestamp": f"2026-03-02T{9 + n // 60:02d}:{n % 60:02d}:00Z"}
        for n, line in enumerate(lines)
    ]
    rome = memory.add(messages, namespace="ann")[count // 2].id or ""
    cool(memory, rome)
    return rome


def cool(memory: Memory, *ids: str) -> None:
    memory.store.retain("ann", ids, since=memory.store.version("ann"))


def temperatures(memory: Memory) -> tuple[int, int]:
    counts = memory.stats(namespace="ann")
    return counts["hot"], counts["cold"]


def rome(prompt: Prompt) -> dict[str, Any]:
    return answering("Rome", 1) if "Rome" in prompt.user else answering("NONE")


@pytest.mark.parametrize("deliberation", ["scan", "hypergraph", "auto"])
def test_a_log_beyond_the_budget_is_searched_with_its_cold_messages(memory: Memory, deliberation: Any) -> None:
    cold = told(memory)
    using = RuleModel({"answer": rome, "draft": rome})
    before = temperatures(memory)
    answer = memory.ask(QUESTION, namespace="ann", gate="always", deliberation=deliberation, model=using)
    assert (answer.text, answer.process) == ("Rome", "hypergraph" if deliberation == "auto" else deliberation)
    assert cold in [one.id for one in answer.evidence]
    assert (before, temperatures(memory)) == ((119, 1), (120, 0))  # it was of use, and so it is warm again
    assert memory.verify() == []


def test_the_fast_look_up_does_not_see_what_deliberation_sees(memory: Memory) -> None:
    cold = told(memory)
    assert cold not in [hit.id for hit in memory.search(QUESTION, namespace="ann", top_k=120)]
    with memory.store.reading("ann") as reading:
        assert len(reading.shard) == reading.shard.rows - reading.shard.dead == 119
    whole = memory._lookup.whole("ann", NO_FILTER)
    assert max(whole.scores(QUESTION).items(), key=lambda one: one[1])[0] == cold
    assert len(whole.messages()) == 120
    with memory.store.reading("ann") as reading:
        assert len(reading.shard) == 119


def test_a_hot_fact_is_shown_though_its_message_is_cold_and_is_credited(target: str) -> None:
    facts = {"facts": [{"fact": "Ben lives in Rome now.", "messages": [1]}]}
    extracting = RuleModel({"facts": lambda prompt: facts if "Rome" in prompt.user else {"facts": []}})
    with Memory.open(target, embedder=HashEmbedder(), language_model=extracting, now=ticking()) as memory:
        memory.add([{"name": "Ann", "content": "Ben moved to Rome yesterday."}], namespace="ann")
        memory.extract(namespace="ann")
        message, known = sorted(memory.list(namespace="ann"), key=lambda one: one.kind == "fact")
        assert known.kind == "fact"
        cool(memory, message.id)
        using = RuleModel({"draft": rome, "gate": lambda _: judgement()})
        answer = memory.ask("Where does Ben live?", namespace="ann", gate="never", model=using)
        assert (answer.process, answer.text) == ("fast", "Rome")
        assert "Ben lives in Rome now." in using.prompts[0].user
        _, trace = memory.store.learning.trace(str(answer.trace_id))
        assert trace.used == trace.cited == (known.id, message.id)
        assert memory.feedback(trace.id, 1.0, used=[known.id]).moves[0].memory_id == known.id
        assert {move.memory_id for move in memory.feedback(trace.id, 1.0, credit="cited").moves} == set(trace.used)
        assert known.id in memory.store.learning.uses("ann", 9)


def test_episodes_stay_hot(memory: Memory) -> None:
    ids = [memory.add_episode(f"task {n}", "t", namespace="ann", reward=1).id for n in range(3)]
    memory.add(["a", "b"], namespace="ann")
    done = memory.retain(namespace="ann", budget=1)
    assert (done.hot, len(done.cooled)) == (1, 1)
    assert temperatures(memory) == (4, 1)
    assert len(memory.search_episodes("task", namespace="ann").hits) == 3
    cool(memory, ids[0] or "")  # as older versions left them
    assert ids[0] in memory.retain(namespace="ann", budget=2).warmed


def test_an_answer_while_memories_are_weighed_is_not_undone(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    cold = told(memory)
    weigh = retaining_module._scores

    def weighing(*args: Any) -> dict[str, float]:
        scores = weigh(*args)
        memory._lookup.warm("ann", [cold])
        return scores | {cold: -1.0}

    monkeypatch.setattr(retaining_module, "_scores", weighing)
    assert cold not in retain(memory.store, "ann", 119, START).cooled
    assert temperatures(memory) == (120, 0)


def test_what_turns_cold_while_a_question_is_embedded_is_found(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    cold = told(memory)
    memory.store.warm("ann", [cold])
    whole = memory._lookup.whole("ann", NO_FILTER)
    embed = HashEmbedder.embed

    def embedding(self: HashEmbedder, *args: Any, **options: Any) -> Any:
        cool(memory, cold)
        return embed(self, *args, **options)

    monkeypatch.setattr(HashEmbedder, "embed", embedding)
    assert cold in whole.scores(QUESTION)


def test_only_the_latest_look_ups_count_as_uses(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retaining_module, "LATEST", 2)
    a, b = (receipt.id or "" for receipt in memory.add(["a", "b"], namespace="ann"))
    for used in (a, a, b, b):
        memory._tracer.keep("ann", "search", "?", used=[used], pool=[Considered(used, 1.0, 0.0, 1.0)])
    assert retain(memory.store, "ann", 1, START).cooled == (a,)


def eventually(said: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not said() and time.monotonic() < until:
        time.sleep(0.02)
    return said()


def test_the_budget_is_kept_when_an_answer_warms_and_from_the_opening_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "RETAIN_SECONDS", 0.0)
    with Memory.open(path, embedder=HashEmbedder(), settings=Settings.load()) as memory:
        told(memory, 4)
        cool(memory)
        assert temperatures(memory) == (4, 0)
    with Memory.open(path, embedder=HashEmbedder(), settings=Settings.load(hot_memories=3)) as memory:
        assert eventually(lambda: temperatures(memory) == (3, 1))  # without a write
        [cold] = {one.id for one in memory.list(namespace="ann")} - {
            hit.id for hit in memory.search("weather", namespace="ann")
        }
        memory._lookup.warm("ann", [cold])
        assert eventually(lambda: temperatures(memory) == (3, 1))


def test_a_scan_within_the_budget_reads_cold_messages(memory: Memory) -> None:
    told(memory, 12)
    found = {"facts": [fact("Ben moved to Rome.", 9, 7, quote="Ben moved to Rome")]}
    using = RuleModel({"answer": rome, "extract": lambda prompt: found if "Rome" in prompt.user else {"facts": []}})
    answer = memory.ask(QUESTION, namespace="ann", gate="always", deliberation="scan", model=using)
    assert (answer.process, answer.text) == ("scan", "Rome")
    assert answer.coverage is not None
    assert answer.coverage.share == 1.0
