"""LiteLLM's errors as failures of ours; beside `border.py` the one place that knows them.

What a custom provider misses, as our own MissingDependency, travels through LiteLLM wrapped and comes
out as it was.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from memsvc.contract.headers import retry_after
from memsvc.errors import MemsvcError, ModelError
from memsvc.models.language.failures import Failure, Kind, kind_of_status, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PREFIX = re.compile(r"\A(litellm\.\w+: )*(\w+( Error)?: )?(\w+Exception - )?")
_AIOHTTP_NOISE = re.compile(r" ssl:(<[^>]*>|default)")

# What each class of `litellm.exceptions` means, and each class below it; None: its status says it. A test fails when
# LiteLLM grows one that is none of these; until then it counts by its status, or else as broken.
KINDS: Mapping[str, Kind | None] = MappingProxyType(
    {
        "APIConnectionError": "passing",
        "APIError": None,
        "APIResponseValidationError": "passing",
        "AuthenticationError": "closed",
        "BadGatewayError": "passing",
        "BadRequestError": None,
        "BlockedPiiEntityError": "refused",
        "BudgetExceededError": "closed",
        "ContentPolicyViolationError": "refused",
        "ContextWindowExceededError": "too_long",
        "GuardrailInterventionNormalStringError": "refused",
        "GuardrailRaisedException": "refused",
        "ImageFetchError": "refused",
        "InternalServerError": "passing",
        "InvalidRequestError": "rejected",
        "JSONSchemaValidationError": "passing",
        "LiteLLMUnknownProvider": "closed",
        "MidStreamFallbackError": "passing",
        "MockException": None,
        "ModelNotMappedError": "closed",
        "ModifyResponseException": "broken",
        "NotFoundError": "closed",
        "OpenAIError": None,
        "PaymentRequiredError": "closed",
        "PermissionDeniedError": "closed",
        "RateLimitError": "passing",
        "RejectedRequestError": "refused",
        "SensitiveDataRouteException": "broken",
        "ServiceUnavailableError": "passing",
        "Timeout": "passing",
        "UnprocessableEntityError": "rejected",
        "UnsupportedParamsError": "rejected",
        "VectorStoreSearchError": "refused",
    }
)


def failure_of(error: Exception, *, secret: str | None) -> Failure:
    """What LiteLLM raised, as a failure that shows no key.

    Raises:
        MissingDependency: a package that a custom provider needs is not installed.
    """
    # A custom provider's ModelError comes as the class of LiteLLM's that says whether a retry may help.
    for link in _chain(error):
        if isinstance(link, MemsvcError) and not isinstance(link, ModelError):
            raise link from None
    what = shown(_words(error), secret=secret)
    if any(isinstance(link, json.JSONDecodeError) for link in _chain(error)):
        return Failure("passing", f"an answer that is not JSON: {what}")
    # LiteLLM says 500 where the server said nothing at all, where what it said is no JSON, and where no key was found.
    if _is_without_key(error):
        return Failure("closed", what)
    if _is_without_answer(error):
        return Failure("passing", what)
    status = getattr(error, "status_code", None)
    kind = next((KINDS[name] for name in _names(error) if name in KINDS), None)
    if status is None:
        return Failure(kind or "broken", f"{type(error).__name__}: {what}")
    if _is_litellms_own(error, status):
        return Failure(kind or "passing", what)
    return Failure(kind or kind_of_status(status), what, status, retry_after(_headers(error), datetime.now(UTC)))


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _names(error: Exception) -> Iterator[str]:
    """Names of the error's classes that are LiteLLM's, the most specific first."""
    return (base.__name__ for base in type(error).__mro__ if base.__module__ == "litellm.exceptions")


def _is_without_key(error: Exception) -> bool:
    import openai

    return any(type(link) is openai.OpenAIError for link in _chain(error))


def _is_without_answer(error: Exception) -> bool:
    import httpx
    import openai

    unreached = (openai.APIConnectionError, openai.APITimeoutError)  # but not LiteLLM's subclasses: 504 is one
    return any(isinstance(link, httpx.TransportError) or type(link) in unreached for link in _chain(error))


def _is_litellms_own(error: Exception, status: int) -> bool:
    """Whether no server said this status: the answer was a 200 with something else in it, such as a proxy's page."""
    import httpx

    return status in (200, 500) and not any(isinstance(link, httpx.HTTPStatusError) for link in _chain(error))


def _headers(error: Exception) -> Mapping[str, str]:
    own = getattr(getattr(error, "response", None), "headers", None)
    return getattr(error, "litellm_response_headers", None) or own or {}


def _words(error: Exception) -> str:
    """The server's own words: without the class names that LiteLLM puts before and the traceback it puts behind."""
    text = str(error).partition("\nTraceback")[0]
    return _AIOHTTP_NOISE.sub("", _PREFIX.sub("", text)) or text
