"""What every language model promises; each implementation runs what it can.

`AnyModelLaws` asks for nothing sensible, so that a model with random weights keeps them too.
`ScriptedModelLaws` adds what can only be seen where replies are known beforehand.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from memsvc.errors import Cancelled, InvalidReply, ModelError
from memsvc_retrievers.language import Completion, Prompt

if TYPE_CHECKING:
    from memsvc_retrievers.language import LanguageModel

# By user text, what the model says to it; None: its back end fails on that prompt, every time.
Replies = Mapping[str, str | None]
Scripted = Callable[[Replies], "LanguageModel"]

PROMPTLY = 5.0  # seconds; far above what giving up takes, far below what finishing would


class Rating(BaseModel):
    """A small structured reply."""

    text: str
    score: int


def prompt(user: str, *, purpose: str = "draft", max_tokens: int = 16) -> Prompt:
    return Prompt("You answer in one word.", user, purpose=purpose, max_tokens=max_tokens)


class Recorder:
    """A watch that writes down what it sees, and asks to stop after so many calls."""

    def __init__(self, *, stop_after: int | None = None) -> None:
        self.completions: list[Completion] = []
        self.threads: set[int] = set()
        self._stop_after = stop_after

    def finished(self, completion: Completion) -> None:
        self.threads.add(threading.get_ident())
        self.completions.append(completion)

    def cancelled(self) -> bool:
        self.threads.add(threading.get_ident())
        return self._stop_after is not None and len(self.completions) >= self._stop_after


class Failing(Recorder):
    """A watch with a bug."""

    def finished(self, completion: Completion) -> None:
        raise ZeroDivisionError("the watch's own")


class AnyModelLaws:
    """Inherit, and give a `model` fixture."""

    def test_one_completion_a_prompt_in_order(self, model: LanguageModel) -> None:
        purposes = [f"purpose {n}" for n in range(6)]
        completions = model.complete_many([prompt("Where does Ann live?", purpose=each) for each in purposes])
        assert [completion.call.purpose for completion in completions] == purposes

    def test_no_prompts_give_no_completions(self, model: LanguageModel) -> None:
        watch = Recorder()
        assert model.complete_many([], watch=watch) == []
        assert watch.completions == []

    def test_the_ledger_line_is_sane(self, model: LanguageModel) -> None:
        started = monotonic()
        completions = model.complete_many([prompt("Where does Ann live?"), prompt("And Ben?")])
        passed = monotonic() - started
        for completion in completions:
            call = completion.call
            assert (call.purpose, call.model) == ("draft", model.name)
            assert call.prompt_tokens > 0
            assert call.completion_tokens >= 0
            assert 0 <= call.seconds <= passed
            assert min(call.retries, call.repairs) >= 0
            assert call.cost is None or call.cost >= 0
            assert call.error == (None if completion.error is None else str(completion.error))

    def test_the_watch_sees_every_call_once_in_the_callers_thread(self, model: LanguageModel) -> None:
        watch = Recorder()
        completions = model.complete_many([prompt(f"Question {n}?") for n in range(5)], watch=watch)
        assert len(watch.completions) == 5
        assert {id(seen) for seen in watch.completions} == {id(completion) for completion in completions}
        assert watch.threads == {threading.get_ident()}

    def test_a_batch_that_is_cancelled_from_the_start_makes_no_call(self, model: LanguageModel) -> None:
        watch = Recorder(stop_after=0)
        started = monotonic()
        with pytest.raises(Cancelled):
            model.complete_many([prompt(f"Question {n}?") for n in range(5)], watch=watch)
        assert watch.completions == []
        assert monotonic() - started < PROMPTLY

    def test_a_batch_can_be_cancelled_half_way(self, model: LanguageModel) -> None:
        watch = Recorder(stop_after=1)
        with pytest.raises(Cancelled):
            model.complete_many([prompt(f"Question {n}?") for n in range(40)], watch=watch)
        assert 1 <= len(watch.completions) < 40

    def test_the_next_batch_after_a_cancelled_one_is_whole(self, model: LanguageModel) -> None:
        with pytest.raises(Cancelled):
            model.complete_many([prompt("Never?")], watch=Recorder(stop_after=0))
        assert len(model.complete_many([prompt("Now?"), prompt("And now?")])) == 2

    def test_an_error_of_the_watch_ends_the_batch(self, model: LanguageModel) -> None:
        with pytest.raises(ZeroDivisionError, match="the watch's own"):
            model.complete_many([prompt(f"Question {n}?") for n in range(5)], watch=Failing())

    def test_threads_get_their_own_completions(self, model: LanguageModel) -> None:
        def batch(name: str) -> list[str]:
            done = model.complete_many([prompt(f"Question {n}?", purpose=f"{name} {n}") for n in range(4)])
            return [completion.call.purpose for completion in done]

        with ThreadPoolExecutor(4) as pool:
            for name, purposes in zip("abcd", pool.map(batch, "abcd"), strict=True):
                assert purposes == [f"{name} {n}" for n in range(4)]

    def test_a_structured_reply_fits_or_is_an_error(self, model: LanguageModel) -> None:
        for completion in model.complete_many([prompt("Rate it.", purpose="rate", max_tokens=32)] * 3, schema=Rating):
            if completion.error is None:
                assert isinstance(completion.value(Rating), Rating)
            else:
                with pytest.raises(InvalidReply, match="rate"):
                    completion.value(Rating)

    def test_the_name_is_stable_and_plain(self, model: LanguageModel) -> None:
        assert model.name == model.name
        assert model.name.strip()


class ScriptedModelLaws(AnyModelLaws):
    """Inherit, and give a `model` and a `scripted` fixture: from replies to a model that gives them."""

    def test_each_prompt_gets_its_own_reply(self, scripted: Scripted) -> None:
        replies = {f"question {n}": f"answer {n}" for n in range(10)}
        completions = scripted(replies).complete_many([prompt(user) for user in replies])
        assert [completion.text for completion in completions] == list(replies.values())
        assert all(completion.call.error is None for completion in completions)

    def test_a_failure_stays_alone(self, scripted: Scripted) -> None:
        model = scripted({"first": "one", "second": None, "third": "three"})
        watch = Recorder()
        first, second, third = model.complete_many(
            [prompt("first"), prompt("second", purpose="gate"), prompt("third")], watch=watch
        )
        assert (first.text, third.text) == ("one", "three")
        assert isinstance(second.error, ModelError)
        assert "gate" in str(second.error)
        assert second.call.error == str(second.error)
        assert len(watch.completions) == 3
        with pytest.raises(type(second.error)):
            _ = second.text
        with pytest.raises(type(second.error)):
            second.value(Rating)

    def test_structured_replies_come_parsed(self, scripted: Scripted) -> None:
        model = scripted({"good": '{"text": "fine", "score": 7}', "fenced": '```json\n{"text": "ok", "score": 5}\n```'})
        good, fenced = model.complete_many([prompt("good"), prompt("fenced")], schema=Rating)
        assert good.value(Rating) == Rating(text="fine", score=7)
        assert fenced.value(Rating) == Rating(text="ok", score=5)

    def test_an_unreadable_reply_fails_alone_after_its_repairs(self, scripted: Scripted) -> None:
        model = scripted({"good": '{"text": "fine", "score": 7}', "bad": "I would rather not."})
        good, bad = model.complete_many([prompt("good"), prompt("bad", purpose="extract")], schema=Rating)
        assert good.value(Rating).score == 7
        with pytest.raises(InvalidReply, match=r"extract.*I would rather not"):
            bad.value(Rating)

    def test_the_same_prompt_twice_is_two_calls(self, scripted: Scripted) -> None:
        watch = Recorder()
        twice = scripted({"again": "yes"}).complete_many([prompt("again")] * 2, watch=watch)
        assert [completion.text for completion in twice] == ["yes", "yes"]
        assert len(watch.completions) == 2
