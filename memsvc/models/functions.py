"""Functions of the user's as models: any API, library or router that memsvc does not know."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel

from memsvc.errors import Cancelled, EmbedderError, InvalidInput, MemsvcError, MissingDependency, ModelError
from memsvc.models.embedding.texts import checked, unit
from memsvc.models.language.background import BACKGROUND
from memsvc.models.language.batch import completed
from memsvc.models.language.border import Reply, Request
from memsvc.models.language.conversation import Conversation, Patience
from memsvc.models.language.failures import Failure
from memsvc.models.language.failures import shown as cut
from memsvc.models.language.schemas import Negotiation
from memsvc_store.errors import shown
from memsvc_store.values.text import count_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from memsvc_retrievers.language import Completion, Prompt, Watch
    from memsvc_retrievers.protocols import Purpose

OPTIONS = ("schema", "purpose", "max_tokens", "temperature", "seed")
"""What a function is told beside the prompt, each where it has a parameter of that name."""


class FunctionModel:
    """A function, sync or async, as a language model; implements `LanguageModel`.

        def ask(prompt: str) -> str: ...
        Memory.open("agent.db", language_model=FunctionModel(ask))

    The function may also have parameters named `schema` (the pydantic class that the reply has to fit, or None; what it
    gives may then be a value of it, or a mapping), `purpose`, `max_tokens`, `temperature` and `seed`. Where it does not
    look at a schema, the prompt says what is wanted, and a reply that cannot be read is asked for again.

    A plain function is called in a thread, and cannot be stopped there; an async one on memsvc's own event loop, where
    it must not wait in a blocking way, nor use a client that belongs to another loop. What it raises is a
    `ModelUnavailable` whose cause it is: repeating is its own to do. Tokens are counted by `count_tokens`; the cost is
    unknown.

    Args:
        function: gives the reply to a prompt.
        name: how the ledger calls it; by default the function's own name.
        messages: give it a list of `{"role": ..., "content": ...}` in the place of one text.
        concurrency: calls under way at once; None for a whole batch.
        timeout: seconds for one call; None waits for ever.
        repairs: further calls where a reply cannot be read.

    Raises:
        InvalidInput: no function, an empty name, or a number that makes no sense.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        messages: bool = False,
        concurrency: int | None = 4,
        timeout: float | None = 120.0,
        repairs: int = 2,
    ) -> None:
        if not callable(function):
            raise InvalidInput(f"a model's function came as {shown(function)}; give one that takes a prompt")
        if concurrency is not None and concurrency < 1:
            raise InvalidInput(f"concurrency is {concurrency}: give at least 1, or None for a whole batch at once")
        named = getattr(function, "__name__", type(function).__name__) if name is None else name
        if not named.strip():
            raise InvalidInput("a model's name came empty; the ledger calls it by that")
        self.name = named
        self._function, self._messages, self._timeout = function, messages, timeout
        self._told = _parameters(function) & {*OPTIONS}
        self._patience, self._concurrency = Patience(0, repairs), concurrency
        self._slots = asyncio.Semaphore(concurrency or 1_000_000)

    def complete_many(
        self, prompts: Sequence[Prompt], *, schema: type[BaseModel] | None = None, watch: Watch | None = None
    ) -> list[Completion]:
        """One completion a prompt, in the order given; see `LanguageModel`.

        Raises:
            Cancelled: the watch asked for it; async calls under way are cancelled, and others not waited for.
        """
        if not prompts:
            return []
        jobs = [partial(self._complete, prompt, schema) for prompt in prompts]
        return completed(jobs, width=self._concurrency, slots=self._slots, watch=watch)

    async def _complete(self, prompt: Prompt, schema: type[BaseModel] | None) -> Completion:
        options = {"schema": schema} | {one: getattr(prompt, one) for one in OPTIONS[1:]}
        told = {name: one for name, one in options.items() if name in self._told}
        called = _Called(self.name, self._function, told, self._messages, self._timeout, schema is not None)
        return await Conversation(called, Negotiation(), self._patience, prompt, schema).completion()


@dataclass(frozen=True, slots=True)
class _Called:
    """The function in the place of a server, for one prompt. `valued`: a value of a schema is wanted."""

    model: str
    function: Callable[..., Any]
    told: dict[str, Any]
    messages: bool
    timeout: float | None
    valued: bool
    api_base: str | None = None

    async def ask(self, request: Request) -> Reply | Failure:
        """One call of the function."""
        said = "\n\n".join(message["content"] for message in request.messages)
        told = self.told | ({"max_tokens": request.max_tokens} if "max_tokens" in self.told else {})
        scope = asyncio.timeout(self.timeout)
        try:
            async with scope:
                given = await _called(self.function, list(request.messages) if self.messages else said, told)
        except (ModelError, Cancelled, MissingDependency):
            raise
        except Exception as error:  # noqa: BLE001 the border: what the function raises is a call that failed
            if scope.expired():
                return Failure("passing", f"no answer within {self.timeout:g} s")
            return Failure("passing", f"{type(error).__name__}: {cut(str(error))}", cause=error)
        text = _written(given, valued=self.valued)
        if text is None:
            wanted = "a string, a mapping or a value of the schema" if self.valued else "a string"
            return Failure("misused", f"it gave {shown(given)} ({type(given).__name__}), and {wanted} was wanted")
        return Reply(text, False, count_tokens(said), count_tokens(text), None)


async def _called(function: Callable[..., Any], prompt: Any, told: dict[str, Any]) -> Any:
    """What the function gives; a plain one is called in a thread."""
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004
        return await function(prompt, **told)
    given = await asyncio.to_thread(function, prompt, **told)
    return await given if inspect.isawaitable(given) else given


def _written(given: Any, *, valued: bool) -> str | None:
    """What the function gave, as text; None where it is no reply."""
    if isinstance(given, str):
        return given
    if valued and isinstance(given, BaseModel):
        return given.model_dump_json()
    try:
        return json.dumps(given, ensure_ascii=False) if valued and isinstance(given, dict) else None
    except (TypeError, ValueError):
        return None


class FunctionEmbedder:
    """A function, sync or async, as an embedder; implements `Embedder`. Its vectors are scaled to length 1.

        def embed(texts: list[str]) -> list[list[float]]: ...
        Memory.open("agent.db", embedder=FunctionEmbedder(embed, model="text-embedding-3-small"))

    The function may also have a parameter `purpose`: `document` for what is stored, `query` for what is asked.

    Args:
        function: gives one row a text, in order, as an array or lists.
        model: names the vector space, and is kept with the vectors. It must change whenever they do; vectors of another
            name are embedded anew.
        dimension: length of the vectors; where it is left out, one text is embedded to find it.
        batch: texts in one call.

    Raises:
        InvalidInput: no function, an empty name, or a number that makes no sense.
    """

    def __init__(
        self, function: Callable[..., Any], *, model: str, dimension: int | None = None, batch: int = 256
    ) -> None:
        if not callable(function):
            raise InvalidInput(f"an embedder's function came as {shown(function)}; give one that takes a list of texts")
        if not isinstance(model, str) or not model.strip():
            raise InvalidInput(f"an embedder's model came as {shown(model)}; name the vector space: it is kept with it")
        if min(1 if dimension is None else dimension, batch) < 1:
            raise InvalidInput(f"dimension {dimension} and batch {batch} came; give at least 1")
        self.model = model
        self._function, self._dimension, self._batch = function, dimension, batch
        self._with_purpose = "purpose" in _parameters(function)
        self._finding = threading.Lock()

    @property
    def dimension(self) -> int:
        """Length of every vector.

        Raises:
            EmbedderError: it was not given, and the function failed.
        """
        with self._finding:
            if self._dimension is None:
                self._dimension = self._rows(["dimension"], "document").shape[1]
            return self._dimension

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[np.float32]:
        """Unit rows, float32 `(len(texts), dimension)`, in order.

        Raises:
            EmbedderError: the function failed, or gave no vector of this dimension for each text.
        """
        given, dimension = checked(texts), self.dimension
        found = [np.empty((0, dimension), np.float32)]
        for start in range(0, len(given), self._batch):
            found.append(self._rows(given[start : start + self._batch], purpose))
            if (came := found[-1].shape[1]) != dimension:
                raise EmbedderError(f"{self.model} gave vectors of {came} numbers, and they have {dimension}")
        return np.concatenate(found)

    def _rows(self, texts: list[str], purpose: Purpose) -> NDArray[np.float32]:
        given = self._given(texts, purpose)
        try:
            rows = np.asarray(given, np.float64)
        except (TypeError, ValueError) as error:
            raise EmbedderError(
                f"{self.model} gave a {type(given).__name__} that is no array of numbers ({error}); have the function "
                "give one row of numbers a text"
            ) from error
        if rows.ndim != 2 or len(rows) != len(texts) or rows.shape[1] == 0:
            raise EmbedderError(
                f"{self.model} gave an array of shape {rows.shape} for {len(texts)} texts; have the function give one "
                "row a text, in order"
            )
        return unit(rows, model=self.model)

    def _given(self, texts: list[str], purpose: Purpose) -> Any:
        call = partial(self._function, texts, **({"purpose": purpose} if self._with_purpose else {}))
        try:
            given = call()
            return _awaited(given) if inspect.isawaitable(given) else given
        except MemsvcError:
            raise
        except Exception as error:
            raise EmbedderError(f"{self.model} failed on {len(texts)} texts: {error!r}") from error


def _awaited(given: Any) -> Any:
    """What an async function gives, from memsvc's own event loop."""

    async def waited() -> Any:
        return await given

    ended = BACKGROUND.as_they_end([waited], width=None, slots=nullcontext())
    [result] = [item[1] for item in ended if item is not None]
    return result


def _parameters(function: Callable[..., Any]) -> set[str]:
    """The names of a function's parameters; none where it does not say."""
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return set()
