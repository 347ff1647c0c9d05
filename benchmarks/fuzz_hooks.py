"""What schemathesis is told of the service: real names in every other request, and how JSON lines are written.

Without the names hardly a request would get past "not found". They come as JSON in `FUZZ_KNOWN`: parameter -> value.
"""

from __future__ import annotations

import json
import os
import zlib
from typing import Any

import schemathesis

KNOWN: dict[str, Any] = json.loads(os.environ["FUZZ_KNOWN"])


def _with_names(given: Any) -> Any:
    """The same with the names that are known, in every other one; which these are follows from what they hold."""
    if not isinstance(given, dict) or zlib.crc32(repr(given).encode("utf-8", "replace")) % 2:
        return given
    return {name: KNOWN.get(name, value) for name, value in given.items()}


@schemathesis.hook
def map_path_parameters(_: Any, path_parameters: Any) -> Any:
    """Memories and traces that are there."""
    return _with_names(path_parameters)


@schemathesis.hook
def map_query(_: Any, query: Any) -> Any:
    """The namespace that is there."""
    return _with_names(query)


@schemathesis.hook
def map_body(_: Any, body: Any) -> Any:
    """The namespace, the session and the trace that are there."""
    return _with_names(body)


@schemathesis.serializer("application/x-ndjson")
def lines(_: Any, value: Any) -> bytes:
    """What an import takes: anything, written as a text is; sometimes below a header that is right."""
    text = value if isinstance(value, str) else json.dumps(value)
    header = json.dumps({"memsvc_export": 3, "namespace": KNOWN["namespace"]})
    return (f"{header}\n{text}" if len(text) % 2 else text).encode("utf-8", "replace")
