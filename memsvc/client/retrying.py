"""When a request is sent again. What is not safe to repeat is so only where nothing can have been done with it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import tenacity

from memsvc.client import answers
from memsvc.errors import MemsvcError, ModelError, ServiceError, ServiceForeign, ServiceTimeout, ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from memsvc.client.routes import Request

MOST_SECONDS = 60.0
"""The longest wait that a service may ask for; who is told to wait longer raises at once."""

_WAIT = tenacity.wait_exponential(multiplier=0.1, max=5.0) + tenacity.wait_random(0.0, 0.1)


class Failed(Exception):
    """One attempt failed with `error`. `passing`: another may not. `unheard`: nothing was done with the request."""

    def __init__(
        self, error: MemsvcError, *, passing: bool = False, unheard: bool = False, after: float | None = None
    ) -> None:
        super().__init__(str(error))
        self.error, self.passing, self.unheard, self.after = error, passing, unheard, after


def policy(request: Request, retries: int) -> dict[str, Any]:
    """How tenacity repeats a request, at most `retries` times."""

    def again(error: BaseException) -> bool:
        return (
            isinstance(error, Failed)
            and error.passing
            and (request.repeatable or error.unheard)
            and (error.after or 0.0) <= MOST_SECONDS
        )

    return {
        "retry": tenacity.retry_if_exception(again),
        "stop": tenacity.stop_after_attempt(retries + 1),
        "wait": _wait,
        "reraise": True,
    }


def check(status: int, headers: Mapping[str, str], content: bytes, url: str) -> None:
    """Nothing, if the service did what it was asked.

    A model's failure is not tried again: the service did that already, as often as its `model_retries` says.

    Raises:
        Failed: it did not.
    """
    if 200 <= status < 300:
        return
    error = answers.error_of(status, headers, content, url)
    passing = (status == 429 or status in answers.GATEWAY) and not isinstance(error, ModelError)
    raise Failed(error, passing=passing, unheard=status == 429, after=answers.retry_seconds(headers))


@contextmanager
def translated(url: str) -> Iterator[None]:
    """The border where httpx's errors become ours.

    Raises:
        Failed: the request did not come to an answer.
    """
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        said = f"{url} cannot be reached ({_told(error)}); is the service running, and is the address right?"
        raise Failed(ServiceUnavailable(said), passing=True, unheard=True) from error
    except httpx.TimeoutException as error:
        said = f"{url} did not answer in time; what was asked may still be done. Give the client a longer timeout"
        raise Failed(ServiceTimeout(said)) from error
    except httpx.DecodingError as error:
        raise Failed(ServiceForeign(f"the answer of {url} cannot be unpacked ({_told(error)})")) from error
    except httpx.TransportError as error:
        said = f"{url} broke off in the middle ({_told(error)}); look into the service's log, or try again"
        raise Failed(ServiceUnavailable(said), passing=True) from error


@contextmanager
def ours() -> Iterator[None]:
    """The error of the last attempt, as callers see it.

    Raises:
        MemsvcError: of `Failed`.
    """
    try:
        yield
    except Failed as failed:
        raise failed.error from failed.__cause__


def closed() -> ServiceError:
    """The error of using what was closed."""
    return ServiceError("this client is closed; open another one")


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    after = error.after if isinstance(error, Failed) else None
    return _WAIT(state) if after is None else after


def _told(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__
