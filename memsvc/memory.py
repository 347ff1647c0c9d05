"""Memory: the verbs. Each reads as the steps it takes."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, Unpack

from memsvc import budget, ingest, transfer, wiring
from memsvc.errors import InvalidInput, SettingsError
from memsvc.filters import Filters, parse_filters
from memsvc.lookup import Lookup
from memsvc.models.embedding.checked import CheckedEmbedder
from memsvc.reembed import Reembedder
from memsvc.settings import HOW_TO_SET, Settings
from memsvc_store import clock
from memsvc_store.clock import parse_timestamp
from memsvc_store.errors import shown
from memsvc_store.shapes import JOB_STATES, Draft, Fact, Hit, Receipt
from memsvc_store.text import count_tokens
from memsvc_store.writes import draft_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from memsvc.answer import Answer
    from memsvc.asking import Asker, AskOptions
    from memsvc.events import Event
    from memsvc.filters import Time
    from memsvc.ingest import Messages
    from memsvc.jobs import ExtractionSummary, ExtractionWorker
    from memsvc_retrievers.language import LanguageModel
    from memsvc_retrievers.protocols import Embedder
    from memsvc_store import shapes
    from memsvc_store.shapes import Change, Job, JobState
    from memsvc_store.store import Store

    # `list` is a verb of Memory, so that its methods can't name the type.
    Changes = list[Change]
    Drafts = list[Draft | Receipt]
    Hits = list[Hit]
    Jobs = list[Job]
    Memories = list[shapes.Memory]
    Names = list[str]
    Receipts = list[Receipt]

_IMPORT_BATCH = 256


class Memory:
    """An agent's memory in one database. Safe to share between threads."""

    def __init__(
        self,
        settings: Settings,
        embedder: Embedder,
        store: Store,
        now: Callable[[], datetime],
        language_model: LanguageModel | None = None,
    ) -> None:
        self.settings, self.embedder, self.store = settings, embedder, store
        self._now = now
        self._checked = CheckedEmbedder(embedder)
        self._reembedder = Reembedder(store, self._checked)
        self._models = wiring.LanguageModels(settings, language_model)
        self._lookup = Lookup(store, self._checked, stale=self._reembedder.wake)

    @classmethod
    def open(
        cls,
        database: str | Path | None = None,
        *,
        embedder: Embedder | None = None,
        language_model: LanguageModel | None = None,
        settings: Settings | None = None,
        create: bool = True,
        now: Callable[[], datetime] = clock.now,
    ) -> Self:
        """Open, and create if need be, a memory.

        Args:
            database: a file, a SQLAlchemy URL, or `:memory:`; by default what the settings say.
            embedder: an embedder of your own; by default the one that the settings name.
            language_model: a model of your own for `ask`; by default the one that the settings name, if they name one.
            settings: by default read from `MEMSVC_*` and `memsvc.toml`.
            create: with False, a database that is not there is an error.
            now: the clock, for tests and replays; it gives aware datetimes.

        Raises:
            SettingsError, DatabaseError, MissingDependency: each says what to do.
        """
        settings = settings or Settings.load()
        if database is not None:
            settings = settings.model_copy(update={"database": str(database)})
        if settings.extraction == "background" and settings.model is None and language_model is None:
            raise SettingsError(f"extraction is 'background' and no language model is configured; {HOW_TO_SET}")
        embedder = embedder or wiring.build_embedder(settings)
        store = wiring.build_store(settings, embedder, create=create, now=now)
        memory = cls(settings, embedder, store, now, language_model)
        if settings.extraction == "background":
            memory._extraction.start()
        return memory

    @property
    def language_model(self) -> LanguageModel | None:
        """The language model of `ask`, if one is set."""
        return self._models.get()

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
        receipts = self._store(namespace, ingest.drafts(messages, envelope))
        self._wake(namespace)
        return receipts

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

        The raw message stays verbatim and `history` keeps what was replaced. Facts that rest on a message are
        retired with its correction, and a job is queued to work them out anew.

        Raises:
            NotFound, InvalidMessage, InvalidTimestamp, InvalidInput: nothing was changed.
        """
        namespace, memory_id = ingest.checked_namespace(namespace), ingest.checked_id(memory_id)
        text = None if text is None else ingest.checked_text(text, self.settings.max_text_chars)
        updated = self.store.update(
            namespace,
            memory_id,
            text=text,
            vector=None if text is None else self._checked.embed([text])[0],
            valid_from=None if valid_from is None else parse_timestamp(valid_from),
            valid_to=None if valid_to is None else parse_timestamp(valid_to),
        )
        self._wake(namespace)
        return updated

    def delete(self, memory_id: str, *, namespace: str) -> None:
        """Take a memory out of every look-up, listing and export, at once and for every process.

        With a message go the facts that rest on it. The raw log keeps the message and `history` keeps
        the steps, out of reach of look-ups.

        Raises:
            NotFound: no such memory in this namespace.
        """
        namespace = ingest.checked_namespace(namespace)
        self.store.delete(namespace, ingest.checked_id(memory_id))
        self._wake(namespace)

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
        hits = self._lookup.search(namespace, query, limit, wanted)
        return hits if token_budget is None else budget.within(hits, token_budget)

    def ask(
        self,
        question: str,
        *,
        namespace: str,
        on_event: Callable[[Event], None] | None = None,
        **options: Unpack[AskOptions],
    ) -> Answer:
        """Answer a question: a fast answer, a gate that judges it, and where it falls short, full deliberation.

        Without a language model the best evidence is quoted (`extractive`). Where nothing answers, the answer
        says so (`abstained`).

        Args:
            on_event: called with each step as it is done; what it raises ends the work.
            **options: see `AskOptions`; beside them the filters of `search`, which hold for deliberation too.

        Raises:
            InvalidInput: as `search`, or an unknown option, gate or deliberation.
            SettingsError: a gate or a deliberation, and no language model.
            ModelError: the model is down, refuses, or never gave an answer that can be read.
        """
        return self._asker.prepare(question, namespace, options)(on_event or (lambda _: None), lambda: False)

    def ask_stream(self, question: str, *, namespace: str, **options: Unpack[AskOptions]) -> Iterator[Event]:
        """As `ask`, as the events of its steps while they happen; the last one, `answered`, holds the answer.

        Leaving the loop early and closing the iterator cancels the work, calls under way included.

        Raises:
            MemsvcError: as `ask`; wrong input at once, the rest at the step where it happens.
        """
        from memsvc.asking import streamed

        return streamed(self._asker.prepare(question, namespace, options))

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
        """The namespace as JSON lines, without line ends: a header, the messages, then the facts; one snapshot.

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
        ids: dict[str, str] = {}
        for batch in transfer.batches(transfer.read(lines, self.settings.max_text_chars), _IMPORT_BATCH):
            receipts += self._import(namespace, batch, ids)
        self._wake(namespace)
        return receipts

    # -- extracting -----------------------------------------------------------------------------

    def extract(
        self, *, namespace: str | None = None, on_event: Callable[[Job], None] | None = None
    ) -> ExtractionSummary:
        """Work out the facts of messages that were not worked through yet, now; of one namespace or of all.

        Messages are safe whatever happens: a job that fails is tried again later, and at last shows as
        `failed` in `jobs`.

        Args:
            on_event: called with each job when it has ended; what it raises ends the work.

        Raises:
            SettingsError: no language model is configured.
            ModelUnavailable: the model is away; what was not done stays queued.
        """
        return self._extraction.extract(self._namespaces(namespace), on_event)

    def jobs(self, *, namespace: str | None = None, state: JobState | None = None) -> Jobs:
        """The jobs of one namespace or of all, in the order they were queued.

        Raises:
            InvalidInput: a state that is none of queued, running, done, failed.
        """
        if state is not None and state not in JOB_STATES:
            raise InvalidInput(f"state came as {shown(state)}; give one of {', '.join(JOB_STATES)}")
        return self.store.jobs.find(None if namespace is None else ingest.checked_namespace(namespace), state)

    def retry(self, *, namespace: str | None = None) -> int:
        """Queue failed jobs anew, and those that wait after an error, as if they had never been tried; how many."""
        names = self._namespaces(namespace)
        count = sum(self.store.jobs.retry(name) for name in names)
        for name in names:
            self._wake(name)
        return count

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
        names = self._namespaces(namespace)
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
        if "_extraction" in self.__dict__:  # it was made
            self._extraction.close()
        self._reembedder.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- steps ----------------------------------------------------------------------------------

    def _store(self, namespace: str, drafts: Sequence[Draft | Receipt]) -> Receipts:
        """Embed what has no vector yet, write, and put each receipt in its place."""
        ready = self._with_vectors(namespace, [draft for draft in drafts if isinstance(draft, Draft)])
        written = iter(self.store.add(namespace, ready))
        return [next(written) if isinstance(draft, Draft) else draft for draft in drafts]

    def _with_vectors(self, namespace: str, drafts: Sequence[Draft]) -> Sequence[Draft]:
        vectors = self._vectors(namespace, [draft.memory_text for draft in drafts])
        return [replace(draft, vector=vectors.get(draft.memory_text)) for draft in drafts]

    def _vectors(self, namespace: str, texts: Sequence[str]) -> dict[str, Any]:
        """The vectors of those texts that have none yet."""
        missing = self.store.without_vector(namespace, texts) if texts else []
        return dict(zip(missing, self._checked.embed(missing), strict=True)) if missing else {}

    def _import(self, namespace: str, batch: Sequence[Draft | Fact], ids: dict[str, str]) -> Receipts:
        """Store one batch of an export; `ids` gathers what its messages are called here."""
        facts = [transfer.moved(item, ids) for item in batch if isinstance(item, Fact)]
        drafts = [item for item in batch if isinstance(item, Draft)]
        receipts = self._store(namespace, drafts)
        ids |= {draft_id(draft): receipt.id for draft, receipt in zip(drafts, receipts, strict=True) if receipt.id}
        vectors = self._vectors(namespace, [fact.text for fact in facts])
        found = [replace(fact, vector=vectors.get(fact.text)) for fact in facts]
        return receipts + self.store.add_facts(namespace, found)

    def _namespaces(self, namespace: str | None) -> Names:
        """This one, or all."""
        return self.namespaces() if namespace is None else [ingest.checked_namespace(namespace)]

    @cached_property
    def _asker(self) -> Asker:
        from memsvc.asking import Asker  # with what follows: 60 ms that a search needs not

        return Asker(self.settings, self._lookup, self._models)

    @cached_property
    def _extraction(self) -> ExtractionWorker:
        from memsvc.jobs import ExtractionWorker

        return ExtractionWorker(self.store, self._checked, self._models.get, self.settings)

    def _wake(self, namespace: str) -> None:
        """Have what is new worked through in the background, if the settings say so."""
        if self.settings.extraction == "background":
            self._extraction.wake(namespace)
