"""A namespace with something in every table, and everything that a database holds of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from memsvc_store.sql import schema
from memsvc_store.sql.rows import text_digest
from memsvc_store.store import Store
from memsvc_store.values.drafts import EpisodeDraft
from memsvc_store.values.memories import Node
from memsvc_store.values.nodes import INTENT, hyperedge
from tests.store.values import START, draft, episode, fact, feedback, said, towards, trace, vector

SECRET = "My locker code is zanzibar seventeen."
KEPT = "I moved to Oslo last week."
OLD = "My locker code is quetzal eleven."


@dataclass(frozen=True)
class Filled:
    """The ids of what `fill` stores: in session `private` what is to be forgotten, in `s1` what stays."""

    kept: str
    other: str
    secret: str
    deleted: str
    corrected: str
    fact: str
    shared_fact: str
    successor: str
    kept_fact: str
    episode: str
    kept_episode: str

    @property
    def private(self) -> list[str]:
        """What goes with the session."""
        return [
            self.secret, self.deleted, self.corrected, self.fact, self.shared_fact, self.successor, self.episode,
        ]  # fmt: skip


def fill(store: Store, namespace: str = "ann") -> Filled:
    """Something in every table."""
    kept, other = said(store, KEPT, "It rains a lot there.", namespace=namespace)
    metadata = {"source": "diary.txt"}
    receipts = store.add(
        namespace,
        [
            draft(SECRET, session="private", minutes=10, key="import-7/0", metadata=metadata),
            draft("The zanzibar ferry was late.", session="private", minutes=11, key="import-7/1"),
            draft(OLD, session="private", minutes=12),
        ],
    )
    secret, deleted, corrected = (receipt.id or "" for receipt in receipts)
    facts = [fact("Ann lives in Oslo.", kept), fact("Ann's code is zanzibar.", secret, session="private")]
    first, about = (receipt.id or "" for receipt in store.add_facts(namespace, facts))
    [both] = store.add_facts(namespace, [fact("Ann said zanzibar and Oslo.", kept, secret)])
    [after] = store.add_facts(namespace, [fact("Ann lives with zanzibar.", secret, kept, replaces=(first,))])
    [still] = store.add_facts(namespace, [fact("It rains in Oslo.", other, replaces=(after.id or "",))])
    attempts = [_attempt("open the zanzibar locker", "private", 0), _attempt("open a locker", "tasks", 5)]
    tried = [receipt.id or "" for receipt in store.add_episodes(namespace, attempts)]
    store.delete(namespace, deleted)
    store.update(namespace, corrected, text="My locker code is unknown.", vector=vector("unknown"))
    filled = Filled(
        kept, other, secret, deleted, corrected, about, both.id or "", after.id or "", still.id or "", *tried
    )
    _use(store, namespace, filled)
    return filled


def _attempt(intent: str, session: str, minutes: int) -> EpisodeDraft:
    """An episode that shares the node of the first of them."""
    node = Node(INTENT, text_digest("open the zanzibar locker").hex())
    entities = hyperedge(intent, "agent", session, START.date())
    return episode(intent, f"typed {intent}", minutes=minutes, session_id=session, entities=(*entities, node))


def _use(store: Store, namespace: str, filled: Filled) -> None:
    """Traces, feedback, jobs and a calibration."""
    traces = [
        trace(filled.secret, filled.kept, query="Which code?"),
        trace(filled.kept, query="Where does Ann live?"),
        trace(filled.kept, query="So “my locker code is zanzibar”?"),
        trace(filled.kept, kind="ask", query="Code?", document={"answer": "It is zanzibar.", "share": 1.0}),
        trace(filled.kept, kind="ask", query="Oslo?", document={"answer": "Yes.", "share": None}),
        trace(filled.secret, filled.episode, query="Only private things?"),
    ]
    for place, one in enumerate(traces):
        one = replace(one, at=store.get(namespace, filled.secret).created_at + timedelta(minutes=place))
        store.learning.add_trace(namespace, one)
        given = feedback(one, 1.0 - place / 4, key=f"{namespace}{place}", cap=0.4, source="zoe")
        store.learning.learn(namespace, given, towards)
    store.learning.reset(namespace, filled.kept)
    store.learning.learn(namespace, feedback(traces[0], -1.0), towards)
    store.learning.set_calibration(namespace, "threshold", {"threshold": 0.5})
    store.jobs.enqueue_extraction(namespace, 2, timedelta(hours=1))
    store.jobs.hurry(namespace)
    for job in store.jobs.claim(namespace, 9):
        store.jobs.fail(job, f"no fact in {SECRET!r}")
    store.jobs.enqueue_reflections(namespace)
    store.jobs.claim(namespace, 1, "reflect")


def table_rows(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, in the order of its key."""
    tables = {table.name: sa.select(table).order_by(*table.primary_key) for table in schema.metadata.sorted_tables}
    with store.database.read() as connection:
        return {name: [dict(row._mapping) for row in connection.execute(select)] for name, select in tables.items()}


def contents(store: Store) -> bytes:
    """All that SQL gives: every value of every row, one after the other."""
    values = [value for rows in table_rows(store).values() for row in rows for value in row.values()]
    return b"\n".join(bytes(one) if isinstance(one, bytes | memoryview) else str(one).encode() for one in values)


def files(path: Path) -> bytes:
    """Every byte on disk: the database, its log, its index, its snapshots."""
    found = (path, *path.parent.glob(f"{path.name}-*"), *path.parent.glob(f"{path.name}.shards/*"))
    return b"\n".join(one.read_bytes() for one in found)


def needles(filled: Filled) -> list[bytes]:
    """What may not be found after the session `private` was forgotten: words, ids, hashes and vectors."""
    texts = [SECRET, OLD, "Ann's code is zanzibar.", "open the zanzibar locker"]
    words = [b"zanzibar", b"quetzal", b"eleven", b"private", b"import-7", b"diary.txt"]
    vectors = [np.asarray(vector(text), "<f4").tobytes() for text in texts]
    hashes = [text_digest(text) for text in texts]
    hexadecimal = [*(one.hex() for one in hashes), *filled.private]
    return [*words, *(text.encode() for text in texts), *vectors, *hashes, *(one.encode() for one in hexadecimal)]


def found(haystack: bytes, filled: Filled) -> list[bytes]:
    """Which of the needles are there."""
    return [needle for needle in needles(filled) if needle in haystack]
