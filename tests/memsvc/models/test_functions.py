"""Functions of the user's as models: the laws, and what wrong ones are told."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from memsvc import Memory
from memsvc.errors import EmbedderError, InvalidInput, InvalidReply, ModelUnavailable
from memsvc.models import FunctionEmbedder, FunctionModel
from memsvc.testing import HashEmbedder

from .embedder_laws import EmbedderLaws
from .language_model_laws import Rating, Replies, Scripted, ScriptedModelLaws, prompt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from memsvc_retrievers.language import LanguageModel
    from memsvc_retrievers.protocols import Embedder


def said(replies: Replies, asked: Any) -> str:
    text = asked if isinstance(asked, str) else "\n\n".join(one["content"] for one in asked)
    reply = next((reply for user, reply in replies.items() if f"\n\n{user}" in text), "yes")
    if reply is None:
        raise ConnectionError("the line is dead")
    return reply


def plain(replies: Replies) -> LanguageModel:
    def answer(asked: str) -> str:
        return said(replies, asked)

    return FunctionModel(answer, name="mine")


def waiting(replies: Replies) -> LanguageModel:
    async def answer(messages: list[dict[str, str]]) -> str:
        await asyncio.sleep(0.001)
        return said(replies, messages)

    return FunctionModel(answer, messages=True)


class TestPlainFunction(ScriptedModelLaws):
    """A sync function of one text."""

    @pytest.fixture
    def model(self) -> LanguageModel:
        return plain({})

    @pytest.fixture
    def scripted(self) -> Scripted:
        return plain


class TestAsyncFunction(ScriptedModelLaws):
    """An async function of messages."""

    @pytest.fixture
    def model(self) -> LanguageModel:
        return waiting({})

    @pytest.fixture
    def scripted(self) -> Scripted:
        return waiting


def one(function: Callable[..., Any], schema: type[Rating] | None = None, **options: Any) -> Any:
    [completion] = FunctionModel(function, **options).complete_many([prompt("Rate it.")], schema=schema)
    return completion


def test_what_a_function_asks_for_by_name_it_is_told() -> None:
    seen: dict[str, Any] = {}

    def answer(asked: str, *, schema: Any, purpose: str, max_tokens: int, temperature: float, seed: int | None) -> Any:
        seen.update(schema=schema, purpose=purpose, max_tokens=max_tokens, temperature=temperature, seed=seed)
        return Rating(text="fine", score=7)

    assert one(answer, Rating).value(Rating) == Rating(text="fine", score=7)
    assert seen == {"schema": Rating, "purpose": "draft", "max_tokens": 16, "temperature": 0.0, "seed": None}
    assert one(lambda _: {"text": "fine", "score": 7}, Rating).value(Rating).score == 7


def test_a_wrong_return_is_told() -> None:
    for given in (None, 7, b"yes", {"text": "yes"}):
        completion = one(lambda _, given=given: given, name="mine")
        with pytest.raises(InvalidReply, match=r"draft: mine .*and a string was wanted\); have the function give"):
            _ = completion.text
    with pytest.raises(InvalidReply, match="a value of the schema was wanted"):
        one(lambda _: [Rating], Rating).value(Rating)


def test_what_a_function_raises_is_the_cause() -> None:
    def broken(asked: str) -> str:
        raise KeyError("choices")

    error = one(broken).error
    assert isinstance(error, ModelUnavailable)
    assert isinstance(error.__cause__, KeyError)
    assert "draft: broken failed (KeyError: 'choices')" in str(error)
    assert "no answer within 0.05 s" in str(one(lambda _: time.sleep(0.2), timeout=0.05).error)


def test_an_object_that_is_called_and_a_function_that_gives_a_coroutine() -> None:
    class Called:
        async def __call__(self, asked: str) -> str:
            return "called"

    async def later(asked: str) -> str:
        return "later"

    assert one(Called()).text == "called"
    assert one(Called()).call.model == "Called"
    assert one(lambda asked: later(asked)).text == "later"


@pytest.mark.parametrize(
    ("function", "options"), [("gpt", {}), (str, {"name": " "}), (str, {"concurrency": 0}), (str, {"repairs": -1})]
)
def test_a_model_that_makes_no_sense_is_refused(function: Any, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        FunctionModel(function, **options)


HASHED = HashEmbedder()


class TestPlainEmbedder(EmbedderLaws):
    """A sync function that gives lists, whose dimension is found."""

    @pytest.fixture
    def embedder(self) -> Embedder:
        return FunctionEmbedder(lambda texts: (3 * HASHED.embed(texts)).tolist(), model="mine", batch=32)


class TestAsyncEmbedder(EmbedderLaws):
    """An async function that gives an array and tells questions apart."""

    @pytest.fixture
    def embedder(self) -> Embedder:
        async def embed(texts: list[str], purpose: str) -> Any:
            await asyncio.sleep(0)
            return HASHED.embed(texts, purpose="query" if purpose == "query" else "document")

        return FunctionEmbedder(embed, model="mine", dimension=64)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([[1.0, 2.0]], "shape (1, 2) for 2 texts"),
        ([1.0, 2.0], "shape (2,) for 2 texts"),
        ([[1.0], [1.0, 2.0]], "no array of numbers"),
        ("vectors", "no array of numbers"),
        (None, "shape () for 2 texts"),
        ([[0.0, 0.0], [1.0, 0.0]], "no usable vector for text 0"),
        ([[np.nan, 0.0], [1.0, 0.0]], "no usable vector for text 0"),
        ([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], "vectors of 3 numbers, and they have 2"),
    ],
)
def test_wrong_vectors_are_told(given: Any, says: str) -> None:
    with pytest.raises(EmbedderError) as raised:
        FunctionEmbedder(lambda _: given, model="mine", dimension=2).embed(["a", "b"])
    assert says in str(raised.value)
    assert "mine" in str(raised.value)


def test_an_embedder_that_fails_says_why() -> None:
    def embed(texts: list[str]) -> Any:
        raise ConnectionError("the line is dead")

    with pytest.raises(EmbedderError, match="mine failed on 1 texts: ConnectionError"):
        FunctionEmbedder(embed, model="mine", dimension=2).embed(["a"])
    for options in ({"model": " "}, {"model": "mine", "dimension": 0}, {"model": "mine", "batch": 0}):
        with pytest.raises(InvalidInput):
            FunctionEmbedder(embed, **options)


def test_a_memory_works_with_functions(tmp_path: Path) -> None:
    def embed(texts: list[str]) -> Any:
        return HASHED.embed(texts)

    def answer(asked: str, purpose: str) -> Any:
        return {"thoughts": "", "answer": "Oslo", "sources": [1]}

    embedder, model = FunctionEmbedder(embed, model="mine"), FunctionModel(answer, name="own")
    with Memory.open(tmp_path / "a.db", embedder=embedder, language_model=model) as memory:
        memory.add("I moved to Oslo.", namespace="ann")
        answered = memory.ask("Where did I move?", namespace="ann", gate="never")
        assert (answered.text, [one.quote for one in answered.evidence]) == ("Oslo", ["I moved to Oslo."])
        assert {call.model for call in answered.ledger.calls} == {"own"}
    with pytest.raises(InvalidInput, match=r"memsvc\.models\.FunctionEmbedder"):
        Memory.open(tmp_path / "a.db", embedder=embed)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"memsvc\.models\.FunctionModel"):
        Memory.open(tmp_path / "a.db", embedder=embedder, language_model=answer)  # type: ignore[arg-type]
