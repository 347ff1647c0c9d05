"""Checks of one namespace: every hash is derived again, and the projections are held against a fresh build."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from memsvc_store.errors import DatabaseUnreadable
from memsvc_store.projections.columns import RULES
from memsvc_store.sql.episode_rows import Contents, packed
from memsvc_store.sql.rows import message_id, text_digest
from memsvc_store.values.clock import to_instant
from memsvc_store.values.memories import FACT_BY
from memsvc_store.values.nodes import hyperedge
from memsvc_store.writing.episodes import episode_id, intents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from memsvc_store.projections.incidence import Incidence
    from memsvc_store.projections.shard import Shard
    from memsvc_store.sql.records import Records
    from memsvc_store.sql.rows import Namespace
    from memsvc_store.values.memories import Memory, Message


def row_problems(records: Records, namespace: Namespace, name: str) -> list[str]:
    """What is wrong with the rows themselves; one sentence a problem."""
    problems = _version_problems(records, namespace)
    for model, dimension, size in records.vectors.sizes(namespace):
        if size != 4 * dimension:
            problems.append(f"a vector of {model} has {size} bytes for {dimension} dimensions")
    for memory_id, text, digest in records.digests(namespace):
        if not isinstance(text, str) or text_digest(text) != digest:
            problems.append(f"memory {memory_id} does not hash to its digest")
    try:
        messages = records.messages.by_id(namespace, records.messages.ids(namespace))
        memories = {memory.id: memory for memory in records.memories(namespace, name, records.memory_ids(namespace))}
        said = {id_: memory for id_, memory in memories.items() if memory.kind not in ("fact", "episode")}
        problems += _pair_problems(messages, said, records.messages.aliases(namespace))
        problems += _fact_problems(said, [memory for memory in memories.values() if memory.kind == "fact"])
        tried = {id_: memory for id_, memory in memories.items() if memory.kind == "episode"}
        problems += _episode_problems(tried, records, namespace)
        problems += [
            f"{memory.kind} {memory.id} was worked out by {memory.fact_by}"
            for memory in memories.values()
            if (memory.kind == "fact") != (memory.fact_by in FACT_BY)
        ]
        others = (memory for memory in memories.values() if memory.kind != "message" and memory.echo_of is not None)
        problems += [f"{memory.kind} {memory.id} is an echo, and only messages are" for memory in others]
        problems += _history_problems(memories, records, namespace)
        problems += _learned_problems(records, namespace)
    except DatabaseUnreadable as error:
        problems.append(str(error))
    return problems


def _pair_problems(
    messages: Mapping[str, Message], memories: Mapping[str, Memory], aliases: Mapping[str, str]
) -> list[str]:
    """Each message has its memory, each memory its message, and they agree."""
    problems = [f"message {lost} has no memory" for lost in messages.keys() - memories.keys()]
    problems += [f"memory {lost} has no message" for lost in memories.keys() - messages.keys()]
    for message_id_ in messages.keys() & memories.keys():
        message, memory = messages[message_id_], memories[message_id_]
        said_at = to_instant(message.said_at)
        derived = message_id(message.session_id, message.speaker, message.text, said_at, message.occurrence)
        if derived != aliases.get(message.id, message.id):
            problems.append(f"message {message.id} does not hash to its id")
        if (message.session_id, message.position, message.speaker, message.role) != (
            memory.session_id, memory.position, memory.speaker, memory.role,
        ):  # fmt: skip
            problems.append(f"memory {memory.id} has another session, position, speaker or role than its message")
        if memory.echo_of == memory.id:
            problems.append(f"memory {memory.id} is an echo of itself")
        problems += _hyperedge_problems(memory)
    return sorted(problems)


def _fact_problems(said: Mapping[str, Memory], facts: Iterable[Memory]) -> list[str]:
    """Each fact rests on messages that are there, and a live one on live ones."""
    problems = []
    for fact in facts:
        if not fact.sources and fact.fact_by != "caller":
            problems.append(f"fact {fact.id} rests on no message")
        for source in fact.sources:
            if source not in said:
                problems.append(f"fact {fact.id} rests on {source}, which is no message")
            elif fact.retired_at is None and said[source].retired_at is not None:
                problems.append(f"fact {fact.id} rests on message {source}, which was deleted")
        problems += _hyperedge_problems(fact)
    return sorted(problems)


def _episode_problems(tried: Mapping[str, Memory], records: Records, namespace: Namespace) -> list[str]:
    """Each episode has its memory and hashes to its id, each such memory has its episode."""
    there = records.episodes.ids(namespace)
    problems = [f"episode {lost} has no memory" for lost in there if lost not in tried]
    problems += [f"memory {lost} has no episode" for lost in tried.keys() - {*there}]
    for episode in records.episodes.of(namespace, list(tried.values())):
        text, format_ = packed(episode.trajectory)
        contents = Contents(episode.intent, text, format_, episode.reward, episode.success)
        if episode_id(contents, to_instant(episode.happened_at), episode.occurrence) != episode.id:
            problems.append(f"episode {episode.id} does not hash to its id")
        problems += _hyperedge_problems(episode.memory)
    return sorted(problems)


def _hyperedge_problems(memory: Memory) -> list[str]:
    nodes = hyperedge(memory.text, memory.speaker, memory.session_id, memory.valid_from.date())
    shared = intents(memory.entities)  # which one it is depends on what was near when it was stored
    if tuple(memory.entities) == (*nodes, *shared) and len(shared) == (1 if memory.kind == "episode" else 0):
        return []
    return [f"memory {memory.id} has another hyperedge than follows from its text"]


def _history_problems(memories: Mapping[str, Memory], records: Records, namespace: Namespace) -> list[str]:
    """A memory is deleted or retired, and cold, exactly if that is what the change log says of it."""
    last = records.changes.last_operations(namespace, ("add", "update", "delete", "retire"))
    turned = records.changes.last_operations(namespace, ("add", "cool", "warm"))
    cold = records.cold_ids(namespace)
    problems = [f"memory {memory_id} is not in the change log" for memory_id in memories.keys() - last.keys()]
    problems += [
        f"the change log speaks of {memory_id}, which is no memory" for memory_id in last.keys() - memories.keys()
    ]
    for memory_id in memories.keys() & last.keys():
        if (memories[memory_id].retired_at is not None) != (last[memory_id] in ("delete", "retire")):
            problems.append(f"memory {memory_id} is deleted, or is not, against the change log")
        if (memory_id in cold) != (turned.get(memory_id) == "cool"):
            problems.append(f"memory {memory_id} is cold, or is not, against the change log")
    return sorted(problems)


def _learned_problems(records: Records, namespace: Namespace) -> list[str]:
    """Each utility is what its moves lead to, each move follows from the one before, all of them from the log."""
    utilities = records.utilities
    log, moves = utilities.logged(namespace), utilities.moves(namespace)
    problems = []
    if log and log[-1].learned > namespace.learned:
        problems.append(f"the feedback log goes to {log[-1].learned}, and the namespace is at {namespace.learned}")
    said = [(memory_id, logged.reward, logged.trace_id) for logged in log for memory_id in logged.moved]
    if said != [(move.memory_id, move.reward, move.trace_id) for move in moves]:
        problems.append("the moves of utilities are not those of the feedback log; rebuild the utilities")
    worth: dict[str, tuple[float, int, float]] = {}
    totals: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for move, total in zip(moves, utilities.running_totals(namespace), strict=True):
        totals[move.memory_id][move.source] += move.after - move.before
        if totals[move.memory_id][move.source] != total:
            problems.append(f"a move of memory {move.memory_id} has another total than its source's moves lead to")
        if move.reward is None:  # a reset: balances begin anew
            totals.pop(move.memory_id)
        q, visits, _ = worth.get(move.memory_id, (0.0, 0, 0.0))
        if move.before != q:
            problems.append(
                f"a move of memory {move.memory_id} begins at {move.before}, and the one before ended at {q}"
            )
        worth[move.memory_id] = (move.after, 0, 0.0) if move.reward is None else (move.after, visits + 1, move.reward)
    visited = {memory_id: one for memory_id, one in worth.items() if one[1]}
    kept = {memory_id: (one.q, one.visits, one.last_reward) for memory_id, one in utilities.all(namespace).items()}
    for memory_id in sorted(memory_id for memory_id, _ in visited.items() ^ kept.items()):
        problems.append(f"memory {memory_id} has another utility than its moves lead to; rebuild the utilities")
    return list(dict.fromkeys(problems))


def shard_problems(shard: Shard, fresh: Shard) -> list[str]:
    """Where a shard differs from one just built from SQL; one sentence a problem."""
    ids = sorted(shard.live_ids)
    if ids != sorted(fresh.live_ids):
        return [f"the shard holds {len(shard)} memories where SQL has {len(fresh)}, or others"]
    mine, theirs = np.array(shard.rows_of(ids), np.int64), np.array(fresh.rows_of(ids), np.int64)
    problems = [] if shard.utilities == fresh.utilities else ["the shard's utilities differ from SQL"]
    for name, rule in RULES.items():
        ours, other = shard.column(name).values[mine], fresh.column(name).values[theirs]
        if not np.array_equal(rule.plain(shard, ours), rule.plain(fresh, other)):
            problems.append(f"the shard's column {name} differs from SQL")
    for key in shard.facets.keys:
        if shard.facets.plain(key, mine) != fresh.facets.plain(key, theirs):
            problems.append(f"the shard's metadata differ from SQL in {key!r}")
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
    low, high, distinct = records.changes.versions(namespace)
    if (low, high, distinct) == (min(1, namespace.version), namespace.version, namespace.version):
        return []
    return [f"the change log has {distinct} versions from {low} to {high}, and the namespace is at {namespace.version}"]


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
