"""Errors over HTTP: RFC 9457 problems, from our error tree by one table.

A problem's `code` is the name of the error's class in snake case. `detail` says what came, what was wanted and what to
do next where the caller can do something about it; what is wrong with the service itself stands in its log, under the
same request id.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from memsvc import errors
from memsvc_store.errors import shown
from memsvc_store.values.document import dump

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[errors.MemsvcError], int] = {
    errors.MemsvcError: 500,
    errors.InvalidInput: 422,
    errors.InvalidNamespace: 422,
    errors.InvalidMessage: 422,
    errors.MessagesRejected: 422,
    errors.InvalidTimestamp: 422,
    errors.InvalidFilter: 422,
    errors.InvalidVector: 422,
    errors.NotFound: 404,
    errors.DatabaseError: 503,
    errors.DatabaseUnreadable: 503,
    errors.DatabaseMissing: 503,
    errors.DatabaseForeign: 503,
    errors.DatabaseTooNew: 503,
    errors.DatabaseBusy: 503,
    errors.StorageFull: 507,
    errors.MissingDependency: 501,
    errors.SettingsError: 501,
    errors.ModelError: 502,
    errors.EmbedderError: 503,
    errors.ModelUnavailable: 503,
    errors.ModelRefused: 502,
    errors.ModelInaccessible: 502,
    errors.InvalidReply: 502,
    errors.Cancelled: 503,
    errors.AccessError: 403,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.RateLimited: 429,
    errors.QuotaExhausted: 429,
    errors.TooLarge: 413,
    errors.ServiceError: 502,
    errors.ServiceUnavailable: 503,
    errors.ServiceTimeout: 504,
    errors.ServiceForeign: 502,
}

RETRY_AFTER: dict[type[errors.MemsvcError], int] = {errors.DatabaseBusy: 1, errors.ModelUnavailable: 10}
"""Seconds after which another try may succeed."""

_TOLD_ABOVE = 501
"""A 501 says what is not set up here; other 5xx keep paths, addresses and replies for the log."""


@dataclass(frozen=True, slots=True)
class Field:
    """One part of a request that cannot be used: where it stands, and why."""

    at: str
    message: str


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as RFC 9457 has it. `errors` names the parts of a request that cannot be used."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: tuple[Field, ...] = ()


def of(error: errors.MemsvcError, request_id: str) -> Problem:
    """The problem that an error of ours is."""
    known = _known(error)
    status, title = STATUS[known], (known.__doc__ or "").partition("\n")[0].rstrip(".")
    detail = str(error)
    if status >= 500 and status != _TOLD_ABOVE:
        detail = f"{title}; the service's log says more about request {request_id}"
    return _problem(status, code_of(known), title, detail, request_id, _rejected(error))


def of_status(status: int, title: str, request_id: str, detail: str | None = None) -> Problem:
    """The problem of a request that met no verb: 403, 404, 405, 415, 421. Its code is the title in snake case."""
    return _problem(status, snake(title), title, detail or f"{title}: see /docs for what there is", request_id)


def of_fields(found: Sequence[Mapping[str, Any]], request_id: str) -> Problem:
    """The problem of a request whose parts have the wrong types: where and why, without what came."""
    fields = tuple(Field(_place(one["loc"]), str(one["msg"])) for one in found[:20])
    title = (errors.InvalidInput.__doc__ or "").rstrip(".")
    detail = "; ".join(f"{one.at}: {one.message}" for one in fields[:3])
    return _problem(STATUS[errors.InvalidInput], code_of(errors.InvalidInput), title, detail, request_id, fields)


def unexpected(request_id: str) -> Problem:
    """The problem of a fault of ours. What it was stands in the log."""
    detail = f"a fault of the service; its log says more about request {request_id}"
    return _problem(500, "internal_error", "Internal error", detail, request_id)


def response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as a response."""
    return Response(dump(problem), problem.status, dict(headers or {}), MEDIA_TYPE)


def headers_of(error: errors.MemsvcError) -> dict[str, str]:
    """What clients are told beside the problem: when to try again, and how to say who they are."""
    if isinstance(error, errors.Unauthorized):
        return {"WWW-Authenticate": "Bearer"}
    seconds = error.retry_after if isinstance(error, errors.RateLimited) else RETRY_AFTER.get(_known(error))
    return {} if seconds is None else {"Retry-After": str(seconds)}


def code_of(kind: type[errors.MemsvcError]) -> str:
    """The code of an error class."""
    return snake(kind.__name__)


def snake(name: str) -> str:
    """`NotFound` and `Not Found` as `not_found`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|\s+", "_", name).lower()


def _known(error: errors.MemsvcError) -> type[errors.MemsvcError]:
    """The class that the table knows: its own, or the nearest above it."""
    return next(one for one in type(error).__mro__ if one in STATUS)


def _problem(
    status: int, code: str, title: str, detail: str, request_id: str, fields: tuple[Field, ...] = ()
) -> Problem:
    return Problem(f"urn:memsvc:error:{code}", title, status, detail, code, request_id, fields)


def _rejected(error: errors.MemsvcError) -> tuple[Field, ...]:
    """Each message that was rejected: clients that send long lists in parts make receipts of them."""
    reasons = error.reasons if isinstance(error, errors.MessagesRejected) else {}
    return tuple(Field(f"messages.{place}", reason) for place, reason in reasons.items())


def _place(parts: Sequence[object]) -> str:
    """Where in the request, cut short: the name of an unknown field is whatever the caller sent."""
    return shown(".".join(str(part) for part in parts)).strip("'\"")
