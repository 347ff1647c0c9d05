"""The border to LiteLLM: what it knows of the library, how failures are told, and the loop behind it."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from memsvc.contract.headers import retry_after
from memsvc.errors import Cancelled, MissingDependency, ModelRefused, ModelUnavailable
from memsvc.models.language.background import BackgroundLoop
from memsvc.models.language.border import load
from memsvc.models.language.failures import address, kind_of_status, shown
from memsvc.models.language.schemas import in_words, response_format
from memsvc.models.language.served import LiteLLMModel
from memsvc.models.language.translation import KINDS

from .language_model_laws import Rating, prompt

pytestmark = pytest.mark.slow

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_every_error_of_litellm_has_a_meaning() -> None:
    """When this fails, LiteLLM has grown an error that is no kind of those before: decide what it means, in `KINDS`."""
    module = load().exceptions
    theirs = {
        name: {base.__name__ for base in thing.__mro__ if base.__module__ == module.__name__}
        for name, thing in inspect.getmembers(module, inspect.isclass)
        if issubclass(thing, Exception) and thing.__module__ == module.__name__
    }
    assert theirs
    assert {name for name, bases in theirs.items() if not bases & KINDS.keys()} == set()


class Provider:
    """A custom provider that raises what it is told."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.expected = 1
        self.together = 0

    def register(self) -> None:
        litellm, provider = load(), self

        class Custom(litellm.CustomLLM):  # type: ignore[misc,name-defined]
            async def acompletion(self, *, model_response: Any, **_: Any) -> Any:
                provider.together += 1
                async with asyncio.timeout(20):  # nobody is answered before all have come
                    while provider.together < provider.expected:
                        await asyncio.sleep(0.005)
                if provider.error is not None:
                    raise provider.error
                model_response.choices[0].message.content = '{"text": "fine", "score": 7}'
                return model_response

        litellm.custom_provider_map = [{"provider": "tame", "custom_handler": Custom()}]


@pytest.fixture
def provider() -> Iterator[Provider]:
    before = load().custom_provider_map
    yield Provider()
    load().custom_provider_map = before


def custom(provider: Provider) -> LiteLLMModel:
    return LiteLLMModel("tame/model", concurrency=None, retries=1, pause=0.01, register=provider.register)


def test_a_custom_provider_gets_the_whole_batch_together(provider: Provider) -> None:
    provider.expected = 20
    model = custom(provider)
    done = model.complete_many([prompt(f"question {n}") for n in range(20)], schema=Rating)
    assert [completion.value(Rating).score for completion in done] == [7] * 20
    assert model.constraint == "json_schema"
    assert all(completion.call.prompt_tokens > 0 for completion in done)


def test_what_a_custom_provider_misses_ends_the_batch(provider: Provider) -> None:
    provider.error = MissingDependency("install this")
    with pytest.raises(MissingDependency, match="install this"):
        custom(provider).complete_many([prompt("hello"), prompt("and again")])


def test_errors_that_nobody_foresaw_are_failures_of_their_call(provider: Provider) -> None:
    provider.error = ZeroDivisionError("one of these days")
    [completion] = custom(provider).complete_many([prompt("hello", purpose="gate")])
    with pytest.raises(ModelUnavailable, match=r"gate: tame/model.*one of these days") as told:
        _ = completion.text
    assert "Traceback" not in str(told.value)


def test_a_refusal_of_a_custom_provider_is_one(provider: Provider) -> None:
    provider.error = load().NotFoundError("no such model", model="model", llm_provider="tame")
    [completion] = custom(provider).complete_many([prompt("hello")])
    assert isinstance(completion.error, ModelRefused)
    assert completion.call.retries == 0


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "rejected"),
        (422, "rejected"),
        (401, "closed"),
        (404, "closed"),
        (413, "refused"),
        (429, "passing"),
        (529, "passing"),
    ],
)
def test_a_status_has_a_meaning(status: int, kind: str) -> None:
    assert kind_of_status(status) == kind


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "Mon, 02 Mar 2026 09:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 02 Mar 2026 08:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read(header: dict[str, str], seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


def test_what_is_shown_is_one_short_line_without_secrets() -> None:
    told = shown(f"key s3cret-key,\n  Bearer abcdefgh and sk-12345678 {'x' * 500}", secret="s3cret-key")
    assert told.startswith("key ***, Bearer *** and sk-*** xxx")
    assert len(told) == 203
    assert address("https://user:pass@host:8000/v1?key=1") == " at https://host:8000/v1"
    assert address(None) == ""


class Node(BaseModel):
    """A tree."""

    title: str
    children: list[Node]


class Tree(BaseModel):
    root: Node


class Loose(BaseModel):
    """With a default, which strict mode doesn't take."""

    title: str = "none"
    tags: dict[str, str]


def test_a_schema_is_strict_where_it_can_be() -> None:
    strict, loose = (response_format(schema, "json_schema") for schema in (Tree, Loose))
    assert strict is not None
    assert loose is not None
    assert strict["json_schema"]["strict"] is True
    assert strict["json_schema"]["schema"]["$defs"]["Node"]["additionalProperties"] is False
    assert loose["json_schema"]["strict"] is False
    assert response_format(Tree, "json_object") == {"type": "json_object"}
    assert response_format(Tree, "prompt") is None


def test_a_schema_in_words_keeps_its_keys_and_their_order() -> None:
    told = in_words(Loose)
    assert '"properties":{"title":{"default":"none","type":"string"},"tags":' in told
    assert '"title":"Loose"' not in told


def test_closing_the_loop_ends_its_thread_and_its_work() -> None:
    loop = BackgroundLoop()
    before = set(threading.enumerate())
    started = threading.Event()

    async def forever() -> None:
        started.set()
        await asyncio.sleep(3600)

    with closing(loop.as_they_end([forever], width=None, slots=nullcontext())) as ended:
        assert next(ended) is None
        assert started.is_set()
        loop.close()
        with pytest.raises(Cancelled, match="the process is ending"):
            list(ended)
    assert set(threading.enumerate()) <= before
    loop.close()  # a second time changes nothing


def test_an_error_of_one_job_cancels_the_others() -> None:
    loop = BackgroundLoop()
    given_up = threading.Event()

    async def forever() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            given_up.set()

    async def fails() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(loop.as_they_end([forever, fails], width=None, slots=nullcontext()))
    assert given_up.is_set()
    loop.close()


def test_a_coroutine_that_comes_too_late_is_closed() -> None:
    """LiteLLM makes them in a thread; unclosed, Python warns that they were never awaited."""
    loop = BackgroundLoop()
    in_thread, go_on = threading.Event(), threading.Event()

    async def never_awaited() -> None:
        raise AssertionError("it was not wanted any more")

    def make() -> Any:
        in_thread.set()
        go_on.wait()
        return never_awaited()

    async def job() -> None:
        await (await asyncio.get_running_loop().run_in_executor(None, make))

    with closing(loop.as_they_end([job], width=None, slots=nullcontext())) as ended:
        assert next(ended) is None
        assert in_thread.wait(5)
    go_on.set()
    loop.close()  # waits for the thread; a warning would be an error


def test_what_is_imported_leaves_no_thread_behind() -> None:
    """A thread that works at a fork takes its locks with it: the child then stands still."""
    code = """if True:
        import threading
        from memsvc.models.language.border import load
        load()
        print(*(one.name for one in threading.enumerate()))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.split(), done.stderr) == (["MainThread"], "")
