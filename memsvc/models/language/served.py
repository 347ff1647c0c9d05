"""Language models over LiteLLM: served ones, hosted ones, and custom providers in this process."""

from __future__ import annotations

import asyncio
import threading
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from memsvc.errors import InvalidInput
from memsvc.models.language.batch import completed
from memsvc.models.language.border import Server, load
from memsvc.models.language.conversation import Conversation, Patience
from memsvc.models.language.failures import checked_url
from memsvc.models.language.schemas import Negotiation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic import BaseModel

    from memsvc.models.language.schemas import Constraint
    from memsvc_retrievers.language import Completion, Prompt, Watch


class LiteLLMModel:
    """Any model that LiteLLM reaches; implements `LanguageModel`. Nothing is imported before the first call.

    Tokens are the server's own count; where it gives none, LiteLLM's tokenizer counts. `max_tokens` is doubled,
    once a repair, when the server stopped there and the reply cannot be read; plain text is taken as it was cut.

    Args:
        model: LiteLLM's name, such as `ollama/qwen3`, `hosted_vllm/...`, `openai/<name>` with `api_base`.
        api_base: the server's address; the provider's own when None.
        api_key: the key for it; what the provider's environment variable holds when None. A server
            at `openai/` with an `api_base` is never sent the one from the environment.
        timeout: seconds for one request; None waits for ever.
        retries: further requests when the server fails.
        repairs: further requests when a reply cannot be read.
        concurrency: requests under way at once, of all batches together; None starts a whole batch at once.
        pause: seconds before the first retry, doubled (with jitter) at each further one.
        options: further arguments for LiteLLM, such as `{"num_ctx": 16384}`; they win over the prompt's.
        register: called once before the first request; registers a custom provider with LiteLLM.

    Raises:
        InvalidInput: a number that makes no sense.
        SettingsError: an `api_base` that is no address.
    """

    def __init__(
        self,
        model: str,
        *,
        api_base: str | None = None,
        api_key: str | None = None,
        timeout: float | None = 120.0,
        retries: int = 3,
        repairs: int = 2,
        concurrency: int | None = 4,
        pause: float = 0.5,
        options: Mapping[str, Any] | None = None,
        register: Callable[[], None] | None = None,
    ) -> None:
        if concurrency is not None and concurrency < 1:
            raise InvalidInput(f"concurrency is {concurrency}: give at least 1, or None for a whole batch at once")
        self._server = Server(model, checked_url(api_base), api_key, timeout, dict(options or {}))
        self._patience = Patience(retries, repairs, pause)
        self._concurrency = concurrency
        self._slots = nullcontext() if concurrency is None else asyncio.Semaphore(concurrency)
        self._negotiation = Negotiation()
        self._register = register
        self._registering = threading.Lock()

    @property
    def name(self) -> str:
        """LiteLLM's name of the model."""
        return self._server.model

    @property
    def constraint(self) -> Constraint | None:
        """The strongest constraint that the server took for a structured reply; None while it has taken none, or has
        failed under a stronger one first.

        A server may take a constraint and not enforce it: replies are parsed in any case.
        """
        return self._negotiation.settled

    def complete_many(
        self, prompts: Sequence[Prompt], *, schema: type[BaseModel] | None = None, watch: Watch | None = None
    ) -> list[Completion]:
        """One completion a prompt, in the order given; see `LanguageModel`.

        Raises:
            Cancelled: the watch asked for it; calls under way are given up and their connections closed.
            MissingDependency: LiteLLM, or what a custom provider needs, is not installed.
        """
        if not prompts:
            return []
        self._prepare()
        jobs = [partial(self._complete, prompt, schema) for prompt in prompts]
        return completed(jobs, width=self._concurrency, slots=self._slots, watch=watch)

    def _prepare(self) -> None:
        """Imports in the caller's thread: it takes seconds, and the loop serves other models meanwhile."""
        load()
        with self._registering:
            if self._register is not None:
                self._register()
                self._register = None

    async def _complete(self, prompt: Prompt, schema: type[BaseModel] | None) -> Completion:
        return await Conversation(self._server, self._negotiation, self._patience, prompt, schema).completion()
