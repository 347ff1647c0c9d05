"""search, search_episodes, ask, trace, get, list, history."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Unpack

from memsvc import budget, echo, ingest
from memsvc.filters import Filters, checked_choice, parse_filters
from memsvc.tracing import Hits, considered
from memsvc.verbs.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memsvc.answer import Answer
    from memsvc.asking import AskOptions, Work
    from memsvc.episodes import Episodes
    from memsvc.events import Event
    from memsvc.recall import EpisodeOptions
    from memsvc_store import shapes
    from memsvc_store.learned import Trace
    from memsvc_store.shapes import Change

    # `list` is a verb, so that its class can't name the type.
    Changes = list[Change]
    Memories = list[shapes.Memory]


class Reading(Parts):
    """The verbs that read."""

    def search(
        self,
        query: str,
        *,
        namespace: str,
        top_k: int | None = None,
        token_budget: int | None = None,
        trace: bool = False,
        for_session: str | None = None,
        **filters: Unpack[Filters],
    ) -> Hits:
        """The memories that fit a question best, best first, each with the parts of its score.

        Args:
            top_k: how many at most; 10 unless a budget is given.
            token_budget: of the best 200 (or `top_k`), each is taken in rank order if its text fits
                into what is left of so many tokens (`count_tokens`).
            trace: keep what was found, so that `feedback(hits.trace_id, ...)` can reward it; one durable write.
            for_session: the session on whose behalf this is looked up. For `echo_minutes`, `add` to it knows these
                texts for what they are if they come back, and does not store them again.
            **filters: `since`, `until`, `as_of`, `session_id`, `speaker`, `kind`, applied inside the look-up.

        Raises:
            InvalidInput: an empty query, one of more than 4,000 characters, a number below 1, an unknown filter or a
                bad value.
        """
        namespace = ingest.checked_namespace(namespace)
        ingest.checked_query(query, "query")
        limit = budget.limit(top_k, token_budget)
        wanted = parse_filters(filters)
        session = None if for_session is None else ingest.checked_name("for_session", for_session)
        found = self._lookup.search(namespace, query, limit, wanted)
        hits = found if token_budget is None else budget.within(found, token_budget)
        if session is not None:
            self._echoes.remember(namespace, session, echo.shown(hits), self._now())
        if not trace:
            return Hits(hits)
        used = [hit.id for hit in hits]
        weight = self.settings.search_weight
        return Hits(
            hits, self._tracer.keep(namespace, "search", query, used=used, pool=considered(hits), weight=weight)
        )

    def search_episodes(self, intent: str, *, namespace: str, **options: Unpack[EpisodeOptions]) -> Episodes:
        """The episodes that fit a task best: those to follow and those to avoid (MemRL, section 4.2).

        Of the `pool` episodes whose intents are most alike, and alike enough, the `top_k` best by similarity and
        learned utility. Reward them with `feedback(episodes.trace_id, ...)` once the task is done.

        Args:
            **options: see `EpisodeOptions`; beside them the filters of `search` but `kind`.

        Raises:
            InvalidInput: an empty intent, one of more than 4,000 characters, an unknown option, or a value out of its
                bounds.
        """
        return self._recall.find(intent, namespace, options)

    def ask(
        self,
        question: str,
        *,
        namespace: str,
        on_event: Callable[[Event], None] | None = None,
        for_session: str | None = None,
        **options: Unpack[AskOptions],
    ) -> Answer:
        """Answer a question: a fast answer, a gate that judges it, and where it falls short, full deliberation.

        Without a language model the best evidence is quoted (`extractive`). Where nothing answers, the answer
        says so (`abstained`).

        Args:
            on_event: called with each step as it is done; what it raises ends the work.
            for_session: as in `search`; what is remembered is the answer and the quotes that it rests on.
            **options: see `AskOptions`; beside them the filters of `search`, which hold for deliberation too.

        Raises:
            InvalidInput: as `search`, or an unknown option, gate or deliberation.
            SettingsError: a gate or a deliberation, and no language model.
            ModelError: the model is down, refuses, or never gave an answer that can be read.
        """
        return self._asked(question, namespace, for_session, options)(on_event or (lambda _: None), lambda: False)

    def ask_stream(
        self, question: str, *, namespace: str, for_session: str | None = None, **options: Unpack[AskOptions]
    ) -> Iterator[Event]:
        """As `ask`, as the events of its steps while they happen; the last one, `answered`, holds the answer.

        Leaving the loop early and closing the iterator cancels the work, calls under way included.

        Raises:
            MemsvcError: as `ask`; wrong input at once, the rest at the step where it happens.
        """
        from memsvc.streaming import streamed

        return streamed(self._asked(question, namespace, for_session, options))

    def _asked(self, question: str, namespace: str, for_session: str | None, options: AskOptions) -> Work:
        """The work of answering; what it tells is remembered for that session before anybody hears of it."""
        work = self._asker.prepare(question, namespace, options)
        if for_session is None:
            return work
        session = ingest.checked_name("for_session", for_session)

        def heard(tell: Callable[[Event], None], event: Event) -> None:
            if event.answer is not None:
                self._echoes.remember(namespace, session, echo.told(event.answer), self._now())
            tell(event)

        return lambda tell, stop: work(partial(heard, tell), stop)

    def trace(self, trace_id: str, *, namespace: str) -> Trace:
        """What a look-up considered and gave: by its `trace_id`.

        Raises:
            NotFound: no such trace in this namespace.
        """
        namespace, trace_id = ingest.checked_namespace(namespace), ingest.checked_id(trace_id, "trace")
        return self.store.learning.trace(trace_id, namespace)[1]

    def get(self, memory_id: str, *, namespace: str) -> shapes.Memory:
        """One memory.

        Raises:
            NotFound: no such memory in this namespace, or it was deleted.
        """
        return self.store.get(ingest.checked_namespace(namespace), ingest.checked_id(memory_id))

    def list(
        self,
        *,
        namespace: str,
        limit: int = 100,
        offset: int = 0,
        cold: bool | None = None,
        **filters: Unpack[Filters],
    ) -> Memories:
        """Memories in the order of their event time.

        Args:
            cold: True for those that `retain` took out of the look-ups, False for the others; by default both.

        Raises:
            InvalidInput: a limit below 1, an offset below 0, an unknown filter or a bad value.
        """
        checked_choice("cold", cold, (None, False, True))
        budget.checked_count("limit", limit, least=1)
        budget.checked_count("offset", offset, least=0)
        namespace, wanted = ingest.checked_namespace(namespace), parse_filters(filters)
        return self.store.page(namespace, wanted, limit=limit, offset=offset, cold=cold)

    def history(self, memory_id: str, *, namespace: str) -> Changes:
        """What happened to a memory, oldest first, with what each step replaced; deleted ones too.

        Raises:
            NotFound: this namespace never had such a memory.
        """
        return self.store.history(ingest.checked_namespace(namespace), ingest.checked_id(memory_id))
