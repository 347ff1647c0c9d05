"""Local models through LiteLLM, and over HTTP."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from pydantic import BaseModel, ConfigDict, Field

from memsvc.errors import Cancelled, MissingDependency, ModelRefused
from memsvc.models.language.border import load
from memsvc.models.language.served import LiteLLMModel
from memsvc.models.local import batcher
from memsvc.models.local.provider import register
from memsvc_retrievers.language import Prompt

from .constrained_server import NAME
from .language_model_laws import AnyModelLaws, Recorder

pytestmark = pytest.mark.slow

litellm: Any = None


@pytest.fixture(scope="module", autouse=True)
def _litellm() -> None:
    """Imported by the worker that runs this file, and not by all of them: it takes 5 s."""
    global litellm
    litellm = load()


class Fact(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str = Field(max_length=16)
    score: int = Field(ge=0, le=10)
    kind: Literal["said", "meant"]


class Facts(BaseModel):
    model_config = ConfigDict(extra="forbid")
    facts: list[Fact] = Field(max_length=2)


FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "Facts", "schema": Facts.model_json_schema(), "strict": True},
}


class TestLocalModel(AnyModelLaws):
    """The laws of every language model, a whole batch at once."""

    @pytest.fixture
    def model(self, tiny_model: Path) -> LiteLLMModel:
        return local(tiny_model)


def local(folder: Path, **settings: Any) -> LiteLLMModel:
    return LiteLLMModel(f"local/{folder}", concurrency=None, register=register, options={"device": "cpu"}, **settings)


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    register()
    yield
    batcher.unload()


def chat(question: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": "You read. " * 9}, {"role": "user", "content": question}]


def together(model: str, count: int, **options: Any) -> list[Any]:
    """The responses to `count` questions that are asked at once in one event loop; errors in their places."""

    async def run() -> list[Any]:
        calls = (litellm.acompletion(model=model, messages=chat(f"Question {at}?"), **options) for at in range(count))
        return await asyncio.gather(*calls, return_exceptions=True)

    return asyncio.run(run())


def failure(model: str, **options: Any) -> Exception:
    (error,) = together(model, 1, **options)
    assert isinstance(error, Exception)
    return error


def test_a_batch_of_constrained_chats_end_to_end(tiny_model: Path) -> None:
    responses = together(f"local/{tiny_model}", 10, temperature=0.0, max_tokens=400, response_format=FORMAT)

    for response in responses:
        choice = response.choices[0]
        Facts.model_validate_json(choice.message.content)
        assert choice.finish_reason == "stop"
        assert response.usage.prompt_tokens > 30
        assert response.usage.completion_tokens > 2
        assert response._hidden_params["response_cost"] == 0
    # The call that is not asynchronous gives the same.
    again = litellm.completion(
        model=f"local/{tiny_model}", messages=chat("Question 3?"), max_tokens=400, response_format=FORMAT
    )
    assert again.choices[0].message.content == responses[3].choices[0].message.content


def test_calls_made_together_share_their_forward_passes(tiny_model: Path) -> None:
    model = f"local/{tiny_model}"
    together(model, 1, max_tokens=1)
    engine = batcher.batcher_of(str(tiny_model))._engine
    passes: list[int] = []
    handle = engine.model.register_forward_pre_hook(lambda _model, _args: passes.append(1))
    together(model, 30, max_tokens=20)
    handle.remove()

    assert 20 <= len(passes) < 200, "one by one, 30 replies of 20 tokens are 600 passes"


def test_parameters_reach_the_model(tiny_model: Path) -> None:
    model = f"local/{tiny_model}"
    greedy, again, sampled, other, narrow, short = (
        together(model, 1, **{"max_tokens": 12, "device": "cpu", **options})[0].choices[0]
        for options in (
            {},
            {"seed": 9},
            {"temperature": 1.0, "seed": 1},
            {"temperature": 1.0, "seed": 2},
            {"temperature": 1.0, "top_p": 1e-6},
            {"max_completion_tokens": 2},
        )
    )
    assert greedy.message.content == again.message.content == narrow.message.content
    assert len({greedy.message.content, sampled.message.content, other.message.content}) == 3
    assert greedy.message.content.startswith(short.message.content)
    assert short.finish_reason == "length"


def test_a_batch_of_the_language_model_is_structured_and_counted(tiny_model: Path) -> None:
    model = local(tiny_model)
    prompts = [Prompt("You read.", f"Question {at}?", purpose="extract", max_tokens=400) for at in range(10)]

    completions = model.complete_many(prompts, schema=Facts)

    assert all(isinstance(completion.value(Facts), Facts) for completion in completions)
    assert {(completion.call.repairs, completion.call.retries, completion.call.cost) for completion in completions} == {
        (0, 0, 0.0)
    }
    assert all(completion.call.prompt_tokens > 30 for completion in completions)
    assert model.constraint == "json_schema"


def test_a_bad_prompt_of_the_language_model_fails_alone_and_at_once(tiny_model: Path) -> None:
    prompts = [Prompt("You read.", user, purpose="scan", max_tokens=4) for user in ("Who?", "é?" * 3000, "Where?")]
    good, bad, other = local(tiny_model).complete_many(prompts, schema=None)
    assert good.text
    assert other.text
    assert bad.call.retries == 0
    with pytest.raises(ModelRefused, match=r"scan.*context window"):
        _ = bad.text


def test_a_cancelled_batch_of_the_language_model_frees_the_model(tiny_model: Path) -> None:
    model = local(tiny_model)
    prompts = [Prompt("You read.", f"Question {at}?", purpose="scan", max_tokens=3 + 3000 * at) for at in range(2)]
    with pytest.raises(Cancelled):
        model.complete_many(prompts, watch=Recorder(stop_after=1))
    engine = batcher.batcher_of(str(tiny_model), "cpu")._engine
    passes: list[int] = []
    handle = engine.model.register_forward_pre_hook(lambda _model, _args: passes.append(1))
    model.complete_many(prompts[:1])
    handle.remove()
    assert len(passes) < 100, "the cancelled reply of 3,000 tokens is not written first"


def test_a_json_object_is_an_object(tiny_model: Path) -> None:
    (response,) = together(f"local/{tiny_model}", 1, max_tokens=300, response_format={"type": "json_object"})
    choice = response.choices[0]
    assert choice.message.content.startswith("{")
    if choice.finish_reason == "stop":
        assert isinstance(json.loads(choice.message.content), dict)


def test_errors_are_litellms_own(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    model = f"local/{tiny_model}"
    long = [{"role": "user", "content": "é?" * 3000}]
    bad_schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "strin"}}}

    async def too_long() -> None:
        await litellm.acompletion(model=model, messages=long)

    with pytest.raises(litellm.ContextWindowExceededError, match="context window"):
        asyncio.run(too_long())
    with pytest.raises(litellm.ContextWindowExceededError):
        litellm.completion(model=model, messages=long)
    assert isinstance(failure("local//nowhere/model"), litellm.NotFoundError)
    assert isinstance(failure("local/memsvc/no-such-model"), litellm.NotFoundError)
    assert isinstance(failure(model, stop=["x"]), litellm.UnsupportedParamsError)
    assert isinstance(failure(model, response_format=bad_schema), litellm.BadRequestError)
    assert isinstance(failure(model, response_format={"type": "xml"}), litellm.BadRequestError)
    assert isinstance(failure(model, device="nothing"), litellm.NotFoundError)
    assert isinstance(failure(model, timeout=0.001, max_tokens=2000), litellm.Timeout)
    with pytest.raises(litellm.Timeout):
        litellm.completion(model=model, messages=chat("Who?"), timeout=0.001, max_tokens=2000)


def test_an_unloaded_model_is_an_error_that_may_be_tried_again(tiny_model: Path) -> None:
    model = f"local/{tiny_model}"
    together(model, 1, max_tokens=1)
    engine = batcher.batcher_of(str(tiny_model))._engine
    started = threading.Event()
    engine.model.register_forward_pre_hook(lambda _model, _args: started.set())
    errors: list[Exception] = []
    asking = threading.Thread(target=lambda: errors.append(failure(model, max_tokens=4000)))
    asking.start()
    assert started.wait(60)
    batcher.unload()
    asking.join(60)

    assert isinstance(errors[0], litellm.InternalServerError)


def test_a_second_registration_changes_nothing() -> None:
    before = list(litellm.custom_provider_map)
    register()
    assert litellm.custom_provider_map == before


@pytest.mark.parametrize("name", ["torch", "transformers", "llguidance"])
def test_a_missing_package_is_named_at_the_registration(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependency, match=rf"{name}.*memsvc\[local\]"):
        register()


def test_importing_the_provider_loads_nothing_heavy() -> None:
    code = (
        "import sys; import memsvc.models.local.provider, memsvc.models.local.batcher, memsvc.models.local.loading;"
        "print([name for name in ('torch', 'transformers', 'litellm', 'llguidance') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_process_ends_while_its_model_still_writes(tiny_model: Path) -> None:
    code = (
        "import sys, threading; from memsvc.models.local import batcher;"
        "from memsvc.models.local.shapes import Request;"
        "one = batcher.batcher_of(sys.argv[1], 'cpu'); chat = [{'role': 'user', 'content': 'Who?'}];"
        "one.submit(Request(chat, max_tokens=1)).result(60);"
        "writing = threading.Event();"
        "one._engine.model.register_forward_pre_hook(lambda *_: writing.set());"
        "one.submit(Request(chat, max_tokens=4000)); print(writing.wait(60))"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tiny_model)], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (0, "True", "")


def test_the_http_server_holds_the_model_to_the_schema(constrained_server: str) -> None:
    assert httpx.get(f"{constrained_server}/models").json()["data"][0]["id"] == NAME

    async def run() -> list[Any]:
        calls = (
            litellm.acompletion(
                model=f"openai/{NAME}",
                api_base=constrained_server,
                api_key="none",
                messages=chat(f"Question {at}?"),
                response_format=FORMAT,
                max_tokens=400,
                temperature=1.0,
            )
            for at in range(10)
        )
        return await asyncio.gather(*calls)

    for response in asyncio.run(run()):
        Facts.model_validate_json(response.choices[0].message.content)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/nowhere", {"model": NAME}, 404),
        ("/chat/completions", {"model": "other", "messages": []}, 404),
        ("/chat/completions", {"model": NAME, "messages": [], "stream": True}, 400),
        ("/chat/completions", {"model": NAME, "messages": [{"role": "user", "content": "é?" * 3000}]}, 400),
    ],
)
def test_the_http_server_says_what_it_cannot_do(
    constrained_server: str, path: str, body: dict[str, Any], status: int
) -> None:
    answer = httpx.post(f"{constrained_server}{path}", json=body, timeout=60)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
