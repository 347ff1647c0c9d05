"""Models over LiteLLM, against a server that is not well: every failure is seen, and nothing else is harmed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest

from memsvc.errors import InvalidReply, ModelInaccessible, ModelRefused, ModelUnavailable
from memsvc.models.language.border import load
from memsvc.models.language.conversation import LONGEST_RETRY_AFTER
from memsvc.models.language.served import LiteLLMModel
from memsvc_retrievers.language import Completion

from .language_model_laws import Rating, Recorder, prompt
from .model_server import ModelServer, Step, drops, echo, raw, says, status

pytestmark = pytest.mark.slow

RATED = '{"text": "fine", "score": 7}'
CUT = '{"text": "fine", "sc'
ECHOED = '{"properties": {"text": {"type": "string"}, "score": {"type": "integer"}}, "type": "object"}'
KEY = "sk-not-to-be-told-to-anybody"


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    load()


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


def served(server: ModelServer, **settings: Any) -> LiteLLMModel:
    return LiteLLMModel("openai/scripted", api_base=server.url, **{"pause": 0.01, "api_key": KEY, **settings})


def rate(server: ModelServer, *steps: Step, **settings: Any) -> Completion:
    """One rating by a server that takes these steps."""
    server.script("rate", *steps)
    [completion] = served(server, **settings).complete_many([prompt("rate", purpose="judge")], schema=Rating)
    return completion


@pytest.mark.parametrize(
    "bad",
    [CUT, "", "I'm sorry, but I can't help with that.", ECHOED, "[]", "<think>Seven, or eight?", '{"text": "fine"}'],
)
def test_a_bad_reply_is_repaired(server: ModelServer, bad: str) -> None:
    completion = rate(server, says(bad), says(RATED))
    assert completion.value(Rating).score == 7
    assert (completion.call.repairs, completion.call.retries) == (1, 0)
    assert (completion.call.prompt_tokens, completion.call.completion_tokens) == (22, 14)
    system, user, said, complaint = server.seen.requests[1].body["messages"]
    assert [system, user] == server.seen.requests[0].body["messages"]
    assert said == {"role": "assistant", "content": bad or "(nothing)"} or "<think>" in bad
    assert "cannot be read" in complaint["content"]


def test_a_reply_without_content_is_repaired(server: ModelServer) -> None:
    assert rate(server, says(None), says(RATED)).call.repairs == 1


@pytest.mark.parametrize("good", [f"```json\n{RATED}\n```", f"<think>Hm.</think>{RATED}", f"Here it is: {RATED}."])
def test_what_can_be_read_needs_no_repair(server: ModelServer, good: str) -> None:
    completion = rate(server, says(good))
    assert completion.value(Rating).score == 7
    assert completion.call.repairs == 0


def test_a_reply_that_stays_bad_is_an_error_that_names_it(server: ModelServer) -> None:
    completion = rate(server, says(f"No. {'never ' * 100}"), repairs=1)
    with pytest.raises(
        InvalidReply, match=r"judge: the reply of openai/scripted .*no JSON.*2 times.*No\. never"
    ) as told:
        completion.value(Rating)
    assert len(str(told.value)) < 600
    assert completion.call.error == str(told.value)
    assert completion.call.repairs == 1
    assert len(server.seen.requests) == 2


def test_a_reply_that_was_cut_off_gets_more_room_and_not_a_salvage(server: ModelServer) -> None:
    completion = rate(server, says(CUT, finish="length"), says(CUT, finish="length"), says(RATED))
    assert completion.value(Rating).score == 7
    assert [exchange.body["max_tokens"] for exchange in server.seen.requests] == [16, 32, 64]
    assert all(len(exchange.body["messages"]) == 2 for exchange in server.seen.requests)


def test_the_room_for_a_reply_has_an_end(server: ModelServer) -> None:
    completion = rate(server, says(CUT, finish="length"))
    with pytest.raises(InvalidReply, match=r"cut off.*stopped it at max_tokens"):
        completion.value(Rating)
    assert [exchange.body["max_tokens"] for exchange in server.seen.requests] == [16, 32, 64]


def test_plain_text_is_taken_without_its_thoughts(server: ModelServer) -> None:
    server.script("thinks", says("<think>Oslo or Bergen?</think>\nOslo."))
    server.script("ponders", says("<think>Oslo or", finish="length"), says("Oslo."))
    server.script("cut", says("Oslo is the capital of", finish="length"))
    server.script("mute", says("<think>no"))
    thinks, ponders, cut, mute = served(server).complete_many(
        [prompt(user) for user in ("thinks", "ponders", "cut", "mute")]
    )
    assert (thinks.text, ponders.text, cut.text) == ("Oslo.", "Oslo.", "Oslo is the capital of")
    assert (thinks.call.repairs, ponders.call.repairs, cut.call.repairs) == (0, 1, 0)
    with pytest.raises(InvalidReply, match="draft"):
        _ = mute.text


@pytest.mark.parametrize(
    "trouble",
    [status(500), status(502), status(503), status(504), status(429), drops, raw(b"[]"), raw(b"<html>"), raw(b"")],
)
def test_trouble_that_passes_is_retried(server: ModelServer, trouble: Step) -> None:
    server.script("rate", trouble, trouble, says("fine"))
    [completion] = served(server).complete_many([prompt("rate")])
    assert completion.text == "fine"
    assert (completion.call.retries, completion.call.repairs, completion.call.prompt_tokens) == (2, 0, 11)


@pytest.mark.parametrize("trouble", [status(503), drops])
def test_trouble_that_stays_is_unavailable(server: ModelServer, trouble: Step) -> None:
    server.script("bad", trouble)
    bad, good = served(server, retries=2).complete_many([prompt("bad", purpose="gate"), prompt("good")])
    with pytest.raises(
        ModelUnavailable, match=r"gate: openai/scripted at http://127.0.0.1:\d+/v1 failed after 3 tries"
    ):
        _ = bad.text
    assert good.text == "you said: good"
    assert bad.call.retries == 2


@pytest.mark.parametrize(
    ("code", "advice"),
    [(400, "complains"), (401, "API key"), (403, "API key"), (404, "model's name"), (413, "complains")],
)
def test_a_refusal_is_told_at_once(server: ModelServer, code: int, advice: str) -> None:
    server.script("bad", status(code, "because I say so"))
    [bad] = served(server).complete_many([prompt("bad", purpose="gate")])
    with pytest.raises(ModelRefused, match=rf"gate: .*status {code}: because I say so.*{advice}"):
        _ = bad.text
    assert len(server.seen.requests) == 1
    assert isinstance(bad.error, ModelInaccessible) == (code in (401, 403, 404)), "nothing of this one prompt"


@pytest.mark.parametrize("provider", ["openai", "hosted_vllm"])
@pytest.mark.parametrize("page", [b"<html>hello</html>", b"", b"[]"])
def test_an_answer_that_is_no_completion_is_no_status(server: ModelServer, page: bytes, provider: str) -> None:
    server.default = raw(page)
    model = LiteLLMModel(f"{provider}/scripted", api_base=server.url, retries=1, pause=0.01)
    [completion] = model.complete_many([prompt("hello")])
    assert isinstance(completion.error, ModelUnavailable)
    assert "status" not in str(completion.error)
    assert len(server.seen.requests) == 2


def test_a_prompt_too_long_is_refused_under_any_constraint(server: ModelServer) -> None:
    completion = rate(server, status(400, "This model's maximum context length is 4096 tokens."))
    with pytest.raises(ModelRefused, match=r"maximum context length.*send less"):
        completion.value(Rating)
    assert not isinstance(completion.error, ModelInaccessible)
    assert len(server.seen.requests) == 1


def test_retry_after_is_honoured(server: ModelServer) -> None:
    server.script("busy", status(429, retry_after="1"), says("fine"))
    started = monotonic()
    [completion] = served(server).complete_many([prompt("busy")])
    assert completion.text == "fine"
    assert 1.0 <= monotonic() - started < 3.0
    assert completion.call.seconds >= 1.0


def test_a_server_that_asks_for_an_hour_is_given_up(server: ModelServer) -> None:
    server.script("busy", status(429, retry_after=str(int(LONGEST_RETRY_AFTER) + 1)))
    [completion] = served(server).complete_many([prompt("busy")])
    with pytest.raises(ModelUnavailable, match=r"status 429.*lower the concurrency"):
        _ = completion.text
    assert len(server.seen.requests) == 1


def test_a_slow_reply_times_out(server: ModelServer) -> None:
    server.script("slow", says("late", latency=60))
    slow, quick = served(server, timeout=0.3, retries=1).complete_many([prompt("slow"), prompt("quick")])
    with pytest.raises(ModelUnavailable, match=r"after 2 tries.*raise the timeout"):
        _ = slow.text
    assert quick.text == "you said: quick"
    assert 0.6 <= slow.call.seconds < 3.0


def test_a_server_that_is_not_there_is_unavailable() -> None:
    model = LiteLLMModel("openai/scripted", api_base="http://user:pass@127.0.0.1:9/v1?key=1", retries=1, pause=0.01)
    [completion] = model.complete_many([prompt("hello")])
    with pytest.raises(ModelUnavailable, match=r"at http://127.0.0.1:9/v1 failed after 2 tries.*server runs"):
        _ = completion.text


def test_a_server_that_dies_half_way_through_a_batch(server: ModelServer) -> None:
    """What came before stays, what came after is unavailable, and nothing is missing."""
    server.default = says("fine", latency=0.05)

    class Kills(Recorder):
        def finished(self, completion: Completion) -> None:
            super().finished(completion)
            if len(self.completions) == 4:
                server.die()

    watch = Kills()
    done = served(server, retries=1, concurrency=2).complete_many([prompt(f"q{n}") for n in range(10)], watch=watch)
    assert len(watch.completions) == len(done) == 10
    well = [completion for completion in done if completion.error is None]
    ill = [completion for completion in done if completion.error is not None]
    assert 4 <= len(well) <= 6
    assert all(completion.text == "fine" for completion in well)
    assert all(isinstance(completion.error, ModelUnavailable) for completion in ill)


def test_a_storm_leaves_the_calm_ones_alone(server: ModelServer) -> None:
    server.default = says(RATED)
    storm = [CUT, "", "no", ECHOED]
    for at, bad in enumerate(storm):
        server.script(f"bad {at} ", says(bad))
    server.script("drops ", drops)
    server.script("fails ", status(503))
    server.script("refuses ", status(403))
    users = [*(f"bad {at} " for at in range(len(storm))), "drops ", "fails ", "refuses "]
    prompts = [prompt(user if at % 2 else "calm") for at, user in enumerate(user for user in users for _ in range(2))]
    done = served(server, retries=1, concurrency=8).complete_many(prompts, schema=Rating)
    for asked, completion in zip(prompts, done, strict=True):
        assert (completion.error is None) == (asked.user == "calm"), (asked.user, completion)


def test_no_key_is_told(
    server: ModelServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script("told", status(401, f"Incorrect API key provided: {KEY}"))
    server.script("other", status(400, "Bearer abcdefgh1234 and sk-abcdefgh1234 are no good"))
    told, other = served(server).complete_many([prompt("told"), prompt("other")])
    seen = f"{told} {other} {told.error!r} {caplog.text} {capfd.readouterr()} {served(server)!r}"
    assert KEY not in seen
    assert "abcdefgh1234" not in seen
    assert server.seen.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_litellm_prints_nothing(server: ModelServer, capfd: pytest.CaptureFixture[str]) -> None:
    server.script("bad", status(500))
    served(server, retries=0).complete_many([prompt("bad"), prompt("good")])
    assert capfd.readouterr() == ("", "")


def test_the_healthy_default_is_healthy(server: ModelServer) -> None:
    """The storm's tests rest on it."""
    server.default = echo
    [completion] = served(server).complete_many([prompt("hello")])
    assert (completion.text, completion.call.retries) == ("you said: hello", 0)
