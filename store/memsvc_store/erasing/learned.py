"""What an erasure takes of traces, feedback, moves and utilities.

A trace goes whole if it may hold a word of what was erased. The log of feedback loses the erased memories and nothing
else: what the others were credited with stays, so that a rebuild leads to the same bits.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from memsvc_store.sql import schema
from memsvc_store.values.text import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.engine import Row

    from memsvc_store.writing.transaction import Write

_ns, _tr, _fb = schema.namespaces, schema.traces, schema.feedback
_ut, _mv = schema.utilities, schema.moves

PHRASE = 4
"""Words in a row that give a text away; a shorter text is looked for as a whole question or answer."""


def erase(write: Write, erased: frozenset[str], texts: Iterable[str]) -> dict[str, int]:
    """Take memories, and every text that they were given as, out of what was learned; how many rows of each kind."""
    return {
        "traces": _traces(write, erased, texts),
        "feedback": _feedback(write, erased),
        "moves": _moves(write, erased),
        "utilities": write.records.delete_in(_ut, write.namespace.key, _ut.c.memory_id, sorted(erased)),
    }


def _traces(write: Write, ids: frozenset[str], texts: Iterable[str]) -> int:
    """Delete the traces that named an erased memory, say what it said, or come from reading the log as a whole: such an
    answer may rest on what it names nowhere. Older ones too: a clock may have been set back.
    """
    told = {phrase for text in texts for phrase in _phrases(text)}
    rows = write.records.connection.execute(sa.select(_tr).where(_tr.c.namespace_key == write.namespace.key))
    gone = [row.id for row in rows if _tells(row, ids, told)]
    return write.records.delete_in(_tr, write.namespace.key, _tr.c.id, gone)


def _tells(row: Row[Any], ids: frozenset[str], told: set[tuple[str, ...]]) -> bool:
    named = {*json.loads(row.used), *json.loads(row.cited), *(one[0] for one in json.loads(row.pool))}
    if not ids.isdisjoint(named):
        return True
    document = json.loads(row.document)
    if document.get("share") is not None:  # the share of the log that was read
        return True
    return any(phrase in told for text in (row.query, *_texts(document)) for phrase in _phrases(text))


def _phrases(text: str) -> Iterator[tuple[str, ...]]:
    """Every run of `PHRASE` words; the whole of a text that has fewer."""
    found = words(text)
    return (tuple(found[start : start + PHRASE]) for start in range(max(1, len(found) - PHRASE + 1)) if found)


def _texts(value: object) -> Iterator[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _feedback(write: Write, ids: frozenset[str]) -> int:
    """Take memories out of the log; how many rows named one. A row that credits nothing else goes."""
    connection, here = write.records.connection, _fb.c.namespace_key == write.namespace.key
    named = 0
    for row in connection.execute(sa.select(_fb).where(here)).all():
        credited, skipped = json.loads(row.credited), json.loads(row.skipped)
        if ids.isdisjoint(credited):
            continue
        named += 1
        left = [one for one in credited if one not in ids]
        place = here & (_fb.c.learned == row.learned)
        if not left:
            connection.execute(sa.delete(_fb).where(place))
            continue
        others = [one for one in skipped if one[0] not in ids]
        values = {"credited": json.dumps(left), "skipped": json.dumps(others)}
        connection.execute(sa.update(_fb).where(place).values(values))
    return named


def _moves(write: Write, ids: frozenset[str]) -> int:
    """Delete the steps of memories; how many. The others of a feedback close ranks, as a rebuild would number them."""
    records, here = write.records, _mv.c.namespace_key == write.namespace.key
    of_them = sa.select(_mv.c.learned).where(here).distinct()
    touched = sorted({row.learned for row in records.rows_in(of_them, _mv.c.memory_id, sorted(ids))})
    gone = records.delete_in(_mv, write.namespace.key, _mv.c.memory_id, sorted(ids))
    order = sa.select(_mv.c.learned, _mv.c.ordinal).where(here).order_by(_mv.c.learned, _mv.c.ordinal)
    left = sorted(records.rows_in(order, _mv.c.learned, touched))
    for learned, ordinal, rank in _ranked(left):
        if ordinal != rank:  # lower, and free by now
            place = here & (_mv.c.learned == learned) & (_mv.c.ordinal == ordinal)
            records.connection.execute(sa.update(_mv).where(place).values(ordinal=rank))
    return gone


def _ranked(rows: Iterable[Any]) -> Iterator[tuple[int, int, int]]:
    """(learned, ordinal, rank among those of the same `learned`)."""
    last, rank = None, 0
    for learned, ordinal in rows:
        rank = rank + 1 if learned == last else 0
        last = learned
        yield learned, ordinal, rank
