"""The verbs as requests: where each is, what it gives, who may send it. One row a verb, and the only one.

The parameters of a verb are those of `contract/verbs.py`. The clients make requests of these rows, the service its
routes, and the document of the service says what they say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from memsvc.asking.answer import Answer
from memsvc.contract import wire
from memsvc.episodes.found import Episodes
from memsvc.work.outcomes import ExtractionSummary
from memsvc.work.retaining import Retained
from memsvc_learners.fitted import Calibration
from memsvc_retrievers.graph.values import Graph
from memsvc_store.values.drafts import Receipt
from memsvc_store.values.erasure_receipts import Erasure
from memsvc_store.values.learned import FeedbackReceipt, Move, Trace
from memsvc_store.values.memories import Memory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memsvc_store.keys import Permission

Repeat = Literal["safe", "keyed", "never"]
"""Whether a request may be sent again when nobody knows what became of it. `safe`: it only reads, or does the same
again; `keyed`: it carries an idempotency key; `never`: it might be done twice."""

Pool = Literal["read", "write", "slow"]

UNNAMED = "-"
"""What a path has in the place of a part that is not given, where it may be left out: `GET /memories/-?key=m1`."""

JSON, LINES, EVENTS = "application/json", "application/x-ndjson", "text/event-stream"


@dataclass(frozen=True, slots=True)
class Row:
    """One verb over HTTP, below `/v1`.

    `permission` is what it takes in the namespace that the request names. `gives` is the kind of the answer, an
    envelope (`wire.py`) where the verb gives a bare list or number. `slow`: it goes through a whole namespace or waits
    for a model, so that its answer may take long. `sends` and `accept` are the media
    types of the body and of the answer.
    """

    method: str
    path: str
    permission: Permission
    gives: Any = None
    repeat: Repeat = "never"
    slow: bool = False
    sends: str = JSON
    accept: str = JSON

    @property
    def queried(self) -> bool:
        """Whether what the path does not name stands in the query; else it is the body."""
        return self.method in ("GET", "DELETE") or self.sends != JSON

    @property
    def pool(self) -> Pool:
        """The threads of a service that do it."""
        if self.slow or self.accept != JSON:
            return "slow"
        return "read" if self.permission == "read" else "write"

    def wrapped(self, value: Any) -> Any:
        """What the verb gave, as the answer says it."""
        return self.gives.of(value) if _is_envelope(self.gives) else value

    def unwrapped(self, answer: Any) -> Any:
        """What the answer says, as the verb gives it."""
        return answer.value() if _is_envelope(self.gives) else answer


def _is_envelope(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, wire.Envelope)


_ONE = "/memories/{memory_id}"

VERBS: Mapping[str, Row] = {
    "add": Row("POST", "/messages", "write", wire.Receipts, repeat="keyed"),
    "add_episode": Row("POST", "/episodes", "write", Receipt, repeat="keyed"),
    "update": Row("PATCH", _ONE, "write", Memory),
    "delete": Row("DELETE", _ONE, "erase"),
    "forget": Row("POST", "/forget", "erase", Erasure, slow=True),
    "verify_erasure": Row("POST", "/forget/verify", "read", wire.Holds, repeat="safe"),
    "search": Row("POST", "/search", "read", wire.Found, repeat="safe"),
    "search_episodes": Row("POST", "/episodes/search", "read", Episodes, repeat="safe"),
    "ask": Row("POST", "/ask", "read", Answer, repeat="safe", accept=EVENTS),
    "ask_stream": Row("POST", "/ask", "read", repeat="safe", accept=EVENTS),
    "traces": Row("GET", "/traces", "read", wire.Traces, repeat="safe"),
    "trace": Row("GET", "/traces/{trace_id}", "read", Trace, repeat="safe"),
    "get": Row("GET", _ONE, "read", Memory, repeat="safe"),
    "list": Row("GET", "/memories", "read", wire.Memories, repeat="safe"),
    "sessions": Row("GET", "/sessions", "read", wire.Sessions, repeat="safe"),
    "session": Row("GET", "/sessions/{session_id}", "read", wire.Memories, repeat="safe"),
    "ids": Row("GET", "/ids", "read", wire.Ids, repeat="safe"),
    "history": Row("GET", f"{_ONE}/history", "read", wire.Changes, repeat="safe"),
    "graph": Row("GET", "/graph", "read", Graph, repeat="safe", slow=True),
    "export": Row("GET", "/export", "read", repeat="safe", accept=LINES),
    "import_": Row("POST", "/import", "write", wire.Receipts, slow=True, sends=LINES),
    "extract": Row("POST", "/extract", "write", ExtractionSummary, slow=True),
    "reflect": Row("POST", "/reflect", "write", wire.Jobs, slow=True),
    "jobs": Row("GET", "/jobs", "read", wire.Jobs, repeat="safe"),
    "retry": Row("POST", "/jobs/retry", "write", wire.Count),
    "feedback": Row("POST", "/feedback", "write", FeedbackReceipt, repeat="keyed"),
    "utility": Row("GET", f"{_ONE}/utility", "read", wire.Worth, repeat="safe"),
    "utility_history": Row("GET", f"{_ONE}/utility/history", "read", wire.Moves, repeat="safe"),
    "top_utilities": Row("GET", "/utilities", "read", wire.Worths, repeat="safe"),
    "reset_utility": Row("POST", f"{_ONE}/utility/reset", "admin", Move),
    "rebuild_utilities": Row("POST", "/utilities/rebuild", "admin", wire.Count, slow=True),
    "calibrate_gate": Row("POST", "/gate/calibrate", "admin", Calibration, slow=True),
    "calibrate_threshold": Row("POST", "/gate/threshold", "admin", wire.Threshold, slow=True),
    "retain": Row("POST", "/retain", "admin", Retained, slow=True),
    "namespaces": Row("GET", "/namespaces", "read", wire.Namespaces, repeat="safe"),
    "stats": Row("GET", "/stats", "read", dict[str, int], repeat="safe"),
    "verify": Row("POST", "/verify", "admin", wire.Problems, repeat="safe", slow=True),
    "reindex": Row("POST", "/reindex", "admin", wire.Count, slow=True),
}
