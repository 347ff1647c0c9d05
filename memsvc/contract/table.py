"""The verbs as requests: where each is, what it gives, who may send it. One row a verb, and the only one.

The parameters of a verb are those of `contract/verbs.py`. The clients make requests of these rows, the service its
routes, and the document of the service says what they say.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

from memsvc.asking.answer import Answer
from memsvc.contract import wire
from memsvc.contract.options import AskOptions, EpisodeOptions, Filters
from memsvc.episodes.found import Episodes
from memsvc.lookup.traces import Hits
from memsvc.work.outcomes import ExtractionSummary
from memsvc.work.retaining import Retained
from memsvc_learners.fitted import Calibration
from memsvc_retrievers.graph import Graph
from memsvc_store.values.erasure_receipts import Erasure
from memsvc_store.values.learned import FeedbackReceipt, Move, Trace
from memsvc_store.values.shapes import Memory, Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from memsvc_store.keys import Permission

Repeat = Literal["safe", "keyed", "never"]
"""Whether a request may be sent again when nobody knows what became of it. `safe`: it only reads, or does the same
again; `keyed`: it carries an idempotency key; `never`: it might be done twice."""

JSON, LINES, EVENTS = "application/json", "application/x-ndjson", "text/event-stream"


@dataclass(frozen=True, slots=True)
class Row:
    """One verb over HTTP, below `/v1`.

    `permission` is what it takes in the namespace that the request names. `gives` is the kind of the answer, and
    `value` takes the verb's own value out of it. `slow`: it goes through a whole namespace or waits for a model, so
    that its answer may take long. `options` names its `**options`.
    """

    method: str
    path: str
    permission: Permission
    gives: Any = None
    value: Callable[[Any], Any] = lambda value: value
    repeat: Repeat = "never"
    slow: bool = False
    accept: str = JSON
    options: type = Filters


def _each(field: str) -> Callable[[Any], list[Any]]:
    """The values of an envelope, as the list that the verb gives."""
    return lambda envelope: list(getattr(envelope, field))


def _hits(found: wire.Found) -> Hits:
    return Hits(found.hits, found.trace_id)


def _worths(found: wire.Worths) -> list[tuple[str, Any]]:
    return [(one.memory_id, one.utility) for one in found.utilities]


_ONE = "/memories/{memory_id}"

VERBS: Mapping[str, Row] = {
    "add": Row("POST", "/messages", "write", wire.Receipts, _each("receipts"), "keyed"),
    "add_episode": Row("POST", "/episodes", "write", Receipt, repeat="keyed"),
    "update": Row("PATCH", _ONE, "write", Memory),
    "delete": Row("DELETE", _ONE, "erase"),
    "forget": Row("POST", "/forget", "erase", Erasure, slow=True),
    "verify_erasure": Row("POST", "/forget/verify", "read", wire.Holds, attrgetter("holds"), "safe"),
    "search": Row("POST", "/search", "read", wire.Found, _hits, "safe"),
    "search_episodes": Row("POST", "/episodes/search", "read", Episodes, repeat="safe", options=EpisodeOptions),
    "ask": Row("POST", "/ask", "read", Answer, repeat="safe", accept=EVENTS, options=AskOptions),
    "ask_stream": Row("POST", "/ask", "read", repeat="safe", accept=EVENTS, options=AskOptions),
    "trace": Row("GET", "/traces/{trace_id}", "read", Trace, repeat="safe"),
    "get": Row("GET", _ONE, "read", Memory, repeat="safe"),
    "list": Row("GET", "/memories", "read", wire.Memories, _each("memories"), "safe"),
    "history": Row("GET", f"{_ONE}/history", "read", wire.Changes, _each("changes"), "safe"),
    "graph": Row("GET", "/graph", "read", Graph, repeat="safe", slow=True),
    "export": Row("GET", "/export", "read", repeat="safe", accept=LINES),
    "import_": Row("POST", "/import", "write", wire.Receipts, _each("receipts"), slow=True),
    "extract": Row("POST", "/extract", "write", ExtractionSummary, slow=True),
    "reflect": Row("POST", "/reflect", "write", wire.Jobs, _each("jobs"), slow=True),
    "jobs": Row("GET", "/jobs", "read", wire.Jobs, _each("jobs"), "safe"),
    "retry": Row("POST", "/jobs/retry", "write", wire.Count, attrgetter("count")),
    "feedback": Row("POST", "/feedback", "write", FeedbackReceipt, repeat="keyed"),
    "utility": Row("GET", f"{_ONE}/utility", "read", wire.Worth, attrgetter("utility"), "safe"),
    "utility_history": Row("GET", f"{_ONE}/utility/history", "read", wire.Moves, _each("moves"), "safe"),
    "top_utilities": Row("GET", "/utilities", "read", wire.Worths, _worths, "safe"),
    "reset_utility": Row("POST", f"{_ONE}/utility/reset", "admin", Move),
    "rebuild_utilities": Row("POST", "/utilities/rebuild", "admin", wire.Count, attrgetter("count"), slow=True),
    "calibrate_gate": Row("POST", "/gate/calibrate", "admin", Calibration, slow=True),
    "calibrate_threshold": Row("POST", "/gate/threshold", "admin", wire.Threshold, attrgetter("threshold"), slow=True),
    "retain": Row("POST", "/retain", "admin", Retained, slow=True),
    "namespaces": Row("GET", "/namespaces", "read", wire.Namespaces, _each("namespaces"), "safe"),
    "stats": Row("GET", "/stats", "read", dict[str, int], repeat="safe"),
    "verify": Row("POST", "/verify", "admin", wire.Problems, _each("problems"), "safe", slow=True),
    "reindex": Row("POST", "/reindex", "admin", wire.Count, attrgetter("count"), slow=True),
}
