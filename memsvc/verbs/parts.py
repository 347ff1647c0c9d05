"""What all verbs work with."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from memsvc import checks, wiring
from memsvc.contract.verbs import Verbs
from memsvc.lookup.filters import current, parse_filters
from memsvc.lookup.lookup import Lookup
from memsvc.lookup.traces import Tracer
from memsvc.models.quota import Quota
from memsvc.times import Times
from memsvc.work.background import Background
from memsvc.work.reembed import Reembedder
from memsvc.writing.echo import Echoes
from memsvc_store.values.drafts import Draft, Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from memsvc.asking.prepare import Asker
    from memsvc.episodes.recall import Recall
    from memsvc.settings import Settings
    from memsvc.work.extraction import Material
    from memsvc.work.reflection import Attempt
    from memsvc.work.worker import Worker
    from memsvc_retrievers.language import LanguageModel
    from memsvc_retrievers.protocols import Embedder
    from memsvc_store.store import Store
    from memsvc_store.values.hits import Filter


RETAIN_SECONDS = 5.0
"""How long writes are gathered before the index is cut to its budget: scoring looks at every memory."""


class Parts(Verbs):
    """The parts of one memory, and the steps that several verbs take."""

    def __init__(
        self,
        settings: Settings,
        embedder: Embedder,
        store: Store,
        now: Callable[[], datetime],
        models: wiring.LanguageModels | None = None,
        *,
        batching: bool = False,
    ) -> None:
        self.settings, self.embedder, self.store = settings, embedder, store
        self._now = now
        self._checked = wiring.checked(embedder, settings, batching=batching)
        self._reembedder = Reembedder(store, self._checked)
        self._tracer = Tracer(store, now)
        self._echoes = Echoes(store, settings.echo_minutes)
        self.models = models or wiring.LanguageModels(settings)
        self.quota = Quota(store.database, settings.model_tokens_per_day, now)
        if self.quota.limit is not None:
            self.models.surround(self.quota.around)
        self._lookup = Lookup(
            store, self._checked,
            stale=self._reembedder.wake, warmed=self._keep_budget, weight=settings.search_weight,
        )  # fmt: skip

    @property
    def language_model(self) -> LanguageModel | None:
        """The language model of `ask`, if one is set; as one model, where several share the work."""
        return self.models.get()

    def close(self) -> None:
        """Stop background work and let go of the database. Nothing is lost without it."""
        for worker in ("_extraction", "_reflection", "_retention"):
            if worker in self.__dict__:  # it was made
                self.__dict__[worker].close()
        self._reembedder.close()
        self.store.close()

    @cached_property
    def _asker(self) -> Asker:
        from memsvc.asking.prepare import Asker  # with what follows: 60 ms that a search needs not

        return Asker(self.settings, self._lookup, self.models, self._tracer, self.store.learning, self._times)

    @cached_property
    def _recall(self) -> Recall:
        from memsvc.episodes.recall import Recall

        return Recall(self.settings, self.store, self._lookup, self._tracer, self._times)

    @cached_property
    def _extraction(self) -> Worker[Material]:
        from memsvc.work.extraction import Extraction
        from memsvc.work.worker import Worker

        return Worker(
            self.store, Extraction(self.store, self._checked, self.settings), partial(self.models.of, "extract")
        )

    @cached_property
    def _reflection(self) -> Worker[Attempt]:
        from memsvc.work.reflection import Reflection
        from memsvc.work.worker import Worker

        return Worker(self.store, Reflection(self.store), partial(self.models.of, "reflect"))

    @cached_property
    def _retention(self) -> Background:
        from memsvc.work.retaining import retain

        def see_to(namespace: str) -> None:
            assert self.settings.hot_memories is not None
            retain(self.store, namespace, self.settings.hot_memories, self._now())

        return Background("retention", see_to)

    def _wake(self, namespace: str) -> None:
        """Have what is new seen to in the background, if the settings say so."""
        if self.settings.extraction == "background":
            self._extraction.wake(namespace)
        self._keep_budget(namespace)

    def _keep_budget(self, namespace: str) -> None:
        """Have the budget of hot memories seen to in the background, if there is one."""
        if self.settings.hot_memories is not None:
            self._retention.wake(namespace, RETAIN_SECONDS)

    def _listed(self, filters: Mapping[str, Any]) -> Filter:
        """The filter of a listing, which shows what there is, ended or not, unless it is told otherwise."""
        times = self._times()
        wanted = parse_filters(filters, times)
        return wanted if wanted.include_ended is None else current(wanted, times.now)

    def _times(self, timezone: str | None = None) -> Times:
        """How the times of a call are read: by the memory's clock, in the zone of the call or of the settings."""
        return Times(self._now()).within(timezone or self.settings.timezone)

    def _namespaces(self, namespace: str | None) -> list[str]:
        """This one, or all."""
        return self.store.namespaces() if namespace is None else [checks.checked_namespace(namespace)]

    def _store(
        self,
        namespace: str,
        drafts: Sequence[Draft | Receipt],
        accept: Callable[[list[Receipt]], None] = lambda _: None,
        *,
        moved: bool = False,
    ) -> list[Receipt]:
        """Embed what has no vector yet, write, and put each receipt in its place.

        Args:
            accept: is shown all receipts before anything is on disk; where it raises, nothing is stored.
            moved: an export brought them.
        """

        def placed(written: Iterable[Receipt]) -> list[Receipt]:
            of_drafts = iter(written)
            return [next(of_drafts) if isinstance(draft, Draft) else draft for draft in drafts]

        given = [draft for draft in drafts if isinstance(draft, Draft)]
        accept(placed(Receipt("stored") for _ in given))  # before the model works for nothing
        ready = self._with_vectors(namespace, given)
        return placed(self.store.add(namespace, ready, moved=moved, accept=lambda written: accept(placed(written))))

    def _with_vectors(self, namespace: str, drafts: Sequence[Draft]) -> Sequence[Draft]:
        vectors = self._vectors(namespace, [draft.memory_text for draft in drafts])
        return [replace(draft, vector=vectors.get(draft.memory_text)) for draft in drafts]

    def _vectors(self, namespace: str, texts: Sequence[str]) -> dict[str, Any]:
        """The vectors of those texts that have none yet."""
        missing = self.store.without_vector(namespace, texts) if texts else []
        return dict(zip(missing, self._checked.embed(missing), strict=True)) if missing else {}
