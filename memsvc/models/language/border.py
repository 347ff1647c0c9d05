"""The border to LiteLLM: its import and its one call. A request comes to a `Reply` or to a `Failure`."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from memsvc.errors import MissingDependency
from memsvc.models import quiet
from memsvc.models.language.failures import Failure
from memsvc.models.language.translation import failure_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_IMPORTING = threading.Lock()
# Providers whose models run on hardware of one's own: a call costs no dollars.
_OWN_HARDWARE = frozenset(
    "docker_model_runner hosted_vllm llamafile lm_studio local ollama ollama_chat vllm xinference".split()
)

_KEYLESS = _OWN_HARDWARE | {"bedrock", "sagemaker", "vertex_ai"}
"""Providers that are sent no key as such: none is wanted, or requests are signed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `cut`: the server stopped at max_tokens. `cost`: US dollars, None where no price is known."""

    text: str
    cut: bool
    prompt_tokens: int
    completion_tokens: int
    cost: float | None


@dataclass(frozen=True, slots=True)
class Request:
    """What goes out, beside what is the server's own."""

    messages: tuple[dict[str, str], ...]
    max_tokens: int
    temperature: float
    response_format: dict[str, Any] | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """A model as LiteLLM finds it. `timeout`: seconds for one request, None without limit."""

    model: str
    api_base: str | None = None
    api_key: str | None = field(default=None, repr=False)
    timeout: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    async def ask(self, request: Request) -> Reply | Failure:
        """One request, without retries. Cancelling it closes its connection.

        Raises:
            MissingDependency: a package that a custom provider needs is not installed.
        """
        litellm = load()
        try:
            async with asyncio.timeout(self.timeout):
                # A task of its own, so that what it leaves behind when it is cancelled is cleared with it.
                answer = await asyncio.create_task(litellm.acompletion(**self._arguments(request)))
            return self._reply(litellm, request, answer)
        except TimeoutError:
            return Failure("passing", f"no answer within {self.timeout:g} s")
        except Exception as error:  # noqa: BLE001 the border: what LiteLLM raises is translated, or ours
            return failure_of(error, secret=self.api_key)

    def _arguments(self, request: Request) -> dict[str, Any]:
        provider, _, name = self.model.partition("/")
        key = self.api_key
        if self.api_base and not key and provider not in _KEYLESS:
            # Clients demand one, and would take the user's from OPENAI_API_KEY and its like to a stranger's server.
            key = "none"
        return {
            # `ollama/` would flatten the conversation into one text and lose the model's own chat template.
            "model": f"ollama_chat/{name}" if provider == "ollama" else self.model,
            "messages": list(request.messages),
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "response_format": request.response_format,
            **({} if request.seed is None else {"seed": request.seed}),
            "api_base": self.api_base,
            "api_key": key,
            "timeout": self.timeout,
            "drop_params": True,  # some models take no temperature, and would refuse the whole call for it
            "num_retries": 0,
            "max_retries": 0,
            **self.options,
        }

    def _reply(self, litellm: Any, request: Request, answer: Any) -> Reply | Failure:
        if not answer.choices:
            return Failure("passing", "an answer without choices")
        choice, usage = answer.choices[0], answer.usage
        text = choice.message.content or ""
        return Reply(
            text=text,
            cut=choice.finish_reason == "length",
            # Where a server counts nothing, LiteLLM's tokenizer does: near enough for a ledger.
            prompt_tokens=usage.prompt_tokens
            or litellm.token_counter(model=self.model, messages=list(request.messages)),
            completion_tokens=usage.completion_tokens or litellm.token_counter(model=self.model, text=text),
            cost=0.0 if self._on_own_hardware() else answer._hidden_params.get("response_cost"),
        )

    def _on_own_hardware(self) -> bool:
        loopback = urlsplit(self.api_base or "").hostname in ("localhost", "127.0.0.1", "::1")
        return loopback or self.model.partition("/")[0] in _OWN_HARDWARE


def load() -> Any:
    """LiteLLM, imported at the first call (4 s) and made quiet.

    Raises:
        MissingDependency: LiteLLM or tenacity is not installed.
    """
    with _IMPORTING:
        # Else its import fetches a price list from the network, and reads the working directory's .env.
        os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
        try:
            import tenacity  # noqa: F401

            if "litellm" not in sys.modules:
                _import_quietly()
            import litellm
        except ImportError as error:
            raise MissingDependency(
                f"Language models need LiteLLM and tenacity (missing: {error.name}): pip install 'memsvc[llm]'."
            ) from error
        litellm.suppress_debug_info = True
        litellm.telemetry = False
        if not (log := logging.getLogger("LiteLLM")).level:
            log.setLevel(logging.CRITICAL)  # it logs what it raises as well
        return litellm


def _import_quietly() -> None:
    """Import LiteLLM, and hear here what it warns of at its own import: that is for its makers, not for our users.

    Half of it is imported at the first request only. So one is rehearsed: 0.12 s, which the first request would have
    taken instead. It fails by agreement, before it is sent, because one that succeeds is logged by a thread, and a
    process that forked meanwhile stood still in its first request: the thread had held one of pydantic's locks.

    Where a program turns warnings into errors, those of LiteLLM's types would leave them half built for ever.
    """
    with quiet.no_warnings():
        import litellm

        litellm.suppress_debug_info = True
        litellm.ModelResponse()
        agreed = litellm.exceptions.BadRequestError("a rehearsal", "rehearsal", "openai")
        with suppress(litellm.exceptions.BadRequestError):
            litellm.completion(
                "openai/rehearsal", [{"role": "user", "content": "?"}], api_key="-", mock_response=agreed
            )
