"""The LiteLLM side of local models: its parameters in, its response and its errors out."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

import litellm
from litellm import CustomLLM, Usage

from memsvc.models.local.batcher import batcher_of
from memsvc.models.local.shapes import (
    DEFAULT_MAX_TOKENS,
    PROVIDER,
    ModelUnusable,
    OutOfMemory,
    PromptTooLong,
    Request,
    UnsupportedSchema,
)
from memsvc_retrievers.errors import InvalidReply
from memsvc_store.errors import MemsvcError, MissingDependency

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from memsvc.models.local.shapes import Reply

HEEDED = {"device", "max_completion_tokens", "max_tokens", "response_format", "seed", "temperature", "top_p"}
# LiteLLM's own affair: it repeats the request, or doesn't.
NOT_OURS = {"max_retries"}
_CLASSES: dict[type[MemsvcError], Callable[..., Exception]] = {
    ModelUnusable: litellm.NotFoundError,
    PromptTooLong: litellm.ContextWindowExceededError,
    OutOfMemory: litellm.ContextWindowExceededError,
    UnsupportedSchema: litellm.BadRequestError,
    InvalidReply: litellm.BadRequestError,
}
ANY_OBJECT = '{"type": "object"}'


class LocalModels(CustomLLM):  # type: ignore[misc]  # LiteLLM is untyped here
    """Chat completions by models in this process.

    Heeds temperature, top_p, max_tokens (1,024 when not given), seed, response_format, `device`, and timeout: seconds,
    with the wait for other batches; LiteLLM makes 600 of none. Refuses every other parameter, rather than to leave it
    out silently.

    Raises:
        litellm.NotFoundError: no such model, or none that can be used here.
        litellm.ContextWindowExceededError: the prompt fills the context window, or the device's memory.
        litellm.BadRequestError: an unknown parameter, or a schema that decoding cannot be constrained to,
            or could not to the end.
        litellm.Timeout: no reply in time; the request is given up.
        litellm.InternalServerError: the model failed, or was unloaded meanwhile; a retry may help.
    """

    def completion(self, *, model: str, messages: Any, model_response: Any, **options: Any) -> Any:
        """LiteLLM's blocking call; see the class."""
        future, seconds = _submit(model, messages, options)
        try:
            reply = future.result(seconds)
        except TimeoutError:
            future.cancel()
            _too_late(model, seconds)
        except MemsvcError as error:
            failure = _as_litellms(model, error)
        else:
            return _response(model, reply, model_response)
        # Outside of the handler, so that the failure says only once, in LiteLLM's terms, what happened.
        raise failure

    async def acompletion(self, *, model: str, messages: Any, model_response: Any, **options: Any) -> Any:
        """LiteLLM's asynchronous call; see the class. Cancelling it frees the request's place in its batch."""
        future, seconds = _submit(model, messages, options)
        try:
            reply = await asyncio.wait_for(asyncio.wrap_future(future), seconds)
        except TimeoutError:
            _too_late(model, seconds)
        except MemsvcError as error:
            failure = _as_litellms(model, error)
        else:
            return _response(model, reply, model_response)
        # Outside of the handler, so that the failure says only once, in LiteLLM's terms, what happened.
        raise failure


def _submit(model: str, messages: Any, options: Mapping[str, Any]) -> tuple[Future[Reply], float | None]:
    """The promise of a reply, and the seconds that may pass until it is kept."""
    given = {key: value for key, value in options["optional_params"].items() if value is not None}
    timeout = options.get("timeout")
    seconds = timeout if timeout is None or isinstance(timeout, int | float) else timeout.read
    future = batcher_of(model, given.get("device")).submit(_request(model, messages, given))
    _price(model)
    return future, seconds


def _request(model: str, messages: Any, given: Mapping[str, Any]) -> Request:
    if unknown := sorted(given.keys() - HEEDED - NOT_OURS):
        raise litellm.UnsupportedParamsError(
            f"Local models don't know {', '.join(unknown)}; they heed {', '.join(sorted(HEEDED))}: leave it out.",
            llm_provider=PROVIDER,
            model=model,
        )
    return Request(
        messages=messages,
        max_tokens=given.get("max_completion_tokens", given.get("max_tokens", DEFAULT_MAX_TOKENS)),
        temperature=given.get("temperature", 0.0),
        top_p=given.get("top_p"),
        seed=given.get("seed", 0),
        schema=_schema(model, given.get("response_format") or {"type": "text"}),
    )


def _schema(model: str, wanted: Any) -> str | None:
    """The JSON schema of a `response_format`, with its properties in the order in which they were written."""
    match wanted:
        case {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return ANY_OBJECT
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return json.dumps(schema)
    raise litellm.BadRequestError(
        f"response_format came as {wanted!r:.200}; its type must be text, json_object, or json_schema with a schema.",
        model=model,
        llm_provider=PROVIDER,
    )


def _response(model: str, reply: Reply, response: Any) -> Any:
    response.model = model
    response.choices[0].message.content = reply.text
    response.choices[0].finish_reason = reply.finish_reason
    response.usage = Usage(
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        total_tokens=reply.prompt_tokens + reply.completion_tokens,
    )
    return response


def _as_litellms(model: str, error: MemsvcError) -> Exception:
    """Our error as the LiteLLM one that says whether a retry, or a weaker constraint, can help."""
    if isinstance(error, MissingDependency):
        return error
    told = {"message": str(error), "model": model, "llm_provider": PROVIDER}
    failure: Exception = _CLASSES.get(type(error), litellm.InternalServerError)(**told)
    return failure


def _too_late(model: str, seconds: float | None) -> NoReturn:
    raise litellm.Timeout(
        f"The local model {model!r} did not reply in {seconds} s: allow more, or ask for less.",
        model=model,
        llm_provider=PROVIDER,
    )


@cache
def _price(model: str) -> None:
    """Nothing, once a model: LiteLLM otherwise doesn't know the cost, and warns."""
    costs = ("input_cost_per_token", "output_cost_per_token")
    cached = ("cache_creation_input_token_cost", "cache_read_input_token_cost")
    litellm.register_model(
        {
            f"{PROVIDER}/{model}": dict.fromkeys((*costs, *cached), 0.0)
            | {"litellm_provider": PROVIDER, "mode": "chat", "supports_response_schema": True}
        }
    )
