"""Checks of one namespace: every hash is derived again, and the projections are held against a fresh build."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsvc_store.clock import to_instant
from memsvc_store.rows import message_id, text_digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from memsvc_store.records import Records
    from memsvc_store.rows import Namespace
    from memsvc_store.shard import Shard
    from memsvc_store.shards import Reading


def namespace_problems(reading: Reading, build: Callable[[Records, Namespace], Shard]) -> list[str]:
    """One sentence a problem; empty when truth and projections agree."""
    if reading.namespace is None:
        return []
    records, namespace = reading.records, reading.namespace
    found = _version_problems(records, namespace) + _row_problems(records, namespace, reading.name)
    found += _vector_problems(records, namespace)
    return [
        f"{reading.name}: {problem}" for problem in found + _shard_problems(reading.shard, build(records, namespace))
    ]


def _version_problems(records: Records, namespace: Namespace) -> list[str]:
    low, high, distinct = records.versions(namespace)
    if (low, high, distinct) == (min(1, namespace.version), namespace.version, namespace.version):
        return []
    return [f"the change log has {distinct} versions from {low} to {high}, and the namespace is at {namespace.version}"]


def _row_problems(records: Records, namespace: Namespace, name: str) -> list[str]:
    problems = []
    ids = records.message_ids(namespace)
    memories = {memory.id for memory in records.memories(namespace, name, ids)}
    for message in records.messages(namespace, ids).values():
        said_at = to_instant(message.said_at)
        if message_id(message.session_id, message.speaker, message.text, said_at) != message.id:
            problems.append(f"message {message.id} does not hash to its id")
        if message.id not in memories:
            problems.append(f"message {message.id} has no memory")
    for memory_id, text, digest in records.digests(namespace):
        if text_digest(text) != digest:
            problems.append(f"memory {memory_id} does not hash to its digest")
    return problems


def _vector_problems(records: Records, namespace: Namespace) -> list[str]:
    return [
        f"a vector of {model} has {size} bytes for {dimension} dimensions"
        for model, dimension, size in records.vector_sizes(namespace)
        if size != 4 * dimension
    ]


def _shard_problems(shard: Shard, fresh: Shard) -> list[str]:
    problems = []
    ids = sorted(shard.live_ids)
    if ids != sorted(fresh.live_ids):
        return [f"the shard holds {len(shard)} memories where SQL has {len(fresh)}, or others"]
    mine, theirs = np.array(shard.rows_of(ids), np.int64), np.array(fresh.rows_of(ids), np.int64)
    for column in ("keys", "kind", "position", "valid_from", "valid_to", "embedded"):
        if not np.array_equal(getattr(shard, column).values[mine], getattr(fresh, column).values[theirs]):
            problems.append(f"the shard's column {column} differs from SQL")
    for column in ("before", "after"):
        if shard.neighbour_ids(column, ids) != fresh.neighbour_ids(column, ids):
            problems.append(f"the shard's links to the utterance {column} differ from SQL")
    if not np.array_equal(shard.vectors.matrix[mine], fresh.vectors.matrix[theirs]):
        problems.append("the shard's vectors differ from SQL")
    if shard.lexical.statistics() != fresh.lexical.statistics():
        problems.append("the shard's word statistics differ from SQL")
    if [set(shard.graph.nodes(row)) for row in mine] != [set(fresh.graph.nodes(row)) for row in theirs]:
        problems.append("the shard's hyperedges differ from SQL")
    return problems
