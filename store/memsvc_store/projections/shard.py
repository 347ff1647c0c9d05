"""One namespace's projections at one version: vectors, word index, hypergraph and the columns that filters read.

Row `i` means the same memory in all of them. Rows are only appended; a changed or retired memory
leaves its row dead and masked, and a shard with too many dead rows is built anew.

`q` and `visited` are what was learned: they follow the namespace's count of feedback, not its version.

A row never changes what it means, so the memories that look-ups returned are held, up to `HELD`:
fetching ten of them from SQL takes 0.8 ms right after an embedding, a tenth of a whole look-up.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from memsvc_store.projections.columns import FOREVER, ROW_BYTES, RULES, Codes, Columns, size_of_memory
from memsvc_store.projections.facets import Facets
from memsvc_store.projections.hypergraph import Hypergraph, names_of_speakers
from memsvc_store.projections.lexical import LexicalIndex
from memsvc_store.projections.vectors import VectorIndex
from memsvc_store.values.memories import KINDS
from memsvc_store.values.text import terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from memsvc_store.sql.rows import Entry, Namespace
    from memsvc_store.values.memories import Memory

HELD = 20_000
"""Memories that one shard holds at most; the first that it meets."""

_SPARE_ROWS = 1_000
"""Dead rows that any shard may carry before it is built anew."""

_MESSAGE, _EPISODE = KINDS.index("message"), KINDS.index("episode")


class Shard(Columns):
    """The projections, with their columns. Not safe to share: the holder of `lock` reads or writes."""

    def __init__(self, dimension: int, *, exact_limit: int, whole: bool = False) -> None:
        """`whole`: cold memories get rows too."""
        self.lock = threading.RLock()
        self.whole = whole
        self._dimension, self._exact_limit = dimension, exact_limit
        self.clear()

    def clear(self) -> None:
        """Empty it, back to version 0."""
        super().__init__()
        self.version = 0
        self.holds_erased = False  # dead rows of erased memories: good for look-ups, and never to be written to disk
        self.stamp: int | None = None  # when the write of this version was made: ties the shard to one history
        self.learned = self.learned_at = 0  # the same for what was learned
        self.vectors = VectorIndex(self._dimension, exact_limit=self._exact_limit)
        self.lexical = LexicalIndex()
        self.graph = Hypergraph()
        self.facets = Facets()
        self.memories: dict[int, Memory] = {}
        self._held_bytes = 0
        self._row_of: dict[str, int] = {}
        self._row_at: dict[tuple[int, int], int] = {}
        self._dead = 0
        self._stale = 0
        self.seen = 0  # the latest moment of a look-up: what had expired by then has no live row
        self._next_expiry: int = FOREVER
        self._names: dict[str, str] | None = None

    def __len__(self) -> int:
        """Live memories."""
        return len(self._row_of)

    def at(self, namespace: Namespace) -> bool:
        """Whether it stands at this version, and in this history: a restored backup has another."""
        return (self.version, self.stamp) == (namespace.version, namespace.stamp)

    def knows(self, namespace: Namespace) -> bool:
        """Whether it holds what was learned up to now, in this history."""
        return (self.learned, self.learned_at) == (namespace.learned, namespace.learned_at)

    @property
    def rows(self) -> int:
        """Rows, dead ones included."""
        return len(self.ids)

    @property
    def stale(self) -> int:
        """Live memories without a vector of the model in use."""
        return self._stale

    @property
    def dead(self) -> int:
        """Rows of memories that were changed or retired."""
        return self._dead

    @property
    def crowded(self) -> bool:
        """Whether dead rows are so many that building anew pays."""
        return self._dead > max(_SPARE_ROWS, len(self))

    @property
    def nbytes(self) -> int:
        """About its size in memory: vectors with their codes, columns, ids, words, nodes, what is held, the shell."""
        rows = self.rows * (self.vectors.dimension * 5 + ROW_BYTES) + len(self.utilities) * 150
        return (
            16_384
            + rows
            + self.lexical.incidence.nbytes
            + self.graph.incidence.nbytes
            + self.facets.nbytes
            + self._held_bytes
        )

    @property
    def names(self) -> dict[str, str]:
        """What `names_of_speakers` says; in episodes nobody speaks."""
        if self._names is None:
            speaking = self.alive.values & (self.kind.values != _EPISODE)
            self._names = names_of_speakers(self.speakers.names, self.speaker.values, speaking, self.graph)
        return self._names

    def apply(self, touched: Iterable[str], entries: Iterable[Entry]) -> None:
        """Forget the touched memories, then append those of them that are alive."""
        self._names = None
        for memory_id in touched:
            if memory_id in self._row_of:
                self._remove(memory_id)
        fresh = list(entries)
        if fresh:
            self._append(fresh)

    def expire(self, now: int) -> None:
        """Forget what has expired by now (microseconds since 1970); free where nothing has."""
        self.seen = max(self.seen, now)
        if now < self._next_expiry:
            return
        for row in np.flatnonzero(self.alive.values & (self.expires_at.values <= now)).tolist():
            self._remove(self.ids[row])
        self._names = None
        self._next_expiry = int(self.expires_at.values[self.alive.values].min(initial=FOREVER))

    def lose(self, known: Iterable[str]) -> list[str]:
        """Forget what was learned of memories that are none of the known ones; which of them still have rows.

        To be followed by `apply`. Their words and vectors stay in dead rows until it is built anew.
        """
        known = frozenset(known)
        self.learn(dict.fromkeys(self.utilities.keys() - known))
        self.holds_erased = True
        return [memory_id for memory_id in self._row_of if memory_id not in known]

    def learn(self, utilities: Mapping[str, float | None]) -> None:
        """Take in utilities by memory id; None for one that was reset. Memories without a row keep theirs for later."""
        for memory_id, q in utilities.items():
            if q is None:
                self.utilities.pop(memory_id, None)
            else:
                self.utilities[memory_id] = q
            row = self._row_of.get(memory_id)
            if row is not None:
                self.q.values[row], self.visited.values[row] = q or 0.0, q is not None

    def unlearn(self) -> None:
        """Forget every utility."""
        self.learned = self.learned_at = 0
        self.utilities.clear()
        self.q.values[:] = 0.0
        self.visited.values[:] = False

    def hold(self, rows: Sequence[int], memories: Sequence[Memory]) -> None:
        """Keep memories at hand for the next look-up."""
        if len(self.memories) + len(rows) <= HELD:
            fresh = {row: memory for row, memory in zip(rows, memories, strict=True) if row not in self.memories}
            self.memories |= fresh
            self._held_bytes += sum(map(size_of_memory, fresh.values()))

    def rows_of(self, ids: Sequence[str]) -> list[int]:
        """Rows of those ids that are alive."""
        return [self._row_of[memory_id] for memory_id in ids if memory_id in self._row_of]

    def know(self, keys: Iterable[str], stored: Callable[[], Mapping[int, Mapping[str, Any]]]) -> None:
        """Know further keys of the metadata; what is not held comes from SQL, by the key of its row there."""
        found: list[Mapping[str, Any]] = [{}] * self.rows  # of a dead row nothing is asked
        missing = [row for row in self._row_of.values() if row not in self.memories]
        if missing:
            others = stored()
            for row, key in zip(missing, self.keys.values[missing].tolist(), strict=True):
                found[row] = others.get(key, {})
        for row, memory in self.memories.items():
            found[row] = memory.metadata
        self.facets.learn(keys, found)

    @property
    def live_ids(self) -> list[str]:
        """Ids of the live memories."""
        return list(self._row_of)

    def pack(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """(names as JSON values, arrays), for a snapshot; without what was learned, which is one statement to read."""
        terms, postings, lengths = self.lexical.pack()
        nodes, members = self.graph.pack()
        names = {
            "ids": self.ids, "terms": terms, "nodes": nodes,
            "sessions": self.sessions.names, "speakers": self.speakers.names, "roles": self.roles.names,
            "seen": self.seen,
        }  # fmt: skip
        arrays: dict[str, NDArray[Any]] = {
            name: self.column(name).values for name, rule in RULES.items() if rule.packed
        }
        arrays |= {"vectors": self.vectors.matrix, "lengths": lengths}
        arrays |= {f"postings_{key}": value for key, value in postings.items()}
        arrays |= {f"members_{key}": value for key, value in members.items()}
        return names, arrays

    def unpack(self, names: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        """Fill an empty shard with what `pack` gave."""
        alive = arrays["alive"]
        for name, rule in RULES.items():
            self.column(name).extend(arrays[name] if rule.packed else np.zeros(len(alive)))
        self.ids, self.seen = list(names["ids"]), int(names["seen"])
        self._next_expiry = int(self.expires_at.values[alive].min(initial=FOREVER))
        self.sessions, self.speakers = Codes(names["sessions"]), Codes(names["speakers"])
        self.roles = Codes(names["roles"])
        self.vectors.extend(arrays["vectors"])
        self.lexical = LexicalIndex.unpack(names["terms"], _part(arrays, "postings"), arrays["lengths"], alive)
        self.graph = Hypergraph.unpack(names["nodes"], _part(arrays, "members"), alive)
        live = np.flatnonzero(alive).tolist()
        self._row_of = {self.ids[row]: row for row in live}
        self._row_at = {self._place(row): row for row in live if self.kind.values[row] == _MESSAGE}
        self._dead = self.rows - len(live)
        self._stale = int(np.count_nonzero(alive & ~self.embedded.values))

    def _append(self, entries: list[Entry]) -> None:
        first = self.rows
        zero = np.zeros(self.vectors.dimension, np.float32)
        self.vectors.extend(np.stack([zero if entry.vector is None else entry.vector for entry in entries]))
        for name, rule in RULES.items():
            self.column(name).extend([rule.read(self, entry) for entry in entries])
        self._stale += sum(entry.vector is None for entry in entries)
        self.facets.extend(entry.memory.metadata for entry in entries)
        self._next_expiry = min(self._next_expiry, int(self.expires_at.values[first:].min()))
        for row, entry in enumerate(entries, first):
            self.ids.append(entry.memory.id)
            self._row_of[entry.memory.id] = row
            self.lexical.add(terms(entry.memory.text))
            self.graph.add(entry.memory.entities)
            if entry.memory.kind == "message":
                self._row_at[self._place(row)] = row
        for row, entry in enumerate(entries, first):
            if entry.memory.kind == "message":
                self._link(row)
        self.hold(range(first, first + len(entries)), [entry.memory for entry in entries])

    def _remove(self, memory_id: str) -> None:
        row = self._row_of.pop(memory_id)
        if (held := self.memories.pop(row, None)) is not None:
            self._held_bytes -= size_of_memory(held)
        self.alive.values[row] = False
        self._stale -= not self.embedded.values[row]
        self._dead += 1
        self.lexical.remove(row)
        self.graph.remove(row)
        if self._row_at.get(self._place(row)) == row:
            del self._row_at[self._place(row)]
            for neighbour, side in ((self.before.values[row], self.after), (self.after.values[row], self.before)):
                if neighbour >= 0:
                    side.values[neighbour] = -1

    def _place(self, row: int) -> tuple[int, int]:
        return int(self.session.values[row]), int(self.position.values[row])

    def _link(self, row: int) -> None:
        session, position = self._place(row)
        before, after = self._row_at.get((session, position - 1)), self._row_at.get((session, position + 1))
        if before is not None:
            self.before.values[row], self.after.values[before] = before, row
        if after is not None:
            self.after.values[row], self.before.values[after] = after, row


def _part(arrays: dict[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {key.removeprefix(f"{prefix}_"): value for key, value in arrays.items() if key.startswith(f"{prefix}_")}
