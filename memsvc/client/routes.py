"""Which request each verb is: one table for both clients. Pure.

The parameters of a verb are those of `Memory`'s method. What the path names goes into the path; the rest is the query
of a GET or DELETE, and else the body. What is None is left out, as it means the same.
"""

from __future__ import annotations

import inspect
import secrets
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from memsvc import forgetting, wire
from memsvc.answer import Answer
from memsvc.asking import AskOptions
from memsvc.client import encoding
from memsvc.episodes import Episodes
from memsvc.errors import InvalidInput
from memsvc.filters import Filters, parse_filters
from memsvc.outcomes import ExtractionSummary
from memsvc.recall import EpisodeOptions
from memsvc.retaining import Retained
from memsvc.tracing import Hits
from memsvc_learners.calibration import Calibration
from memsvc_store.errors import shown
from memsvc_store.learned import FeedbackReceipt, Move, Trace
from memsvc_store.receipts import Erasure, document
from memsvc_store.shapes import Memory, Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Repeat = Literal["safe", "keyed", "never"]
"""Whether a request may be sent again when nobody knows what became of it. `safe`: it only reads, or does the same
again; `keyed`: it carries an idempotency key; `never`: it might be done twice."""

JSON, LINES, EVENTS = "application/json", "application/x-ndjson", "text/event-stream"

CALLBACKS = ("on_event", "on_queued", "progress")
"""Parameters that cannot go over the wire. `ask` alone is told its steps, as events."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a verb is, what its answer is decoded as, and the verb's value in that.

    `slow`: it goes through a whole namespace or waits for a model, so that its answer may take long.
    `adapt` turns the verb's arguments into those of the request, where they differ. `options` names its `**options`.
    """

    method: str
    path: str
    gives: Any = None
    value: Callable[[Any], Any] = lambda value: value
    repeat: Repeat = "never"
    slow: bool = False
    accept: str = JSON
    adapt: Callable[[dict[str, Any]], dict[str, Any]] = lambda given: given
    options: type = Filters


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


def _each(field: str) -> Callable[[Any], list[Any]]:
    """The values of an envelope, as the list that the verb gives."""
    return lambda envelope: list(getattr(envelope, field))


def _hits(found: wire.Found) -> Hits:
    return Hits(found.hits, found.trace_id)


def _worths(found: wire.Worths) -> list[tuple[str, Any]]:
    return [(one.memory_id, one.utility) for one in found.utilities]


def _of_a_namespace(given: dict[str, Any]) -> dict[str, Any]:
    if "namespace" not in given:
        raise InvalidInput("feedback came without a namespace; a service looks a trace up in its namespace: name it")
    return given


def _receipt(given: dict[str, Any]) -> dict[str, Any]:
    receipt = forgetting.receipt(given["receipt"])
    return {"namespace": receipt.namespace, "receipt": document(receipt)}


_ONE = "/memories/{memory_id}"

ROUTES: Mapping[str, Route] = {
    "add": Route("POST", "/messages", wire.Receipts, _each("receipts"), "keyed"),
    "add_episode": Route("POST", "/episodes", Receipt, repeat="keyed"),
    "update": Route("PATCH", _ONE, Memory),
    "delete": Route("DELETE", _ONE),
    "forget": Route("POST", "/forget", Erasure, slow=True),
    "verify_erasure": Route("POST", "/forget/verify", wire.Holds, attrgetter("holds"), "safe", adapt=_receipt),
    "search": Route("POST", "/search", wire.Found, _hits, "safe"),
    "search_episodes": Route("POST", "/episodes/search", Episodes, repeat="safe", options=EpisodeOptions),
    "ask": Route("POST", "/ask", Answer, repeat="safe", accept=EVENTS, options=AskOptions),
    "ask_stream": Route("POST", "/ask", repeat="safe", accept=EVENTS, options=AskOptions),
    "trace": Route("GET", "/traces/{trace_id}", Trace, repeat="safe"),
    "get": Route("GET", _ONE, Memory, repeat="safe"),
    "list": Route("GET", "/memories", wire.Memories, _each("memories"), "safe"),
    "history": Route("GET", f"{_ONE}/history", wire.Changes, _each("changes"), "safe"),
    "export": Route("GET", "/export", repeat="safe", accept=LINES),
    "import_": Route("POST", "/import", wire.Receipts, _each("receipts"), slow=True),
    "extract": Route("POST", "/extract", ExtractionSummary, slow=True),
    "reflect": Route("POST", "/reflect", wire.Jobs, _each("jobs"), slow=True),
    "jobs": Route("GET", "/jobs", wire.Jobs, _each("jobs"), "safe"),
    "retry": Route("POST", "/jobs/retry", wire.Count, attrgetter("count")),
    "feedback": Route("POST", "/feedback", FeedbackReceipt, repeat="keyed", adapt=_of_a_namespace),
    "utility": Route("GET", f"{_ONE}/utility", wire.Worth, attrgetter("utility"), "safe"),
    "utility_history": Route("GET", f"{_ONE}/utility/history", wire.Moves, _each("moves"), "safe"),
    "top_utilities": Route("GET", "/utilities", wire.Worths, _worths, "safe"),
    "reset_utility": Route("POST", f"{_ONE}/utility/reset", Move),
    "rebuild_utilities": Route("POST", "/utilities/rebuild", wire.Count, attrgetter("count"), slow=True),
    "calibrate_gate": Route("POST", "/gate/calibrate", Calibration, slow=True),
    "calibrate_threshold": Route("POST", "/gate/threshold", wire.Threshold, attrgetter("threshold"), slow=True),
    "retain": Route("POST", "/retain", Retained, slow=True),
    "namespaces": Route("GET", "/namespaces", wire.Namespaces, _each("namespaces"), "safe"),
    "stats": Route("GET", "/stats", dict[str, int], repeat="safe"),
    "verify": Route("POST", "/verify", wire.Problems, _each("problems"), "safe", slow=True),
    "reindex": Route("POST", "/reindex", wire.Count, attrgetter("count"), slow=True),
}


def arguments(verb: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """What a method of `Memory` is called with, by name, without what is None; filters checked and in one form.

    Raises:
        TypeError: as the method itself would.
        InvalidFilter, InvalidTimestamp: an unknown filter or option, or a filter's bad value.
    """
    bound = _signature(verb).bind(None, *args, **options).arguments
    given = {name: value for name, value in list(bound.items())[1:] if value is not None}
    for name in ("filters", "options"):
        if name in given:
            given |= _options(given.pop(name), ROUTES[verb.__name__].options)
    return given


def request(name: str, given: dict[str, Any]) -> Request:
    """The request that a verb is, with what `arguments` gave.

    Raises:
        InvalidInput: a value that does not go over the wire.
    """
    route = ROUTES[name]
    for local in CALLBACKS:
        if local in given:
            raise InvalidInput(f"{local} came, and a callback does not go over the wire; leave it out")
    if not isinstance(given.get("model", ""), str):
        raise InvalidInput(f"model came as {shown(given['model'])}; to a service, give a model's name")
    sent = route.adapt(given)
    if route.repeat == "keyed":
        sent = {"key": f"client-{secrets.token_hex(16)}"} | sent
    parts = {part: quote(str(sent[part]), safe="") for part in sent if f"{{{part}}}" in route.path}
    rest = {part: value for part, value in sent.items() if part not in parts}
    queried = route.method in ("GET", "DELETE") or name == "import_"
    return Request(
        route.method, f"/v1{route.path.format(**parts)}", encoding.query(rest) if queried else (),
        None if queried else encoding.body(rest), route.accept, route.repeat != "never", route.slow,
    )  # fmt: skip


@cache
def _signature(verb: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(verb)


def _options(given: dict[str, Any], known: type) -> dict[str, Any]:
    """Options of a verb: its own as they came, the filters as `parse_filters` reads them."""
    filters = Filters.__annotations__
    own = [name for name in known.__annotations__ if name not in filters]
    wanted = parse_filters({name: value for name, value in given.items() if name not in own}, also=own)
    found = {name: value for name in filters if (value := getattr(wanted, name)) is not None}
    return found | {name: given[name] for name in own if given.get(name) is not None}
