"""Models over LiteLLM, against a real HTTP server that is well."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import monotonic, sleep
from typing import Any

import pytest

from memsvc.errors import Cancelled, InvalidInput, MissingDependency, ModelRefused, SettingsError
from memsvc.models.language.border import load
from memsvc.models.language.served import LiteLLMModel
from memsvc_retrievers.language import Completion

from .language_model_laws import PROMPTLY, Rating, Recorder, Replies, Scripted, ScriptedModelLaws, prompt
from .model_server import ModelServer, echo, says, status, unless

pytestmark = pytest.mark.slow

LATENCY = 0.4  # seconds; LiteLLM's own work, some 5 ms a call, must not decide
RATED = '{"text": "fine", "score": 7}'


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """LiteLLM takes 4 s to import, which no measured time should hold."""
    load()


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


def served(server: ModelServer, **settings: Any) -> LiteLLMModel:
    return LiteLLMModel("openai/scripted", api_base=server.url, **{"pause": 0.01, **settings})


def asked(server: ModelServer) -> list[str | None]:
    """The constraint of each request so far."""
    return [exchange.constraint for exchange in server.seen.requests]


class TestServedModel(ScriptedModelLaws):
    @pytest.fixture
    def model(self, server: ModelServer) -> LiteLLMModel:
        return served(server)

    @pytest.fixture
    def scripted(self, server: ModelServer) -> Scripted:
        def give(replies: Replies) -> LiteLLMModel:
            for user, reply in replies.items():
                server.script(user, status(500) if reply is None else says(reply))
            return served(server, retries=1)

        return give


class TestBatchesAtOnce(TestServedModel):
    """The same laws where a whole batch starts together, as models in this process need it."""

    @pytest.fixture
    def model(self, server: ModelServer) -> LiteLLMModel:
        return served(server, concurrency=None)


@pytest.mark.parametrize(("calls", "concurrency"), [(8, 4), (7, 3), (16, None)])
def test_calls_fan_out(server: ModelServer, calls: int, concurrency: int | None) -> None:
    """As many at once as may be, and no more; what that saves is measured by `memsvc bench`."""
    model = served(server, concurrency=concurrency)
    model.complete_many([prompt("warm up")])
    server.default = says("ok", latency=LATENCY)
    model.complete_many([prompt(f"question {n}") for n in range(calls)])
    assert server.seen.most_at_once == (concurrency or calls)


def test_batches_of_several_threads_share_the_limit(server: ModelServer) -> None:
    model = served(server, concurrency=3)
    server.default = says("ok", latency=0.05)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: model.complete_many([prompt(f"question {n}") for n in range(6)]), range(4)))
    assert server.seen.most_at_once == 3


def test_a_short_batch_takes_turns_with_a_long_one(server: ModelServer) -> None:
    server.default = says("ok", latency=0.05)
    model = served(server, concurrency=2)
    model.complete_many([prompt("warm up")])
    long = Recorder()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(model.complete_many, [prompt(f"long {n}") for n in range(30)], watch=long)
        while not long.completions:
            sleep(0.001)
        model.complete_many([prompt("short")])
        assert len(long.completions) < 15
        assert len(running.result()) == 30


class StopsAt(Recorder):
    """Asks to stop at a point in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.at = monotonic() + seconds
        self.looks: list[float] = []

    def cancelled(self) -> bool:
        self.looks.append(monotonic())
        return monotonic() >= self.at


def test_cancelling_closes_the_connections_of_slow_calls(server: ModelServer) -> None:
    server.default = says("late", latency=60)
    watch = StopsAt(0.5)
    with pytest.raises(Cancelled, match="0 of 3"):
        served(server, concurrency=2).complete_many([prompt(f"question {n}") for n in range(3)], watch=watch)
    assert monotonic() - watch.at < 1
    assert max(later - sooner for sooner, later in zip(watch.looks, watch.looks[1:], strict=False)) < 0.2
    _until(lambda: server.seen.hung_up == 2)
    assert len(server.seen.requests) == 2


def test_an_error_of_the_watch_closes_the_connections_too(server: ModelServer) -> None:
    server.default = says("late", latency=60)
    server.script("quick", echo)

    class Broken(Recorder):
        def finished(self, completion: Completion) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        served(server).complete_many([prompt("slow"), prompt("quick")], watch=Broken())
    _until(lambda: server.seen.hung_up == 1)


def test_an_interrupt_reaches_a_waiting_caller(server: ModelServer) -> None:
    program = f"""
        from memsvc.models.language.served import LiteLLMModel
        from memsvc_retrievers.language import Prompt
        try:
            LiteLLMModel("openai/scripted", api_base={server.url!r}).complete_many([Prompt("", "slow", "draft")])
        except KeyboardInterrupt:
            print("interrupted")
    """
    server.default = says("late", latency=60)
    with _python(program) as process:
        _until(lambda: server.seen.under_way == 1, seconds=60)
        process.send_signal(2)
        out, err = process.communicate(timeout=30)
    assert (out, err) == (b"interrupted\n", b"")
    assert server.seen.hung_up == 1


def test_a_process_ends_cleanly_and_prints_nothing(server: ModelServer) -> None:
    program = f"""
        import sys
        from memsvc.models.language.served import LiteLLMModel
        from memsvc_retrievers.language import Prompt
        for address in ({server.url!r}, "http://127.0.0.1:9/v1"):
            model = LiteLLMModel("openai/scripted", api_base=address, retries=0)
            heavy = {{"litellm", "tenacity", "openai", "httpx", "asyncio"}} & set(sys.modules)
            assert address.endswith(":9/v1") or not heavy - {{"asyncio"}}, heavy
            model.complete_many([Prompt("", "hello", "draft")])
        print(model.constraint)
    """
    with _python(program, "-W", "error::ResourceWarning", "-W", "error::RuntimeWarning") as process:
        out, err = process.communicate(timeout=60)
    assert (out, err, process.returncode) == (b"None\n", b"", 0)


def _python(program: str, *flags: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *flags, "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )


def _until(condition: Any, *, seconds: float = PROMPTLY) -> None:
    """Waits for what another thread is about to see."""
    until = monotonic() + seconds
    while not condition():
        assert monotonic() < until, "it did not come"
        sleep(0.005)


def test_a_server_that_takes_a_schema_gets_it_strict(server: ModelServer) -> None:
    server.default = says(RATED)
    model = served(server)
    assert model.constraint is None
    [rated] = model.complete_many([prompt("rate")], schema=Rating)
    assert rated.value(Rating).score == 7
    assert model.constraint == "json_schema"
    told = server.seen.requests[0].body["response_format"]["json_schema"]
    assert told["strict"] is True
    assert told["schema"]["additionalProperties"] is False
    assert '"score":{"type":"integer"}' in server.seen.requests[0].body["messages"][0]["content"]


@pytest.mark.parametrize("refusal", [400, 422])
@pytest.mark.parametrize(
    ("refused", "constraint", "requests"),
    [
        ({"json_schema"}, "json_object", ["json_schema", "json_object", "json_object"]),
        ({"json_schema", "json_object"}, "prompt", ["json_schema", "json_object", None, None]),
    ],
)
def test_a_refused_constraint_is_stepped_down_from_once(
    server: ModelServer, refusal: int, refused: set[str], constraint: str, requests: list[str | None]
) -> None:
    server.default = unless(refused, says(RATED), status(refusal, "response_format is not supported"))
    model = served(server)
    for _ in range(2):
        [rated] = model.complete_many([prompt("rate")], schema=Rating)
        assert rated.value(Rating).score == 7
    assert model.constraint == constraint
    assert asked(server) == requests


def test_a_server_that_fails_on_a_schema_is_asked_for_json(server: ModelServer) -> None:
    server.default = unless({"json_schema"}, says(RATED), status(500, "failed to parse grammar"))
    model = served(server, retries=1)
    for _ in range(2):
        [rated] = model.complete_many([prompt("rate")], schema=Rating)
        assert rated.value(Rating).score == 7
        assert rated.call.retries == 1
    assert asked(server) == ["json_schema", "json_object"] * 2, "the 500 may have been the server's own: asked again"
    assert model.constraint is None


def test_trouble_that_passes_downgrades_nothing(server: ModelServer) -> None:
    server.script("rate", *[status(500)] * 4, says(RATED))
    model = served(server)
    [rated] = model.complete_many([prompt("rate")], schema=Rating)
    assert rated.value(Rating).score == 7
    assert asked(server) == ["json_schema", "json_object", None, "json_schema", "json_schema"]
    assert model.constraint == "json_schema"


def test_a_server_that_always_fails_is_not_asked_for_each_constraint_anew(server: ModelServer) -> None:
    server.default = status(500)
    [failed] = served(server, retries=3).complete_many([prompt("rate")], schema=Rating)
    assert "after 6 tries" in str(failed.error)
    assert asked(server) == ["json_schema", "json_object", None, *["json_schema"] * 3]


def test_a_rejected_constraint_stays_rejected_while_the_server_is_busy(server: ModelServer) -> None:
    server.script("rate", status(400), status(503), says(RATED))
    model = served(server)
    model.complete_many([prompt("rate")], schema=Rating)
    assert asked(server) == ["json_schema", "json_object", "json_object"]
    assert model.constraint == "json_object"


@pytest.mark.parametrize(
    "url", ["notaurl", "localhost:8000/v1", "http://", "http://host:port/v1", "http://[::1/v1", "ftp://host/v1"]
)
def test_an_address_that_is_none_is_said(url: str) -> None:
    with pytest.raises(SettingsError, match=r"the model's address came as .*MEMSVC_MODEL_URL.*http://localhost"):
        LiteLLMModel("openai/scripted", api_base=url)


def test_an_address_that_is_none_tells_no_password() -> None:
    with pytest.raises(SettingsError, match="'host'") as told:
        LiteLLMModel("openai/scripted", api_base="user:secret@host")
    assert "secret" not in str(told.value)


def test_a_constraint_is_not_given_up_for_a_server_that_is_down(server: ModelServer) -> None:
    server.script("first", status(500))
    server.script("second", says(RATED))
    model = served(server, retries=0)
    [failed] = model.complete_many([prompt("first")], schema=Rating)
    assert failed.error is not None
    assert model.constraint is None
    model.complete_many([prompt("second")], schema=Rating)
    assert model.constraint == "json_schema"


def test_a_step_down_by_luck_is_not_kept(server: ModelServer) -> None:
    server.default = says(RATED)
    server.script("trouble", status(500), says(RATED))
    model = served(server, retries=0)
    for user in ("well", "trouble", "well"):
        [rated] = model.complete_many([prompt(user)], schema=Rating)
        assert rated.value(Rating).score == 7
    assert asked(server) == ["json_schema", "json_schema", "json_object", "json_schema"]
    assert model.constraint == "json_schema"


def test_tokens_are_the_servers_or_counted(server: ModelServer) -> None:
    server.script("counted", says("word " * 50))
    server.script("silent", says("word " * 50, usage=False))
    counted, silent = served(server).complete_many([prompt("counted"), prompt("silent")])
    assert (counted.call.prompt_tokens, counted.call.completion_tokens) == (11, 7)
    assert silent.call.prompt_tokens > 5
    assert 40 < silent.call.completion_tokens < 60


def test_time_in_the_queue_is_not_the_calls(server: ModelServer) -> None:
    server.default = says("ok", latency=0.2)
    done = served(server, concurrency=1).complete_many([prompt(f"question {n}") for n in range(4)])
    assert all(0.2 <= completion.call.seconds < 0.4 for completion in done)


@pytest.mark.parametrize("name", ["openai", "hosted_vllm"])
def test_keys_go_to_the_server_and_nowhere_else(
    server: ModelServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-provider")
    for key in ("sk-for-this-server", None):
        LiteLLMModel(f"{name}/scripted", api_base=server.url, api_key=key).complete_many([prompt("hello")])
    mine, none = (exchange.headers["authorization"] for exchange in server.seen.requests)
    assert mine == "Bearer sk-for-this-server"
    assert "sk-of-another-provider" not in none


def test_a_missing_key_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    [completion] = LiteLLMModel("openai/gpt-4o-mini").complete_many([prompt("hello")])
    with pytest.raises(ModelRefused, match="OPENAI_API_KEY"):
        _ = completion.text
    assert completion.call.retries == 0


@pytest.mark.parametrize("name", ["nonsense/model", "model"])
def test_a_provider_that_nobody_knows_is_refused(name: str) -> None:
    [completion] = LiteLLMModel(name).complete_many([prompt("hello")], schema=Rating)
    assert isinstance(completion.error, ModelRefused)
    assert "Provider" in str(completion.error)


def test_options_reach_the_server(server: ModelServer) -> None:
    served(server, options={"top_p": 0.5, "temperature": 1.0}).complete_many([prompt("hello")])
    assert (server.seen.requests[0].body["top_p"], server.seen.requests[0].body["temperature"]) == (0.5, 1.0)


def test_a_seed_reaches_the_server_and_nothing_does_without_one(server: ModelServer) -> None:
    served(server).complete_many([replace(prompt("hello"), seed=7)])
    served(server).complete_many([prompt("hello")])
    assert [request.body.get("seed") for request in server.seen.requests] == [7, None]


def test_an_ollama_is_asked_by_its_own_chat_protocol() -> None:
    """With the schema as its `format`, and the messages apart: its template is the model's own."""
    from .ollama_server import OllamaServer

    with OllamaServer(RATED) as ollama:
        model = LiteLLMModel("ollama/qwen3", api_base=ollama.url)
        [rated] = model.complete_many([prompt("rate")], schema=Rating)
    assert rated.value(Rating).score == 7
    assert (model.name, rated.call.model, rated.call.cost) == ("ollama/qwen3", "ollama/qwen3", 0.0)
    assert (rated.call.prompt_tokens, rated.call.completion_tokens) == (21, 9)
    [body] = ollama.bodies
    assert body["format"]["properties"].keys() == {"text", "score"}
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["options"] == {"temperature": 0.0, "num_predict": 16}


@pytest.mark.parametrize("package", ["litellm", "tenacity"])
def test_missing_packages_name_the_extra(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependency, match=rf"missing: {package}.*memsvc\[llm\]"):
        LiteLLMModel("openai/scripted").complete_many([prompt("hello")])


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InvalidInput, match="concurrency is 0"):
        LiteLLMModel("openai/scripted", concurrency=0)
    with pytest.raises(InvalidInput, match="retries=-1"):
        LiteLLMModel("openai/scripted", retries=-1)
