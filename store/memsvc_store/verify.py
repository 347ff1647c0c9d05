"""Checks of one namespace: every hash is derived again, and the projections are held against a fresh build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from memsvc_store.clock import to_instant
from memsvc_store.errors import DatabaseUnreadable
from memsvc_store.nodes import hyperedge
from memsvc_store.rows import message_id, text_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from memsvc_store.incidence import Incidence
    from memsvc_store.records import Records
    from memsvc_store.rows import Namespace
    from memsvc_store.shapes import Memory, Message
    from memsvc_store.shard import Shard


def row_problems(records: Records, namespace: Namespace, name: str) -> list[str]:
    """What is wrong with the rows themselves; one sentence a problem."""
    problems = _version_problems(records, namespace)
    for model, dimension, size in records.vector_sizes(namespace):
        if size != 4 * dimension:
            problems.append(f"a vector of {model} has {size} bytes for {dimension} dimensions")
    for memory_id, text, digest in records.digests(namespace):
        if not isinstance(text, str) or text_digest(text) != digest:
            problems.append(f"memory {memory_id} does not hash to its digest")
    try:
        messages = records.messages(namespace, records.message_ids(namespace))
        memories = {memory.id: memory for memory in records.memories(namespace, name, records.memory_ids(namespace))}
        said = {id_: memory for id_, memory in memories.items() if memory.kind != "fact"}
        problems += _pair_problems(messages, said)
        problems += _fact_problems(said, [memory for memory in memories.values() if memory.kind == "fact"])
        problems += _history_problems(memories, records.last_operations(namespace))
    except DatabaseUnreadable as error:
        problems.append(str(error))
    return problems


def _pair_problems(messages: Mapping[str, Message], memories: Mapping[str, Memory]) -> list[str]:
    """Each message has its memory, each memory its message, and they agree."""
    problems = [f"message {lost} has no memory" for lost in messages.keys() - memories.keys()]
    problems += [f"memory {lost} has no message" for lost in memories.keys() - messages.keys()]
    for message_id_ in messages.keys() & memories.keys():
        message, memory = messages[message_id_], memories[message_id_]
        said_at = to_instant(message.said_at)
        if message_id(message.session_id, message.speaker, message.text, said_at) != message.id:
            problems.append(f"message {message.id} does not hash to its id")
        if (message.session_id, message.position, message.speaker) != (
            memory.session_id, memory.position, memory.speaker,
        ):  # fmt: skip
            problems.append(f"memory {memory.id} has another session, position or speaker than its message")
        problems += _hyperedge_problems(memory)
    return sorted(problems)


def _fact_problems(said: Mapping[str, Memory], facts: Iterable[Memory]) -> list[str]:
    """Each fact rests on messages that are there, and a live one on live ones."""
    problems = []
    for fact in facts:
        if not fact.sources:
            problems.append(f"fact {fact.id} rests on no message")
        for source in fact.sources:
            if source not in said:
                problems.append(f"fact {fact.id} rests on {source}, which is no message")
            elif fact.retired_at is None and said[source].retired_at is not None:
                problems.append(f"fact {fact.id} rests on message {source}, which was deleted")
        problems += _hyperedge_problems(fact)
    return sorted(problems)


def _hyperedge_problems(memory: Memory) -> list[str]:
    nodes = hyperedge(memory.text, memory.speaker, memory.session_id, memory.valid_from.date())
    if tuple(memory.entities) == nodes:
        return []
    return [f"memory {memory.id} has another hyperedge than follows from its text"]


def _history_problems(memories: Mapping[str, Memory], last: Mapping[str, str]) -> list[str]:
    """A memory is deleted or retired exactly if that is what the change log says of it."""
    problems = [f"memory {memory_id} is not in the change log" for memory_id in memories.keys() - last.keys()]
    problems += [
        f"the change log speaks of {memory_id}, which is no memory" for memory_id in last.keys() - memories.keys()
    ]
    for memory_id in memories.keys() & last.keys():
        if (memories[memory_id].retired_at is not None) != (last[memory_id] in ("delete", "retire")):
            problems.append(f"memory {memory_id} is deleted, or is not, against the change log")
    return sorted(problems)


def shard_problems(shard: Shard, fresh: Shard) -> list[str]:
    """Where a shard differs from one just built from SQL; one sentence a problem."""
    ids = sorted(shard.live_ids)
    if ids != sorted(fresh.live_ids):
        return [f"the shard holds {len(shard)} memories where SQL has {len(fresh)}, or others"]
    mine, theirs = np.array(shard.rows_of(ids), np.int64), np.array(fresh.rows_of(ids), np.int64)
    problems = []
    for column in ("keys", "kind", "position", "valid_from", "valid_to", "alive", "embedded", "asks", "only_asks"):
        if not np.array_equal(getattr(shard, column).values[mine], getattr(fresh, column).values[theirs]):
            problems.append(f"the shard's column {column} differs from SQL")
    for column, names in (("session", "sessions"), ("speaker", "speakers")):
        if _named(shard, column, names, mine) != _named(fresh, column, names, theirs):
            problems.append(f"the shard's column {column} differs from SQL")
    for column in ("before", "after"):
        if shard.neighbour_ids(column, ids) != fresh.neighbour_ids(column, ids):
            problems.append(f"the shard's links to the utterance {column} differ from SQL")
    if not np.array_equal(shard.vectors.matrix[mine], fresh.vectors.matrix[theirs]):
        problems.append("the shard's vectors differ from SQL")
    if shard.vectors.indexed_rows != shard.rows:
        problems.append(f"the shard's vector index holds {shard.vectors.indexed_rows} of {shard.rows} rows")
    if shard.lexical.statistics() != fresh.lexical.statistics() or not _same(
        shard.lexical.incidence, mine, fresh.lexical.incidence, theirs
    ):
        problems.append("the shard's words differ from SQL")
    if not _same(shard.graph.incidence, mine, fresh.graph.incidence, theirs):
        problems.append("the shard's hyperedges differ from SQL")
    return problems


def _version_problems(records: Records, namespace: Namespace) -> list[str]:
    low, high, distinct = records.versions(namespace)
    if (low, high, distinct) == (min(1, namespace.version), namespace.version, namespace.version):
        return []
    return [f"the change log has {distinct} versions from {low} to {high}, and the namespace is at {namespace.version}"]


def _named(shard: Shard, column: str, names: str, rows: np.ndarray[Any, Any]) -> list[str]:
    known = getattr(shard, names).names
    return [known[code] for code in getattr(shard, column).values[rows].tolist()]


def _same(mine: Incidence[Any], my_rows: Iterable[int], theirs: Incidence[Any], their_rows: Iterable[int]) -> bool:
    """Whether the same memories hold the same names, equally often, and are found by them."""
    mine_by_name, theirs_by_name = _by_name(mine, my_rows), _by_name(theirs, their_rows)
    held = all(
        {mine.name(code) for code in mine.held(ours)} == {theirs.name(code) for code in theirs.held(other)}
        for ours, other in zip(my_rows, their_rows, strict=True)
    )
    return held and mine_by_name == theirs_by_name


def _by_name(incidence: Incidence[Any], rows: Iterable[int]) -> dict[Any, list[tuple[int, int]]]:
    """Name -> (place of the row in `rows`, count), ascending, without names that none of the rows holds."""
    places = {row: place for place, row in enumerate(map(int, rows))}
    found = {}
    for code, name in enumerate(incidence.names()):
        pairs = zip(incidence.rows(code).tolist(), incidence.counts(code).tolist(), strict=True)
        if kept := sorted((places[row], count) for row, count in pairs if row in places):
            found[name] = kept
    return found
