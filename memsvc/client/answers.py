"""What a service answers: values decoded into our own types, problems as our own errors, and streams of either, cut
into lines and events as their bytes come. Pure."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from memsvc import errors
from memsvc.asking.answer import Event
from memsvc.contract import lines
from memsvc.contract.headers import retry_after
from memsvc.errors import MessagesRejected, RateLimited, ServiceError, ServiceForeign, ServiceUnavailable, TooLarge
from memsvc_store.values.document import adapter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

T_co = TypeVar("T_co", covariant=True)

PROBLEM = "application/problem+json"

GATEWAY = (502, 503, 504)
"""What a proxy says when the service behind it is away."""

_CODES: Mapping[str, type[errors.MemsvcError]] = {
    re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(): getattr(errors, name) for name in errors.__all__
} | {"no_route": errors.NotFound}  # where an id makes no path: "", "..", "a/b"

_HINT = "check the address (MEMSVC_URL)"


_PLACE = re.compile(r"messages\.(\d{1,6})\Z")


class _Field(BaseModel):
    """One part of a request that cannot be used."""

    at: str
    message: str


class _Problem(BaseModel):
    """What we read of a problem (RFC 9457)."""

    code: str
    detail: str
    errors: tuple[_Field, ...] = ()

    @property
    def reasons(self) -> dict[int, str]:
        """Why messages were rejected, by their places."""
        return {int(place[1]): one.message for one in self.errors if (place := _PLACE.match(one.at))}


def decoded(kind: Any, content: bytes) -> Any:
    """A value of this kind.

    Raises:
        ServiceForeign: it is not one.
    """
    try:
        return adapter(kind).validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the answer"
        raise ServiceForeign(
            f"the answer cannot be read ({where}: {first['msg']}); is it a memsvc of this version? {_HINT}"
        ) from error


def check_kind(wanted: str, headers: Mapping[str, str], url: str) -> None:
    """Nothing, if an answer is of the kind that was asked for.

    Raises:
        ServiceForeign: memsvc would not have answered so.
    """
    came = _kind(headers)
    if came != wanted:
        raise ServiceForeign(f"{url} answered with {came or 'no type'}, which memsvc does not here; {_HINT}")


def error_of(status: int, headers: Mapping[str, str], content: bytes, url: str) -> errors.MemsvcError:
    """The error that an answer other than 2xx is."""
    if _kind(headers) == PROBLEM:
        return problem_of(content, retry_seconds(headers))
    said = f"{url} answered {status}"
    if status == 429:
        return _rate_limited(said, retry_seconds(headers))
    if status == 413:
        return TooLarge(f"{said}: something before the service takes no body of this size; send it in parts")
    if status in GATEWAY:
        return ServiceUnavailable(f"{said}: the service behind it is away, or too busy; try again later")
    if 300 <= status < 400:
        return ServiceForeign(f"{said}, a redirect to {headers.get('location', 'nowhere')[:200]}; {_HINT}")
    return ServiceForeign(f"{said} with {_kind(headers) or 'no type'}, which is not how memsvc answers; {_HINT}")


def problem_of(content: bytes, seconds: float | None = None) -> errors.MemsvcError:
    """The error that a problem tells of; a code that is unknown here is a `ServiceError`."""
    try:
        problem = _Problem.model_validate_json(content)
    except ValidationError:
        return ServiceForeign(f"a problem came that cannot be read; is it a memsvc? {_HINT}")
    kind = _CODES.get(problem.code, ServiceError)
    if kind is MessagesRejected:
        return MessagesRejected(problem.detail, problem.reasons)
    return _rate_limited(problem.detail, seconds, kind) if issubclass(kind, RateLimited) else kind(problem.detail)


def retry_seconds(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks for; None without one."""
    return retry_after(headers, datetime.now(UTC))


class Decoder(Protocol, Generic[T_co]):
    """Takes the bytes of a stream, in pieces of any size, and gives what they complete."""

    def feed(self, chunk: bytes) -> Iterable[T_co]:
        """What this piece completes."""
        ...

    def end(self) -> Iterable[T_co]:
        """What is left when the stream is over."""
        ...


class Lines:
    """Lines of UTF-8 without their ends."""

    def __init__(self) -> None:
        self._lines = lines.Lines()

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The lines that end in this piece."""
        return map(_text, self._lines.feed(chunk))

    def end(self) -> Iterator[str]:
        """The last line, if it has no end."""
        return map(_text, self._lines.end())


class Events:
    """The events of one `ask`. An event `error` is raised as the error that it tells of."""

    def __init__(self) -> None:
        self._lines = Lines()
        self._name = ""
        self._answered = False

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events whose data is whole with this piece.

        Raises:
            MemsvcError: what `ask` raises.
        """
        for line in self._lines.feed(chunk):
            field, _, value = line.partition(": ")
            if field == "event":
                self._name = value
            elif field == "data" and self._name == "error":
                raise problem_of(value.encode())
            elif field == "data":
                event: Event = decoded(Event, value.encode())
                self._answered = event.stage == "answered"
                yield event

    def end(self) -> Iterator[Event]:
        """Nothing: the last event is the one that holds the answer.

        Raises:
            ServiceUnavailable: it never came.
        """
        if not self._answered:
            raise ServiceUnavailable("the service stopped in the middle of an answer; ask again")
        return iter(())


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise ServiceForeign("a stream came that is not UTF-8, so it is none of memsvc; check the address") from error


def _rate_limited(message: str, seconds: float | None, kind: type[RateLimited] = RateLimited) -> RateLimited:
    return kind(message, max(1, math.ceil(seconds or 0)))


def _kind(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()[:80]
