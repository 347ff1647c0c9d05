"""What goes over the wire: the values of the verbs as JSON, their schemas, and how a client reads them back.

The values are the library's own frozen dataclasses; only what a verb gives as a bare list or number gets an envelope,
so that a document can grow. `dump` writes, `adapter` describes and reads: what one wrote the other reads as equal.
What a value works out of its fields (a hit's score, a ledger's sums) is written beside them, and ignored by readers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic_core import SchemaSerializer, core_schema

import memsvc.asking.answer
import memsvc.asking.events
import memsvc.episodes.found
import memsvc.work.outcomes
import memsvc.work.retaining
import memsvc_learners.fitted
import memsvc_retrievers.coverage
import memsvc_retrievers.graph
import memsvc_retrievers.language
import memsvc_retrievers.ledger
import memsvc_retrievers.passages
import memsvc_retrievers.verdict
import memsvc_store.values.erasure_receipts
import memsvc_store.values.learned
import memsvc_store.values.shapes
from memsvc_retrievers.coverage import Coverage
from memsvc_retrievers.ledger import Ledger
from memsvc_store.values.shapes import Hit, Memory, Node, Nodes

if TYPE_CHECKING:
    from memsvc_store.values.learned import Move, Utility
    from memsvc_store.values.shapes import Change, Job, Receipt

_MODULES = (
    memsvc.asking.answer,
    memsvc.episodes.found,
    memsvc.asking.events,
    memsvc.work.outcomes,
    memsvc.work.retaining,
    memsvc_learners.fitted,
    memsvc_retrievers.coverage,
    memsvc_retrievers.verdict,
    memsvc_retrievers.graph,
    memsvc_retrievers.language,
    memsvc_retrievers.ledger,
    memsvc_retrievers.passages,
    memsvc_store.values.learned,
    memsvc_store.values.erasure_receipts,
    memsvc_store.values.shapes,
)


@dataclass(frozen=True, slots=True)
class Receipts:
    """What became of each message, in the order given."""

    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Hits, best first. `trace_id` is what `feedback` wants; null if no trace was asked for."""

    hits: tuple[Hit, ...]
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class Memories:
    """Memories in the order of their event time."""

    memories: tuple[Memory, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """The steps of a memory, oldest first."""

    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Moves:
    """The steps of a memory's utility, oldest first."""

    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Worth:
    """What a memory is worth; null before its first feedback and after a reset."""

    memory_id: str
    utility: Utility | None


@dataclass(frozen=True, slots=True)
class Worths:
    """Memories and what they are worth, in the order asked for."""

    utilities: tuple[Worth, ...]


@dataclass(frozen=True, slots=True)
class Jobs:
    """Jobs in the order they were queued."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """How many: jobs queued anew, feedbacks replayed, memories indexed."""

    count: int


@dataclass(frozen=True, slots=True)
class Threshold:
    """A cosine that was calibrated."""

    threshold: float


@dataclass(frozen=True, slots=True)
class Holds:
    """Whether a receipt is genuine and unchanged."""

    holds: bool


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Names, sorted."""

    namespaces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problems:
    """What is wrong with a database, a sentence each; empty where all is well."""

    problems: tuple[str, ...]


def dump(value: object) -> bytes:
    """A value as JSON: fields keep their names, times are ISO 8601 with their offset, what is not finite is null."""
    kind: Any = type(value)
    return adapter(kind).dump_json(value, fallback=_plain)


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """Schema, reader and writer of a kind of value: a dataclass of the library, an envelope, or what they make up."""
    made: TypeAdapter[Any] = TypeAdapter(kind)
    made.rebuild(_types_namespace=_names(), force=True)
    _complete(made.core_schema)
    made.serializer = SchemaSerializer(made.core_schema)
    return made


_NODE = core_schema.typed_dict_schema(
    {name: core_schema.typed_dict_field(core_schema.str_schema()) for name in Node._fields}
)
"""A node as it is written: an object. It is read back by name, as a `Node`."""

_NUMBER, _WHOLE = core_schema.float_schema(), core_schema.int_schema()

_DERIVED: Mapping[type, Mapping[str, core_schema.CoreSchema]] = {
    Hit: {"score": _NUMBER},
    Coverage: {"share": _NUMBER},
    Ledger: {
        "prompt_tokens": _WHOLE, "completion_tokens": _WHOLE, "seconds": _NUMBER,
        "cost": core_schema.nullable_schema(_NUMBER),
    },
}  # fmt: skip
"""The properties that are written after the fields."""


def _complete(schema: Any) -> None:
    """Put into a schema, all through, what is written otherwise than annotations say. Pydantic has a decorator for
    this, which would make each of the rooms below import it.
    """
    if isinstance(schema, dict):
        if derived := _DERIVED.get(schema.get("cls", type)):
            fields = [core_schema.computed_field(name, kind) for name, kind in derived.items()]
            schema["schema"]["computed_fields"] = fields
        if schema.get("cls") is Memory:
            [entities] = [one for one in schema["schema"]["fields"] if one["name"] == "entities"]
            entities["schema"]["serialization"] = core_schema.plain_serializer_function_ser_schema(
                _nodes, return_schema=core_schema.list_schema(_NODE)
            )
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list | tuple) else ():
        _complete(part)


def _nodes(nodes: Sequence[Node]) -> list[dict[str, str]]:
    if isinstance(nodes, Nodes):
        nodes = Nodes(nodes.stored)  # a shard's own would keep what it read: 2 KB a memory that no budget counts
    return [{"kind": kind, "name": name} for kind, name in nodes]


def _plain(value: object) -> object:
    """What the writer does not know by itself: mappings that are no dict, and other sequences."""
    return dict(value) if isinstance(value, Mapping) else list(value)  # type: ignore[call-overload]


@cache
def _names() -> dict[str, Any]:
    """What the dataclasses' annotations mean. Their modules import these names for the type checker alone."""
    found: dict[str, Any] = {"Mapping": Mapping, "Sequence": Sequence, "datetime": datetime, "Any": Any}
    for module in _MODULES:
        found |= {name: one for name, one in vars(module).items() if _ours(one)}
    return found


def _ours(value: object) -> bool:
    return isinstance(value, type) and (dataclasses.is_dataclass(value) or hasattr(value, "_fields"))
