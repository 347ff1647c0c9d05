"""Memory: the verbs. Each reads as the steps it takes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, Unpack

from memsvc import answer as answers
from memsvc import budget, ingest, transfer, wiring
from memsvc.filters import Filters, parse_filters
from memsvc.models.embedding.checked import CheckedEmbedder
from memsvc.reembed import Reembedder
from memsvc.settings import Settings
from memsvc_retrievers.fast import find
from memsvc_retrievers.question import take_apart
from memsvc_store import clock
from memsvc_store.clock import parse_timestamp
from memsvc_store.shapes import Draft, Hit, Receipt
from memsvc_store.text import count_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from memsvc.answer import Answer
    from memsvc.filters import Time
    from memsvc.ingest import Messages
    from memsvc_retrievers.protocols import Embedder
    from memsvc_store import shapes
    from memsvc_store.shapes import Change, Parts
    from memsvc_store.store import Store

    # `list` is a verb of Memory, so that its methods can't name the type.
    Changes = list[Change]
    Drafts = list[Draft | Receipt]
    Found = tuple[list[tuple[int, Parts]], list[shapes.Memory], int]
    Hits = list[Hit]
    Memories = list[shapes.Memory]
    Names = list[str]
    Receipts = list[Receipt]

_IMPORT_BATCH = 256


class Memory:
    """An agent's memory in one database. Safe to share between threads."""

    def __init__(self, settings: Settings, embedder: Embedder, store: Store, now: Callable[[], datetime]) -> None:
        self.settings, self.embedder, self.store = settings, embedder, store
        self._checked = CheckedEmbedder(embedder)
        self._reembedder = Reembedder(store, self._checked)
        self._now = now

    @classmethod
    def open(
        cls,
        database: str | Path | None = None,
        *,
        embedder: Embedder | None = None,
        settings: Settings | None = None,
        create: bool = True,
        now: Callable[[], datetime] = clock.now,
    ) -> Self:
        """Open, and create if need be, a memory.

        Args:
            database: a file, a SQLAlchemy URL, or `:memory:`; by default what the settings say.
            embedder: an embedder of your own; by default the one that the settings name.
            settings: by default read from `MEMSVC_*` and `memsvc.toml`.
            create: with False, a database that is not there is an error.
            now: the clock, for tests and replays; it gives aware datetimes.

        Raises:
            SettingsError, DatabaseError, MissingDependency: each says what to do.
        """
        settings = settings or Settings.load()
        if database is not None:
            settings = settings.model_copy(update={"database": str(database)})
        embedder = embedder or wiring.build_embedder(settings)
        return cls(settings, embedder, wiring.build_store(settings, embedder, create=create, now=now), now)

    # -- writing --------------------------------------------------------------------------------

    def add(
        self, messages: Messages, *, namespace: str, session_id: str | None = None, key: str | None = None
    ) -> Receipts:
        """Store messages, verbatim; returns once they are on disk, with one receipt each.

        Args:
            messages: a string, a message `{"role", "content"[, "name", "timestamp", "session_id",
                "key", "metadata"]}`, or a list of either.
            session_id: the session of the messages that name none; by default "default".
            key: makes the call idempotent: message `i` is stored once under `key/i`.

        A message is a `duplicate` if its key, or its session, speaker, text and time were stored
        before, also if it was deleted since: a retry brings nothing back. A key that names other
        contents is `rejected`. In a list, a message that cannot be used is `rejected` in its receipt
        and the others are stored; a message given alone raises.

        Raises:
            InvalidNamespace, InvalidMessage, InvalidTimestamp: nothing was stored.
            DatabaseError, EmbedderError: nothing was stored.
        """
        namespace = ingest.checked_namespace(namespace)
        session_id = None if session_id is None else ingest.checked_name("session_id", session_id)
        key = None if key is None else ingest.checked_name("key", key)
        envelope = ingest.Envelope(session_id, key, self._now(), self.settings.max_text_chars)
        return self._store(namespace, ingest.drafts(messages, envelope))

    def update(
        self,
        memory_id: str,
        *,
        namespace: str,
        text: str | None = None,
        valid_from: Time | None = None,
        valid_to: Time | None = None,
    ) -> shapes.Memory:
        """Correct a memory's text or event time; None leaves a field as it is.

        The raw message stays verbatim and `history` keeps what was replaced.

        Raises:
            NotFound, InvalidMessage, InvalidTimestamp, InvalidInput: nothing was changed.
        """
        namespace, memory_id = ingest.checked_namespace(namespace), ingest.checked_id(memory_id)
        text = None if text is None else ingest.checked_text(text, self.settings.max_text_chars)
        return self.store.update(
            namespace,
            memory_id,
            text=text,
            vector=None if text is None else self._checked.embed([text])[0],
            valid_from=None if valid_from is None else parse_timestamp(valid_from),
            valid_to=None if valid_to is None else parse_timestamp(valid_to),
        )

    def delete(self, memory_id: str, *, namespace: str) -> None:
        """Take a memory out of every look-up, listing and export, at once and for every process.

        The raw log keeps the message and `history` keeps the steps, out of reach of look-ups.

        Raises:
            NotFound: no such memory in this namespace.
        """
        self.store.delete(ingest.checked_namespace(namespace), ingest.checked_id(memory_id))

    # -- reading --------------------------------------------------------------------------------

    def search(
        self,
        query: str,
        *,
        namespace: str,
        top_k: int | None = None,
        token_budget: int | None = None,
        **filters: Unpack[Filters],
    ) -> Hits:
        """The memories that fit a question best, best first, each with the parts of its score.

        Args:
            top_k: how many at most; 10 unless a budget is given.
            token_budget: of the best 200 (or `top_k`), each is taken in rank order if its text fits
                into what is left of so many tokens (`count_tokens`).
            **filters: `since`, `until`, `as_of`, `session_id`, `speaker`, `kind`, applied inside the look-up.

        Raises:
            InvalidInput: an empty query, a number below 1, an unknown filter or a bad value.
        """
        namespace = ingest.checked_namespace(namespace)
        ingest.checked_text(query, self.settings.max_text_chars)
        limit = budget.limit(top_k, token_budget)
        wanted = parse_filters(filters)
        found, memories, stale = self._find(namespace, query, limit, wanted)
        if stale:
            self._reembedder.wake(namespace)
        hits = [
            Hit(memory, rank, parts) for rank, (memory, (_, parts)) in enumerate(zip(memories, found, strict=True), 1)
        ]
        return hits if token_budget is None else budget.within(hits, token_budget)

    def ask(self, question: str, *, namespace: str, top_k: int = budget.TOP_K, **filters: Unpack[Filters]) -> Answer:
        """Answer with the best evidence, quoted (`extractive`), or say that there is none (`abstained`).

        Raises:
            InvalidInput: as `search`.
        """
        started = time.perf_counter()
        hits = self.search(question, namespace=namespace, top_k=top_k, **filters)
        return answers.extract(question, hits, time.perf_counter() - started)

    def get(self, memory_id: str, *, namespace: str) -> shapes.Memory:
        """One memory.

        Raises:
            NotFound: no such memory in this namespace, or it was deleted.
        """
        return self.store.get(ingest.checked_namespace(namespace), ingest.checked_id(memory_id))

    def list(self, *, namespace: str, limit: int = 100, offset: int = 0, **filters: Unpack[Filters]) -> Memories:
        """Memories in the order of their event time.

        Raises:
            InvalidInput: a limit below 1, an offset below 0, an unknown filter or a bad value.
        """
        budget.checked_count("limit", limit, least=1)
        budget.checked_count("offset", offset, least=0)
        return self.store.page(ingest.checked_namespace(namespace), parse_filters(filters), limit=limit, offset=offset)

    def history(self, memory_id: str, *, namespace: str) -> Changes:
        """What happened to a memory, oldest first, with what each step replaced; deleted ones too.

        Raises:
            NotFound: this namespace never had such a memory.
        """
        return self.store.history(ingest.checked_namespace(namespace), ingest.checked_id(memory_id))

    # -- moving ---------------------------------------------------------------------------------

    def export(self, *, namespace: str) -> Iterator[str]:
        """The namespace as JSON lines, without line ends: a header, then one message a line; one snapshot.

        Raises:
            NotFound: no such namespace.
        """
        namespace = ingest.checked_namespace(namespace)
        self.store.require(namespace)
        return transfer.write(namespace, self.store.export(namespace))

    def import_(self, lines: Iterable[str], *, namespace: str) -> Receipts:
        """Store an export, in this namespace or another; what is there already is a `duplicate`.

        Raises:
            InvalidMessage, InvalidTimestamp: naming the line that cannot be read.
        """
        namespace = ingest.checked_namespace(namespace)
        receipts: Receipts = []
        batch: Drafts = []
        for draft in transfer.read(lines, self.settings.max_text_chars):
            batch.append(draft)
            if len(batch) == _IMPORT_BATCH:
                receipts += self._store(namespace, batch)
                batch = []
        return receipts + self._store(namespace, batch)

    # -- care -----------------------------------------------------------------------------------

    def namespaces(self) -> Names:
        """Every namespace of this database, sorted."""
        return self.store.namespaces()

    def stats(self, *, namespace: str) -> dict[str, int]:
        """Counts of a namespace: sessions, messages, memories, retired, vectors, stale (without a
        vector of the model in use), version (writes so far).

        Raises:
            NotFound: no such namespace.
        """
        return self.store.counts(ingest.checked_namespace(namespace))

    def verify(self, *, namespace: str | None = None) -> Names:
        """Check the database, every hash, and the projections against the rows; one sentence a problem."""
        names = self.namespaces() if namespace is None else [ingest.checked_namespace(namespace)]
        problems = self.store.database.integrity_problems()
        return problems + [problem for name in names for problem in self.store.verify(name)]

    def reindex(self, *, namespace: str, progress: Callable[[int], None] | None = None) -> int:
        """Embed what the model in use has not embedded yet and build the projections anew.

        Args:
            progress: called with the number of texts embedded by each step.

        Returns:
            How many memories the projections hold.
        """
        namespace = ingest.checked_namespace(namespace)
        self._reembedder.run(namespace, progress)
        return self.store.reindex(namespace)

    def count_tokens(self, text: str) -> int:
        """How many tokens a text counts for in a budget: its words and punctuation marks."""
        return count_tokens(text)

    def close(self) -> None:
        """Stop background work and let go of the database. Nothing is lost without it."""
        self._reembedder.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- steps ----------------------------------------------------------------------------------

    def _find(self, namespace: str, query: str, limit: int, wanted: shapes.Filter) -> Found:
        """Look up in one reading that is paused for the embedder: nobody waits for a model."""
        with self.store.reading(namespace) as reading:
            if not len(reading.shard):
                return [], [], 0
            question = take_apart(query, reading.shard.names)
            with reading.paused():
                vector = self._checked.embed([question.text], purpose="query")[0]
            found = find(reading.shard, question, vector, limit, wanted)
            return found, reading.memories([row for row, _ in found]), reading.shard.stale

    def _store(self, namespace: str, drafts: Sequence[Draft | Receipt]) -> Receipts:
        """Embed what has no vector yet, write, and put each receipt in its place."""
        ready = self._with_vectors(namespace, [draft for draft in drafts if isinstance(draft, Draft)])
        written = iter(self.store.add(namespace, ready))
        return [next(written) if isinstance(draft, Draft) else draft for draft in drafts]

    def _with_vectors(self, namespace: str, drafts: Sequence[Draft]) -> Sequence[Draft]:
        if not drafts:
            return []
        texts = self.store.without_vector(namespace, [draft.memory_text for draft in drafts])
        vectors: dict[str, Any] = dict(zip(texts, self._checked.embed(texts), strict=True))
        return [replace(draft, vector=vectors.get(draft.memory_text)) for draft in drafts]
