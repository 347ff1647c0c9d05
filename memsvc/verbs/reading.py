"""search, search_episodes, ask; and what shows what there is, without a question: traces, get, list, sessions, ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from memsvc import bridge, checks
from memsvc.checks import checked_choice
from memsvc.contract.options import IDENTIFIED, ORDERS
from memsvc.errors import InvalidInput
from memsvc.lookup import budget
from memsvc.lookup.filters import current, parse_filters
from memsvc.lookup.notes import Memories
from memsvc.lookup.traces import Hits, considered
from memsvc.verbs.parts import Parts
from memsvc_store.errors import shown
from memsvc_store.values.hits import Filter
from memsvc_store.values.learned import TRACE_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memsvc.asking.answer import Answer, Event
    from memsvc.asking.pipeline import Answering
    from memsvc.contract.options import AskOptions, EpisodeOptions, Filters, Identified, Names, Order
    from memsvc.episodes.found import Episodes
    from memsvc_store.values import memories
    from memsvc_store.values.learned import Trace, TraceKind, TraceSummary
    from memsvc_store.values.memories import Change

    # `list` is a verb, so that its class can't name the type.
    Changes = list[Change]
    Sessions = list[memories.Session]
    Strings = list[str]
    Traces = list[TraceSummary]


MOST_NAMESPACES = 100
"""Of one search; each is a look-up of its own."""


class Reading(Parts):
    """The verbs that read."""

    def search(
        self,
        query: str,
        *,
        namespace: str | None = None,
        namespaces: Names | None = None,
        top_k: int | None = None,
        token_budget: int | None = None,
        min_relevance: float | None = None,
        min_similarity: float | None = None,
        trace: bool = False,
        for_session: str | None = None,
        **filters: Unpack[Filters],
    ) -> Hits:
        checks.checked_query(query, "query")
        limit = budget.limit(top_k, token_budget)
        floor = budget.Floor.of(min_relevance, min_similarity)
        times = self._times()
        wanted = current(parse_filters(filters, times), times.now)
        if namespaces is not None:
            _alone(namespace=namespace, trace=trace or None, for_session=for_session)
            found = floor.above(self._lookup.across(self._covered(namespaces), query, limit, wanted))
            return Hits(found if token_budget is None else budget.within(found, token_budget))
        namespace, session = checks.checked_namespace(namespace), self._told(for_session)
        found = floor.above(self._lookup.search(namespace, query, limit, wanted))
        hits = found if token_budget is None else budget.within(found, token_budget)
        notes = self._lookup.notes(namespace, wanted, [hit.memory for hit in found])
        if not trace and session is None:
            return Hits(hits, notes=notes)
        trace_id = self._tracer.keep(
            namespace, "search", query,
            used=[hit.id for hit in hits], pool=considered(hits), weight=self.settings.search_weight,
            session_id=session,
        )  # fmt: skip
        return Hits(hits, trace_id if trace else None, notes)

    def _covered(self, namespaces: Names) -> Strings:
        """The namespaces there are of these names and patterns."""
        found = self.store.namespaces(checks.checked_patterns(namespaces))
        if len(found) > MOST_NAMESPACES:
            raise InvalidInput(
                f"namespaces came as {shown(namespaces)}, which are {len(found):,}, and at most {MOST_NAMESPACES} are "
                "searched at once; name fewer, or a narrower pattern"
            )
        return found

    def search_episodes(self, intent: str, *, namespace: str, **options: Unpack[EpisodeOptions]) -> Episodes:
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
        work = self._asking(question, namespace=namespace, for_session=for_session, **options)
        return work.run(on_event or (lambda _: None))

    def ask_stream(
        self, question: str, *, namespace: str, for_session: str | None = None, **options: Unpack[AskOptions]
    ) -> Iterator[Event]:
        work = self._asking(question, namespace=namespace, for_session=for_session, **options)
        return bridge.steps(work.run, "memsvc-ask")

    def _asking(
        self, question: str, *, namespace: str, for_session: str | None = None, **options: Unpack[AskOptions]
    ) -> Answering:
        """`ask`, checked and ready: its `run` works, tells its steps, and stops when it is told to."""
        work = self._asker.prepare(question, namespace, options, self._told(for_session))
        if work.model is not None:
            self.quota.left()  # an answer that cannot be given costs nothing, and over HTTP has a status of its own
        return work

    def _told(self, for_session: str | None) -> str | None:
        """The session whose look-up is kept, so that an echo of it is known; none where echoes are not looked for."""
        session = None if for_session is None else checks.checked_name("for_session", for_session)
        return session if self.settings.echo_minutes else None

    def traces(self, *, namespace: str, limit: int = 100, offset: int = 0, kind: TraceKind | None = None) -> Traces:
        checked_choice("kind", kind, (None, *TRACE_KINDS))
        checks.checked_count("limit", limit, least=1)
        checks.checked_count("offset", offset, least=0)
        namespace = checks.checked_namespace(namespace)
        return self.store.learning.summaries(namespace, kind, limit=limit, offset=offset)

    def trace(self, trace_id: str, *, namespace: str) -> Trace:
        namespace, trace_id = checks.checked_namespace(namespace), checks.checked_id(trace_id, "trace")
        return self.store.learning.trace(trace_id, namespace)[1]

    def get(self, memory_id: str | None = None, *, namespace: str, key: str | None = None) -> memories.Memory:
        namespace = checks.checked_namespace(namespace)
        if (memory_id is None) == (key is None):
            raise InvalidInput(f"{'neither' if key is None else 'both'} came of memory_id and key; give one of them")
        if key is not None:
            return self.store.get_by_key(namespace, checks.checked_name("key", key))
        return self.store.get(namespace, checks.checked_id(memory_id))

    def list(
        self,
        *,
        namespace: str,
        limit: int = 100,
        offset: int = 0,
        order: Order = "oldest",
        cold: bool | None = None,
        expired: bool = False,
        **filters: Unpack[Filters],
    ) -> Memories:
        checked_choice("cold", cold, (None, False, True))
        checked_choice("expired", expired, (False, True))
        newest = checked_choice("order", order, ORDERS) == "newest"
        checks.checked_count("limit", limit, least=1)
        checks.checked_count("offset", offset, least=0)
        namespace, wanted = checks.checked_namespace(namespace), self._listed(filters)
        found = self.store.page(
            namespace, wanted, limit=limit, offset=offset, cold=cold, newest=newest, expired=expired
        )
        return Memories(found, self._lookup.notes(namespace, wanted, found))

    def sessions(self, *, namespace: str, limit: int = 100, offset: int = 0) -> Sessions:
        checks.checked_count("limit", limit, least=1)
        checks.checked_count("offset", offset, least=0)
        return self.store.sessions(checks.checked_namespace(namespace), limit=limit, offset=offset)

    def session(self, session_id: str, *, namespace: str, last: int = 100) -> Memories:
        namespace, session_id = checks.checked_namespace(namespace), checks.checked_name("session_id", session_id)
        found = self.store.session(namespace, session_id, last=checks.checked_count("last", last, least=1))
        return Memories(found, self._lookup.notes(namespace, Filter(session_id=(session_id,)), found))

    def ids(self, prefix: str, *, namespace: str, of: Identified = "memory", limit: int = 10) -> Strings:
        namespace, prefix = checks.checked_namespace(namespace), checks.checked_prefix(prefix)
        traces = checked_choice("of", of, IDENTIFIED) == "trace"
        checks.checked_count("limit", limit, least=1)
        if not set(prefix) <= set("0123456789abcdef"):
            return []  # no id has other characters
        return self.store.ids(namespace, prefix, traces=traces, limit=limit)

    def history(self, memory_id: str, *, namespace: str) -> Changes:
        return self.store.history(checks.checked_namespace(namespace), checks.checked_id(memory_id))


def _alone(**given: object) -> None:
    """Nothing, if none of what belongs to one namespace came beside several."""
    for name, value in given.items():
        if value is not None:
            raise InvalidInput(f"{name} came beside namespaces, and belongs to one namespace; leave one of the two out")
