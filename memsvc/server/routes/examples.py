"""An example of a request to each verb, which the document shows and the tests send; and the verbs by topic.

`$memory`, `$trace`, `$receipt` and `$export` stand for what a real namespace gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TOPICS: Mapping[str, tuple[str, ...]] = {
    "Write": ("add", "add_episode", "update", "delete"),
    "Read": ("search", "search_episodes", "list", "get", "sessions", "session", "ids", "history", "graph", "ask"),
    "Learn": (
        "feedback", "traces", "trace", "retain", "calibrate_gate", "calibrate_threshold",
        "utility", "utility_history", "top_utilities", "reset_utility", "rebuild_utilities",
    ),
    "Improve": ("extract", "reflect", "jobs", "retry"),
    "Move": ("export", "import_"),
    "Erase": ("forget", "verify_erasure"),
    "Care": ("namespaces", "stats", "verify", "reindex"),
}  # fmt: skip
"""In the order of the document."""

_ANN = {"namespace": "acme/ann"}
_ONE = {"memory_id": "$memory"}
_OF_ONE = {"path": _ONE, "query": _ANN}
_MESSAGE = {
    "role": "user", "name": "Ann", "content": "I moved to Oslo last week.", "timestamp": "2026-03-02T09:00:00+01:00",
}  # fmt: skip
_EPISODE = {
    "intent": "book a table for two in Oslo",
    "trajectory": ["search restaurants", "call Maaemo", "table for two at 19:00"],
    "reward": 1.0,
}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "add": {"body": {**_ANN, "session_id": "s1", "messages": [_MESSAGE]}},
    "add_episode": {"body": {**_ANN, **_EPISODE}},
    "update": {"path": _ONE, "body": {**_ANN, "text": "I moved to Bergen."}},
    "delete": _OF_ONE,
    "search": {"body": {**_ANN, "query": "Where does Ann live?", "top_k": 5, "trace": True}},
    "search_episodes": {"body": {**_ANN, "intent": "book a table", "top_k": 3}},
    "list": {"query": {**_ANN, "limit": 20, "speaker": ["Ann"]}},
    "get": _OF_ONE,
    "sessions": {"query": {**_ANN, "limit": 20}},
    "session": {"path": {"session_id": "s1"}, "query": {**_ANN, "last": 20}},
    "ids": {"query": {**_ANN, "prefix": "3f2a"}},
    "history": _OF_ONE,
    "graph": {"query": {**_ANN, "thing": "Ann", "limit": 10}},
    "ask": {"body": {**_ANN, "question": "Where does Ann live?"}},
    "feedback": {"body": {**_ANN, "trace_id": "$trace", "reward": 1.0, "key": "task-17"}},
    "traces": {"query": {**_ANN, "kind": "search", "limit": 20}},
    "trace": {"path": {"trace_id": "$trace"}, "query": _ANN},
    "retain": {"body": {**_ANN, "budget": 10_000}},
    "calibrate_gate": {"body": {**_ANN, "budget": 0.2}},
    "calibrate_threshold": {"body": _ANN},
    "utility": _OF_ONE,
    "utility_history": _OF_ONE,
    "top_utilities": {"query": {**_ANN, "limit": 10}},
    "reset_utility": {"path": _ONE, "body": _ANN},
    "rebuild_utilities": {"body": _ANN},
    "extract": {"body": _ANN},
    "reflect": {"body": _ANN},
    "jobs": {"query": {**_ANN, "state": "queued"}},
    "retry": {"body": _ANN},
    "export": {"query": _ANN},
    "import_": {"query": {"namespace": "acme/ben"}, "lines": "$export"},
    "forget": {"body": {**_ANN, "session_id": "s1"}},
    "verify_erasure": {"body": {**_ANN, "receipt": "$receipt"}},
    "stats": {"query": _ANN},
    "verify": {"body": _ANN},
    "reindex": {"body": _ANN},
}
