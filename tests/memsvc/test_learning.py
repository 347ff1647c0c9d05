"""Feedback: what it moves, what it leaves alone, and that it can be explained, reset and replayed."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from memsvc import Memory, Settings
from memsvc.errors import InvalidInput, NotFound
from memsvc.testing import HashEmbedder, RuleModel
from memsvc.verbs import parts
from tests.memsvc.conftest import START, ticking
from tests.retrievers.models import answering, judgement

TALK = [
    {"name": "Ann", "content": "I moved to Oslo.", "timestamp": "2026-03-02T09:00:00Z"},
    {"name": "Ben", "content": "I moved to Rome.", "timestamp": "2026-03-02T09:01:00Z"},
    {"name": "Ann", "content": "We moved the sofa.", "timestamp": "2026-03-02T09:02:00Z"},
]
QUESTION = "Who moved?"


@pytest.fixture
def talk(memory: Memory) -> Memory:
    memory.add(TALK, namespace="ann")
    return memory


def searched(memory: Memory, **options: Any) -> str:
    trace_id = memory.search(QUESTION, namespace="ann", trace=True, **options).trace_id
    assert trace_id is not None
    return trace_id


def worth(memory: Memory) -> dict[str, float]:
    return {memory.get(one, namespace="ann").text: each.q for one, each in memory.top_utilities(namespace="ann")}


def test_a_search_keeps_a_trace_only_when_asked(talk: Memory) -> None:
    assert talk.search(QUESTION, namespace="ann").trace_id is None
    hits = talk.search(QUESTION, namespace="ann", trace=True)
    home, trace = talk.store.learning.trace(str(hits.trace_id))
    assert (home, trace.kind, trace.query) == ("ann", "search", QUESTION)
    assert trace.used == tuple(hit.id for hit in hits)
    assert talk.search(QUESTION, namespace="nobody", trace=True).trace_id is None


def test_a_reward_moves_what_was_given_and_ranks_it_up(path: Path) -> None:
    settings = Settings.load(search_weight=0.9)
    with Memory.open(path, embedder=HashEmbedder(), settings=settings, now=ticking()) as memory:
        memory.add(TALK, namespace="ann")
        before = memory.search(QUESTION, namespace="ann")
        last = before[-1]
        receipt = memory.feedback(searched(memory), 1.0, used=[last.id])
        assert [(move.memory_id, move.before, move.after) for move in receipt.moves] == [(last.id, 0.0, 0.3)]
        after = memory.search(QUESTION, namespace="ann")
        assert after[0].id == last.id
        blend = after[0].blend
        assert blend is not None
        assert (blend.q, blend.weight) == (0.3, 0.9)
        parts = after[0].parts
        summed = parts.dense + parts.lexical + parts.graph + parts.prior + parts.utility
        assert after[0].score == pytest.approx(summed)


def test_without_feedback_nothing_changes_at_all(path: Path) -> None:
    found = []
    for weight in (0.0, 0.9):
        with Memory.open(path, embedder=HashEmbedder(), settings=Settings.load(search_weight=weight)) as memory:
            memory.add(TALK, namespace="ann")
            found.append([(hit.id, hit.parts, hit.blend) for hit in memory.search(QUESTION, namespace="ann")])
    assert found[0] == found[1]


def test_all_that_was_given_is_rewarded_or_only_what_was_used_or_cited(talk: Memory) -> None:
    assert len(talk.feedback(searched(talk), 1.0).moves) == 3
    assert len(talk.feedback(searched(talk, top_k=2), 1.0).moves) == 2
    ids = [hit.id for hit in talk.search(QUESTION, namespace="ann")]
    assert [move.memory_id for move in talk.feedback(searched(talk), 1.0, used=ids[1:2]).moves] == ids[1:2]
    assert talk.feedback(searched(talk), 1.0, credit="cited").moves == ()  # a search cites nothing


def test_an_answer_rewards_what_it_was_made_from_or_what_it_cites(talk: Memory) -> None:
    using = RuleModel({"draft": lambda _: answering("Ann", 1), "gate": lambda _: judgement()})
    answer = talk.ask(QUESTION, namespace="ann", model=using)
    assert answer.trace_id is not None
    assert len(talk.feedback(answer.trace_id, 1.0).moves) == 3
    [move] = talk.feedback(answer.trace_id, 1.0, credit="cited").moves
    assert move.memory_id == answer.evidence[0].id
    _, trace = talk.store.learning.trace(answer.trace_id)
    assert (trace.document["process"], trace.document["draft"]) == ("fast", "Ann")
    assert trace.document["verdict"]["escalate"] is False


def test_an_answer_without_a_model_can_be_rewarded_too(talk: Memory) -> None:
    answer = talk.ask(QUESTION, namespace="ann")
    assert len(talk.feedback(str(answer.trace_id), 1.0).moves) == len(answer.evidence)


def test_once_a_key(talk: Memory) -> None:
    trace = searched(talk)
    first = talk.feedback(trace, 1.0, key="k")
    again = talk.feedback(trace, 1.0, key="k")
    assert (first.status, again.status) == ("applied", "duplicate")
    assert again.moves == first.moves
    assert set(worth(talk).values()) == {0.3}
    with pytest.raises(InvalidInput, match="key"):
        talk.feedback(trace, -1.0, key="k")


def test_a_retry_may_say_what_was_used_in_another_order(talk: Memory) -> None:
    trace, ids = searched(talk), [hit.id for hit in talk.search(QUESTION, namespace="ann")]
    first = talk.feedback(trace, 1.0, used=ids[:2], key="k")
    again = talk.feedback(trace, 1.0, used=ids[1::-1], key="k")
    assert (again.status, again.moves) == ("duplicate", first.moves)


def test_a_wrong_trace_id_is_called_one(talk: Memory) -> None:
    with pytest.raises(InvalidInput, match="a trace id came as 5"):
        talk.feedback(5, 1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("used", ["abc", 5, b"abc"])
def test_what_was_used_is_a_list(talk: Memory, used: Any) -> None:
    with pytest.raises(InvalidInput, match="'used' came as"):
        talk.feedback(searched(talk), 1.0, used=used)


def test_cold_memories_are_listed_as_such(talk: Memory) -> None:
    talk.retain(namespace="ann", budget=2)
    everything = talk.list(namespace="ann")
    assert sorted(one.cold for one in everything) == [False, False, True]
    assert talk.list(namespace="ann", cold=True) == [one for one in everything if one.cold]
    assert talk.list(namespace="ann", cold=False) == [one for one in everything if not one.cold]
    with pytest.raises(InvalidInput, match="cold came as 'yes'"):
        talk.list(namespace="ann", cold="yes")  # type: ignore[arg-type]


def test_a_late_feedback_still_counts(path: Path) -> None:
    times = iter([START, START + timedelta(days=400)])
    now = START

    def clock() -> datetime:
        return now

    with Memory.open(path, embedder=HashEmbedder(), now=clock) as memory:
        memory.add(TALK, namespace="ann")
        trace = searched(memory)
        now = next(times) + timedelta(days=400)
        assert len(memory.feedback(trace, 1.0).moves) == 3


def test_deleted_memories_are_skipped_and_named(talk: Memory) -> None:
    trace = searched(talk)
    gone = talk.search(QUESTION, namespace="ann")[0].id
    talk.delete(gone, namespace="ann")
    receipt = talk.feedback(trace, 1.0)
    assert receipt.skipped == ((gone, "deleted"),)
    assert len(receipt.moves) == 2
    assert gone not in dict(talk.top_utilities(namespace="ann"))


def test_a_trace_of_another_namespace_or_of_nobody_is_refused(talk: Memory) -> None:
    trace = searched(talk)
    with pytest.raises(NotFound, match="bob"):
        talk.feedback(trace, 1.0, namespace="bob")
    with pytest.raises(NotFound):
        talk.feedback("0" * 32, 1.0)
    assert talk.feedback(trace, 1.0, namespace="ann").status == "applied"


@pytest.mark.parametrize("reward", [1.1, -2, float("nan"), "1", True, None])
def test_rewards_out_of_bounds_are_refused(talk: Memory, reward: Any) -> None:
    with pytest.raises(InvalidInput, match="reward"):
        talk.feedback(searched(talk), reward)
    assert worth(talk) == {}


@pytest.mark.parametrize(
    ("options", "says"), [({"used": ["nobody"]}, "did not give"), ({"credit": "most"}, "uniform, cited")]
)
def test_wrong_options(talk: Memory, options: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        talk.feedback(searched(talk), 1.0, **options)


def test_one_source_moves_a_memory_only_so_far_within_the_window(path: Path) -> None:
    hours = 0.0

    def clock() -> datetime:
        return START + timedelta(hours=hours)

    settings = Settings.load(feedback_cap=0.5, feedback_window=24)
    with Memory.open(path, embedder=HashEmbedder(), settings=settings, now=clock) as memory:
        memory.add(TALK[:1], namespace="ann")
        trace = searched(memory)
        for _ in range(20):
            memory.feedback(trace, -1.0, source="mallory")
        assert worth(memory) == pytest.approx({"I moved to Oslo.": -0.5})
        memory.feedback(trace, 1.0, source="ann")
        assert worth(memory)["I moved to Oslo."] == pytest.approx(-0.05)
        hours = 30
        memory.feedback(trace, -1.0, source="mallory")
        assert worth(memory)["I moved to Oslo."] == pytest.approx(-0.05 - 0.3 * 0.95)


def test_utilities_are_explained_reset_and_rebuilt(talk: Memory) -> None:
    for reward in (1.0, -0.5, 0.25, 1.0):
        talk.feedback(searched(talk), reward, source=f"s{reward}")
    one = talk.search(QUESTION, namespace="ann")[0].id
    steps = talk.utility_history(one, namespace="ann")
    assert [step.reward for step in steps] == [1.0, -0.5, 0.25, 1.0]
    assert all(step.after == following.before for step, following in pairwise(steps))
    known = talk.utility(one, namespace="ann")
    assert known is not None
    assert (known.visits, known.q, known.last_reward) == (4, steps[-1].after, 1.0)
    before = dict(talk.top_utilities(namespace="ann"))
    assert talk.rebuild_utilities(namespace="ann") == 4
    assert dict(talk.top_utilities(namespace="ann")) == before
    assert talk.reset_utility(one, namespace="ann").after == 0.0
    assert talk.utility(one, namespace="ann") is None
    assert len(talk.utility_history(one, namespace="ann")) == 5
    assert talk.verify() == []


def test_the_least_worth_can_be_listed_first(talk: Memory) -> None:
    hits = talk.search(QUESTION, namespace="ann")
    talk.feedback(searched(talk), 1.0, used=[hits[0].id])
    talk.feedback(searched(talk), -1.0, used=[hits[1].id])
    assert [one for one, _ in talk.top_utilities(namespace="ann", worst=True)] == [hits[1].id, hits[0].id]


def test_what_is_least_worth_keeping_turns_cold_and_is_still_read_by_deliberation(path: Path) -> None:
    def drafted(prompt: Any) -> dict[str, Any]:
        return answering("Rome", 1) if "Rome" in prompt.user else answering("NONE")

    facts = {"facts": [{"fact": "Ben moved to Rome.", "score": 9, "messages": [2], "quote": "moved to Rome"}]}
    using = RuleModel({"draft": drafted, "answer": drafted, "gate": lambda _: judgement(), "extract": lambda _: facts})
    with Memory.open(path, embedder=HashEmbedder(), now=ticking()) as memory:
        memory.add(TALK, namespace="ann")
        ben = next(hit.id for hit in memory.search(QUESTION, namespace="ann") if "Rome" in hit.text)
        memory.feedback(searched(memory), -1.0, used=[ben])
        for _ in range(3):
            memory.feedback(searched(memory, speaker="Ann"), 1.0)
        done = memory.retain(namespace="ann", budget=2)
        assert (done.hot, done.cooled, done.warmed) == (2, (ben,), ())
        assert ben not in [hit.id for hit in memory.search(QUESTION, namespace="ann")]
        assert ben in [one.id for one in memory.list(namespace="ann")]
        answer = memory.ask("Where is Ben?", namespace="ann", model=using)
        assert (answer.process, answer.text, [e.id for e in answer.evidence]) == ("scan", "Rome", [ben])
        assert ben in [hit.id for hit in memory.search(QUESTION, namespace="ann")]  # of use, and so warm again
        assert memory.verify() == []


def test_retaining_takes_a_budget(talk: Memory) -> None:
    with pytest.raises(InvalidInput, match="hot_memories"):
        talk.retain(namespace="ann")
    with pytest.raises(InvalidInput, match="budget"):
        talk.retain(namespace="ann", budget=0)
    assert talk.retain(namespace="ann", budget=10).cooled == ()


def test_a_budget_in_the_settings_is_kept_in_the_background(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "RETAIN_SECONDS", 0.0)
    with Memory.open(path, embedder=HashEmbedder(), settings=Settings.load(hot_memories=2)) as memory:
        memory.add(TALK, namespace="ann")
        until = time.monotonic() + 20
        while memory.stats(namespace="ann")["cold"] != 1 and time.monotonic() < until:
            time.sleep(0.02)
        assert memory.stats(namespace="ann")["hot"] == 2


def test_the_calibrated_gate_wants_outcomes_and_a_calibration(talk: Memory) -> None:
    using = RuleModel({"draft": lambda _: answering("Ann", 1), "gate": lambda _: judgement()})
    with pytest.raises(InvalidInput, match="gate calibrate"):
        talk.ask(QUESTION, namespace="ann", model=using, gate="calibrated")
    with pytest.raises(InvalidInput, match="at least 50"):
        talk.calibrate_gate(namespace="ann", budget=0.25)


def test_a_gate_learns_which_answers_are_bad(talk: Memory) -> None:
    """Uncited answers turn out bad, cited ones good; the quality gate lets both pass."""
    good = RuleModel({"draft": lambda _: answering("Ann", 1), "gate": lambda _: judgement()})
    bad = RuleModel({"draft": lambda _: answering("Zoe"), "gate": lambda _: judgement()})
    for number in range(60):
        poor = number % 3 == 0
        answer = talk.ask(QUESTION, namespace="ann", model=bad if poor else good)
        talk.feedback(str(answer.trace_id), -1.0 if poor else 1.0, source=f"s{number}")
    found = talk.calibrate_gate(namespace="ann", budget=0.4)
    assert found.outcomes == 60
    assert (found.caught, found.wasted) == (20, 0)
    assert found.escalation_rate <= 0.4
    assert talk.ask(QUESTION, namespace="ann", model=good, gate="calibrated").process == "fast"
    judged = talk.ask(QUESTION, namespace="ann", model=bad, gate="calibrated").verdict
    assert judged is not None
    assert judged.escalate
    assert judged.reasons[-1].dimension == "risk"


def test_a_receipt_says_where_the_ranking_stays_as_it_is(path: Path) -> None:
    with Memory.open(path, embedder=HashEmbedder()) as memory:
        memory.add(TALK, namespace="ann")
        trace = searched(memory)
        assert "MEMSVC_SEARCH_WEIGHT" in str(memory.feedback(trace, 1.0, key="k").note)
        assert "search_weight is 0" in str(memory.feedback(trace, 1.0, key="k").note)
        memory.add_episode("List the users", ["SELECT 1"], namespace="ann", reward=1.0)
        attempts = memory.search_episodes("List the users", namespace="ann")
        assert memory.feedback(str(attempts.trace_id), 1.0).note is None
    with Memory.open(path, embedder=HashEmbedder(), settings=Settings.load(search_weight=0.1)) as memory:
        assert memory.feedback(searched(memory), 1.0).note is None
