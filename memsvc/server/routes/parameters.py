"""The parts of paths and queries that several routes share."""

from typing import Annotated, Any

from fastapi import Path, Query

Namespace = Annotated[
    str, Query(description="whose memories: names joined by `/`, such as acme/alice", examples=["acme/ann"])
]
AnyNamespace = Annotated[str | None, Query(description="only this namespace; all of them when left out")]
MemoryId = Annotated[str, Path(description="the id that a receipt or a hit names")]
TraceId = Annotated[str, Path(description="the `trace_id` that a look-up gave")]
Moment = Annotated[str | None, Query(description="an ISO 8601 time; without an offset it is UTC")]
Names = Annotated[list[str] | None, Query(description="may be repeated")]


def present(**given: Any) -> dict[str, Any]:
    """What was given."""
    return {name: value for name, value in given.items() if value is not None}
