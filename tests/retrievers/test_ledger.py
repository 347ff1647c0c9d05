from __future__ import annotations

import pytest

from memsvc.errors import Cancelled, InvalidReply
from memsvc.testing import RuleModel
from memsvc_retrievers.language import Completion, Prompt
from memsvc_retrievers.ledger import Call, Ledger
from memsvc_retrievers.recorder import Recorder

CALLS = (
    Call("extract", "m", 100, 20, 1.5, retries=1, cost=0.0),
    Call("extract", "m", 50, 5, 0.5, repairs=2, cost=0.25),
    Call("answer", "m", 10, 1, 0.25, cost=0.5),
)


def test_sums() -> None:
    ledger = Ledger(CALLS)
    assert (ledger.prompt_tokens, ledger.completion_tokens, ledger.seconds) == (160, 26, 2.25)
    assert (ledger.retries, ledger.cost) == (3, 0.75)
    assert {purpose: len(part.calls) for purpose, part in ledger.by_purpose().items()} == {"extract": 2, "answer": 1}
    assert Ledger().cost == 0
    assert Ledger((*CALLS, Call("answer", "m", 1, 1, 0.0))).cost is None


def test_the_recorder_writes_down_every_call_failed_ones_too() -> None:
    model = Recorder(RuleModel({"a": lambda _: "yes", "b": lambda _: fail()}, seconds=0.5))
    model.complete_many([Prompt("one two", "three", "a"), Prompt("", "four", "b")])
    model.complete_many([Prompt("", "five", "a")])
    assert [(call.purpose, call.prompt_tokens, call.completion_tokens) for call in model.ledger.calls] == [
        ("a", 3, 1),
        ("b", 1, 0),
        ("a", 1, 1),
    ]
    assert [call.error for call in model.ledger.calls] == [None, "b: no", None]
    assert model.ledger.seconds == 1.5
    assert model.name == "rules"


def test_the_recorder_stops_when_told_and_the_batch_watch_is_still_asked() -> None:
    class Batch:
        def __init__(self, stop: bool) -> None:
            self.seen: list[str] = []
            self.stop = stop

        def finished(self, completion: Completion) -> None:
            self.seen.append(completion.text)

        def cancelled(self) -> bool:
            return self.stop

    prompts, rules = [Prompt("", "x", "a")], {"a": lambda _: "yes"}
    watch = Batch(stop=False)
    Recorder(RuleModel(rules)).complete_many(prompts, watch=watch)
    assert watch.seen == ["yes"]
    for model, batch in (
        (Recorder(RuleModel(rules), cancelled=lambda: True), Batch(stop=False)),
        (Recorder(RuleModel(rules)), Batch(stop=True)),
    ):
        with pytest.raises(Cancelled):
            model.complete_many(prompts, watch=batch)
        assert model.ledger == Ledger()


def test_a_failed_completion_raises_when_it_is_looked_at() -> None:
    [completion] = RuleModel({"b": lambda _: fail()}).complete_many([Prompt("", "x", "b")])
    with pytest.raises(InvalidReply, match="b: no"):
        _ = completion.text


def fail() -> str:
    raise InvalidReply("b: no")
