"""Which request each verb is, of its row in `contract/table.py`. Pure.

What the path names goes into the path; the rest is the query of a GET or DELETE, and else the body. What is None is
left out, as it means the same.
"""

from __future__ import annotations

import inspect
import json
import re
import secrets
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from memsvc.client import encoding
from memsvc.contract.options import own
from memsvc.contract.parameters import LOCAL, options_of
from memsvc.contract.table import UNNAMED, VERBS
from memsvc.contract.verbs import Verbs
from memsvc.errors import InvalidInput
from memsvc.lookup.filters import parse_filters
from memsvc.times import Times
from memsvc.writing import forgetting
from memsvc_store.errors import shown
from memsvc_store.values import clock
from memsvc_store.values.erasure_receipts import document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


_PART = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be sent. `path` follows the service's address."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: bytes | None
    accept: str
    repeatable: bool
    slow: bool


def _timed(given: dict[str, Any]) -> bool:
    """Whether it is one message or episode that has its time: by that it is known when it comes again, in this call or
    in any other, and a key of ours would make it another one.
    """
    one = given.get("messages", given)
    return isinstance(one, dict) and one.get("timestamp") is not None


def _of_a_namespace(given: dict[str, Any]) -> dict[str, Any]:
    if "namespace" not in given:
        raise InvalidInput("feedback came without a namespace; a service looks a trace up in its namespace: name it")
    return given


def _receipt(given: dict[str, Any]) -> dict[str, Any]:
    receipt = forgetting.receipt(given["receipt"])
    return {"namespace": receipt.namespace, "receipt": document(receipt)}


_TIMES = ("since", "until", "as_of")

_ADAPTED: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "feedback": _of_a_namespace,
    "verify_erasure": _receipt,
}
"""Verbs whose requests take other arguments than the verb."""


def arguments(name: str, args: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """What a verb is called with, by name, without what is None; filters checked.

    Raises:
        TypeError: as the method itself would.
        InvalidFilter, InvalidTimestamp: an unknown filter or option, or a filter's bad value.
    """
    bound = _signature(name).bind(None, *args, **options).arguments
    given = {part: value for part, value in list(bound.items())[1:] if value is not None}
    for part in ("filters", "options"):
        if part in given:
            given |= _options(given.pop(part), options_of(name))
    return given


def request(name: str, given: dict[str, Any]) -> Request:
    """The request that a verb is, with what `arguments` gave.

    Raises:
        InvalidInput: a value that does not go over the wire.
    """
    row = VERBS[name]
    for local in LOCAL:
        if local in given:
            raise InvalidInput(f"{local} came, and a callback does not go over the wire; leave it out")
    if not isinstance(given.get("model", ""), str):
        raise InvalidInput(f"model came as {shown(given['model'])}; to a service, give a model's name")
    sent = _ADAPTED.get(name, dict)(given)
    if row.repeat == "keyed" and not _timed(sent) and sent.get("kind") != "fact":  # which is known by what it says
        sent = {"key": f"client-{secrets.token_hex(16)}"} | sent
    parts = {part: _segment(str(sent.get(part, UNNAMED))) for part in _PART.findall(row.path)}
    rest = {part: value for part, value in sent.items() if part not in parts}
    return Request(
        row.method, f"/v1{row.path.format(**parts)}", encoding.query(rest) if row.queried else (),
        None if row.queried else encoding.body(rest), row.accept, row.repeat != "never", row.slow,
    )  # fmt: skip


def _segment(text: str) -> str:
    """A part of a path. `.` and `..` are steps of the path unless they are escaped (RFC 3986, 5.2.4)."""
    return text.replace(".", "%2E") if text in (".", "..") else quote(text, safe="")


@cache
def _signature(name: str) -> inspect.Signature:
    return inspect.signature(getattr(Verbs, name))


def _options(given: dict[str, Any], known: type) -> dict[str, Any]:
    """Options of a verb, by name: checked here, and read where the clock and the zone are that they are meant by."""
    mine = own(known)
    filters = {name: value for name, value in given.items() if name not in mine}
    wanted = parse_filters(filters, Times(clock.now()), also=mine)
    seconds = {name: given[name] for name in _TIMES if isinstance(given.get(name), int | float)}
    given |= {name: clock.parse_timestamp(value) for name, value in seconds.items()}  # a query holds strings
    found = {name: value for name, value in given.items() if value is not None}
    return found if wanted.where is None else {**found, "where": json.loads(wanted.where)}
