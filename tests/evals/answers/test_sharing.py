"""The memo: equal batches are made once, and every policy is shown what it would have cost alone."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.errors import Cancelled, ModelUnavailable
from memsvc.testing import RuleModel
from memsvc_evals.answers.sharing import Memo, Shared, seed_of
from memsvc_retrievers.language import Completion, Prompt
from memsvc_retrievers.prompts.replies import AnswerReply
from memsvc_retrievers.recorder import Recorder


def prompt(text: str, purpose: str = "draft") -> Prompt:
    return Prompt("system", text, purpose)


def model() -> RuleModel:
    """Says what it is asked."""
    return RuleModel({"draft": lambda one: one.user}, default=lambda one: one.user, seconds=0.5)


BATCHES = st.lists(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3), min_size=1, max_size=6)


@given(st.lists(BATCHES, min_size=1, max_size=4))
def test_each_batch_is_made_once_and_ledgers_are_as_if_alone(policies: list[list[list[str]]]) -> None:
    inner = model()
    memo = Memo(inner, 0, 0, "q")
    for batches in policies:
        alone, shared = Recorder(Shared(Memo(model(), 0, 0, "q"))), Recorder(Shared(memo))
        for batch in batches:
            prompts = [prompt(text) for text in batch]
            assert shared.complete_many(prompts) == alone.complete_many(prompts)
        assert shared.ledger == alone.ledger
    assert len(inner.batches) == len({tuple(batch) for batches in policies for batch in batches})


def test_a_batch_under_another_schema_or_purpose_is_another_one() -> None:
    inner = RuleModel(default=lambda _: {"thoughts": "", "answer": "x", "sources": []})
    shared = Shared(Memo(inner, 0))
    for one, schema in ((prompt("a"), None), (prompt("a"), AnswerReply), (prompt("a", "answer"), None)):
        shared.complete_many([one], schema=schema)
    assert len(inner.batches) == 3


def test_seeds_follow_from_question_run_purpose_and_place() -> None:
    inner = model()
    for identity in ((0, 0, "q1"), (0, 1, "q1"), (0, 0, "q2"), (1, 0, "q1")):
        Shared(Memo(inner, *identity)).complete_many([prompt("a"), prompt("a"), prompt("a", "gate")])
    seeds = [one.seed for one in inner.prompts]
    assert len(set(seeds)) == 12
    assert all(seed is not None and 0 <= seed < 2**31 for seed in seeds)
    again = model()
    Shared(Memo(again, 0, 0, "q1")).complete_many([prompt("a"), prompt("a"), prompt("a", "gate")])
    assert [one.seed for one in again.prompts] == seeds[:3]
    assert seed_of(1, "2") != seed_of(12, "")


def test_the_wait_for_a_batch_is_counted_for_who_did_not_wait() -> None:
    memo = Memo(model(), 0)
    first, second = Shared(memo), Shared(memo)
    first.complete_many([prompt("a")])
    second.complete_many([prompt("a")])
    assert first.spared == 0.0
    assert second.spared > 0.0


class Watching:
    """Counts what has ended, and stops after so many."""

    def __init__(self, limit: int = 99) -> None:
        self.limit, self.ended = limit, 0

    def finished(self, completion: Completion) -> None:
        self.ended += 1

    def cancelled(self) -> bool:
        return self.ended >= self.limit


def test_a_watch_is_told_of_what_was_made_before_and_may_stop_it() -> None:
    memo = Memo(model(), 0)
    Shared(memo).complete_many([prompt("a"), prompt("b")])
    watch = Watching()
    Shared(memo).complete_many([prompt("a"), prompt("b")], watch=watch)
    assert watch.ended == 2
    with pytest.raises(Cancelled):
        Shared(memo).complete_many([prompt("a"), prompt("b")], watch=Watching(1))


def test_a_batch_that_was_stopped_is_made_by_the_next_who_asks() -> None:
    inner = model()
    memo = Memo(inner, 0)
    with pytest.raises(Cancelled):
        Shared(memo).complete_many([prompt("a"), prompt("b")], watch=Watching(1))
    assert [one.text for one in Shared(memo).complete_many([prompt("a"), prompt("b")])] == ["a", "b"]
    assert len(inner.batches) == 2


def test_a_call_that_failed_has_failed_for_all() -> None:
    def down(_: Prompt) -> str:
        raise ModelUnavailable("not there")

    inner = RuleModel({"draft": down})
    memo = Memo(inner, 0)
    for _ in range(2):
        [one] = Shared(memo).complete_many([prompt("a")])
        assert isinstance(one.error, ModelUnavailable)
    assert len(inner.batches) == 1


def test_threads_that_ask_at_once_share_one_call() -> None:
    inner = model()
    memo, barrier = Memo(inner, 0), threading.Barrier(8)
    replies: list[str] = []

    def ask() -> None:
        barrier.wait()
        replies.extend(one.text for one in Shared(memo).complete_many([prompt("a")]))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == ["a"] * 8
    assert len(inner.batches) == 1
