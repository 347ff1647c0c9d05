"""What a request came to when it did not come to a reply, and how that is told. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from memsvc.errors import InvalidReply, ModelError, ModelInaccessible, ModelRefused, ModelUnavailable, SettingsError

# passing: the same request may succeed later. rejected: the server doesn't like this request, perhaps
# only its constraint. refused: it will not do it. too_long: nor so much of it. closed: nor anything else, for this key
# or under this name. broken: something that no retry mends. misused: a
# function in the place of a server gave something that is no reply.
Kind = Literal["passing", "rejected", "refused", "too_long", "closed", "broken", "misused"]

_ERRORS: dict[Kind, type[ModelError]] = {
    "rejected": ModelRefused,
    "refused": ModelRefused,
    "too_long": ModelRefused,
    "misused": InvalidReply,
    "closed": ModelInaccessible,
}

SHOWN = 200
_SECRET = re.compile(r"(sk-|Bearer )[\w.*-]{6,}")


@dataclass(frozen=True, slots=True)
class Failure:
    """One request that failed. `status` is the server's; None when there was no answer. `retry_after` is in seconds."""

    kind: Kind
    what: str
    status: int | None = None
    retry_after: float | None = None
    cause: BaseException | None = None


def kind_of_status(status: int) -> Kind:
    """What an HTTP status means for the same request."""
    if status in (408, 429) or status >= 500:
        return "passing"
    if status in (401, 402, 403, 404):
        return "closed"
    return "rejected" if status in (400, 422) else "refused"


def shown(text: str, *, secret: str | None = None) -> str:
    """The first 200 characters on one line, without keys."""
    plain = text.replace(secret, "***") if secret else text
    line = " ".join(_SECRET.sub(r"\1***", plain).split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}..."


def checked_url(url: str | None) -> str | None:
    """A model's address, if it can be one.

    Raises:
        SettingsError: it is not of the form http://host:port/path.
    """
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, an IPv6 address without its end
        usable = False
    if not usable:
        told = shown(url.rpartition("@")[2])
        raise SettingsError(
            f"the model's address came as {told!r}; set MEMSVC_MODEL_URL to one such as http://localhost:8000/v1"
        )
    return url


def address(api_base: str | None) -> str:
    """` at ` and the server's address without what may be secret in it (user, password, query); empty without one."""
    if api_base is None:
        return ""
    parts = urlsplit(api_base)
    return f" at {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def as_error(failure: Failure, *, purpose: str, model: str, where: str, tries: int) -> ModelError:
    """The failure as the error of the call: which call, to which model, what came, what to do next."""
    times = "" if tries == 1 else f" after {tries} tries"
    status = "" if failure.status is None else f"status {failure.status}: "
    kind = _ERRORS.get(failure.kind, ModelUnavailable)
    verb = "refused" if issubclass(kind, ModelRefused) else "failed"
    error = kind(f"{purpose}: {model}{where} {verb}{times} ({status}{failure.what}); {_advice(failure)}")
    error.__cause__ = failure.cause
    return error


def unreadable(reason: str, *, purpose: str, model: str, reply: str, tries: int) -> InvalidReply:
    """A reply that could not be had in the form asked for."""
    times = "" if tries == 1 else f", also after asking {tries} times"
    return InvalidReply(
        f"{purpose}: the reply of {model} cannot be read: {reason}{times}. It began {shown(reply)!r}; "
        "a model that follows instructions better, or a server that enforces a JSON schema, would help."
    )


def _advice(failure: Failure) -> str:
    if failure.kind == "too_long":
        return "send less at once, or choose a model with a longer context"
    if failure.status in (401, 403):
        return "check the API key, and that it may use this model"
    if failure.status == 404:
        return "check the model's name and the server's address"
    if failure.status == 429:
        return "lower the concurrency, or try again later"
    if failure.kind == "closed" and failure.status is None:
        return "set the key: MEMSVC_MODEL_KEY, or its provider's own variable (docs/models.md)"
    if failure.kind == "passing" and failure.status is None:
        return "check that the server runs and can be reached, and raise the timeout if it is only slow"
    if failure.kind == "passing":
        return "look into the server's log, or try again later"
    if failure.cause is not None:
        return "the function raised it: its traceback is this error's cause"
    if failure.kind == "misused":
        return "have the function give the reply as a string, or, where a schema was asked for, as its value"
    return "change what the server complains about"
