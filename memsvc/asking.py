"""`ask`: search, draft, gate, and where the fast answer falls short, deliberate (D-Mem, section 3)."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from memsvc import budget, ingest
from memsvc.answer import NOT_ANSWERED, NOTHING_FOUND, Answer, extract
from memsvc.errors import SettingsError
from memsvc.events import Event
from memsvc.filters import Filters, checked_choice, parse_filters
from memsvc.settings import HOW_TO_SET
from memsvc_retrievers.choices import DELIBERATIONS, POLICIES, Scan
from memsvc_retrievers.deliberation import deliberate
from memsvc_retrievers.drafting import draft
from memsvc_retrievers.gate import build_gate
from memsvc_retrievers.ledger import Recorder
from memsvc_retrievers.passages import Passage, evidence, nearest
from memsvc_retrievers.working_memory import work_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from memsvc.answer import Process
    from memsvc.events import Stage
    from memsvc.lookup import Lookup
    from memsvc.settings import Settings
    from memsvc.wiring import LanguageModels
    from memsvc_retrievers.choices import Deliberation, Policy
    from memsvc_retrievers.deliberation import Coverage, Deliberated
    from memsvc_retrievers.drafting import Draft
    from memsvc_retrievers.gate import Verdict
    from memsvc_retrievers.language import LanguageModel
    from memsvc_retrievers.working_memory import Probe
    from memsvc_store.shapes import Filter, Memory

    Tell = Callable[[Event], None]
    Work = Callable[[Tell, Callable[[], bool]], Answer]

TOP_K = 30
"""Memories that the fast answer sees (D-Mem, App. B.1)."""


class AskOptions(Filters, total=False):
    """How `ask` answers; what is left out, or None, is as the settings say.

    Attributes:
        top_k: memories that the fast answer sees; 30, or 10 without a model.
        gate: who decides whether the fast answer will do: quality, majority, consensus, filter, never, always.
        deliberation: what follows where it will not: scan, hypergraph, auto.
        model: a model's name, or a model of your own.
    """

    top_k: int | None
    gate: Policy | None
    deliberation: Deliberation | None
    model: str | LanguageModel | None


_OWN = ("top_k", "gate", "deliberation", "model")


@dataclass(frozen=True, slots=True)
class How:
    """How a question is answered, all of it decided."""

    top_k: int
    gate: Policy
    deliberation: Deliberation
    scan: Scan


class Asker:
    """Checks what came in and picks who answers."""

    def __init__(self, settings: Settings, lookup: Lookup, models: LanguageModels) -> None:
        self._settings, self._lookup, self._models = settings, lookup, models

    def prepare(self, question: str, namespace: str, options: AskOptions) -> Work:
        """The work of answering, ready to run.

        Raises:
            InvalidInput, SettingsError: see `Memory.ask`.
        """
        namespace, settings = ingest.checked_namespace(namespace), self._settings
        ingest.checked_text(question, settings.max_text_chars)
        own: dict[str, Any] = {name: value for name, value in options.items() if name in _OWN and value is not None}
        wanted = parse_filters({name: value for name, value in options.items() if name not in _OWN}, also=_OWN)
        budget.limit(own.get("top_k"), None)
        gate = checked_choice("gate", own.get("gate", settings.gate), POLICIES)
        deliberation = checked_choice("deliberation", own.get("deliberation", settings.deliberation), DELIBERATIONS)
        model = self._model(own.get("model"))
        if model is None:
            if own.keys() & {"gate", "deliberation"}:
                raise SettingsError(f"a gate or a deliberation came, and no language model is set; {HOW_TO_SET}")
            return lambda tell, _: self._quoted(question, namespace, wanted, own.get("top_k", budget.TOP_K), tell)
        scan = Scan(settings.chunk_messages, settings.context_messages, settings.scan_tokens)
        how = How(own.get("top_k", TOP_K), gate, deliberation, scan)
        return lambda tell, stop: Asking(question, namespace, wanted, how, self._lookup, model, tell, stop).run()

    def _model(self, given: str | LanguageModel | None) -> LanguageModel | None:
        return self._models.get(given) if given is None or isinstance(given, str) else given

    def _quoted(self, question: str, namespace: str, wanted: Filter, top_k: int, tell: Tell) -> Answer:
        """Without a model: the best evidence, quoted."""
        started = time.perf_counter()
        hits = self._lookup.search(namespace, question, top_k, wanted)
        tell(Event("retrieved", time.perf_counter() - started, done=len(hits)))
        answer = extract(question, hits, time.perf_counter() - started)
        tell(Event("answered", answer.seconds, answer=answer))
        return answer


class Asking:
    """One question on its way to an answer."""

    def __init__(
        self, question: str, namespace: str, wanted: Filter, how: How, lookup: Lookup, model: LanguageModel,
        tell: Tell, cancelled: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._question, self._namespace, self._wanted, self._how = question, namespace, wanted, how
        self._lookup, self._tell = lookup, tell
        self._model = Recorder(model, cancelled)
        self._started = time.perf_counter()

    def run(self) -> Answer:
        """The answer; each step is told as it is done.

        Raises:
            ModelError: the model is down, refuses, or never gave an answer that can be read.
            Cancelled: the caller stopped it.
        """
        passages = self._retrieve()
        if not passages:
            return self._answered(Answer(NOTHING_FOUND, "abstained", (), 0.0))
        fast, verdict = self._judged(passages)
        if not verdict.escalate:
            return self._answered(self._answer(fast, "fast", verdict))
        process, slow = self._deliberated()
        if slow.draft is not None:
            return self._answered(self._answer(slow.draft, process, verdict, slow.coverage))
        if fast is None:  # nothing bears on the question, and there was no fast answer yet to fall back on
            [fast] = draft(self._question, passages, self._model, purpose="answer")
        return self._answered(self._answer(fast, "fast", verdict, slow.coverage))

    def _retrieve(self) -> list[Passage]:
        hits = self._lookup.search(self._namespace, self._question, self._how.top_k, self._wanted)
        self._event("retrieved", done=len(hits))
        behind = self._lookup.sources(self._namespace, hits)
        return [
            Passage.of(hit.memory, [behind[source] for source in hit.memory.sources if source in behind])
            for hit in hits
        ]

    def _judged(self, passages: list[Passage]) -> tuple[Draft | None, Verdict]:
        """The fast answer, if this gate wants one, and whether it will do."""
        gate = build_gate(self._how.gate)
        drafts = gate.draft(self._question, passages, self._model)
        if drafts:
            self._event("drafted", text=drafts[0].text)
        fast, verdict = gate.judge(self._question, passages, drafts, self._model)
        self._event("judged", verdict=verdict)
        return fast, verdict

    def _deliberated(self) -> tuple[Process, Deliberated]:
        """`auto` reads the whole log while it fits the budget; beyond it, a working memory reaches further."""
        log = self._lookup.log(self._namespace, self._wanted)
        if self._how.deliberation == "scan" or (self._how.deliberation == "auto" and self._how.scan.fits(log)):
            return "scan", deliberate(
                self._question, log, self._model, scan=self._how.scan, tell=self._progress,
                scores=lambda: self._lookup.scores(self._namespace, self._question, self._wanted),
            )  # fmt: skip
        return "hypergraph", work_out(
            self._question, self._explore, self._model, messages=len(log), tell=self._progress
        )

    def _explore(self, probes: Sequence[Probe], limit: int) -> list[list[Memory]]:
        return self._lookup.explore(self._namespace, probes, limit, self._wanted)

    def _answer(
        self, drafted: Draft | None, process: Process, verdict: Verdict, coverage: Coverage | None = None
    ) -> Answer:
        """A draft as an answer, with its evidence; NONE, or nothing at all, is no answer."""
        if drafted is None or drafted.none:
            return Answer(NOT_ANSWERED, "abstained", (), 0.0, verdict, coverage)
        about = f"{self._question} {drafted.text}"
        rests_on = drafted.sources or nearest(drafted.shown, about)
        found = evidence(rests_on, about, cited=bool(drafted.sources))
        return Answer(drafted.text, process, found, 0.0, verdict, coverage)

    def _answered(self, answer: Answer) -> Answer:
        answer = replace(answer, seconds=time.perf_counter() - self._started, ledger=self._model.ledger)
        self._event("answered", answer=answer)
        return answer

    def _progress(self, done: int, total: int) -> None:
        self._event("deliberating", done=done, total=total)

    def _event(self, stage: Stage, **told: Any) -> None:
        self._tell(Event(stage, time.perf_counter() - self._started, **told))


def streamed(work: Work) -> Iterator[Event]:
    """The events of one `ask`, as they come, while it works in a thread of its own.

    Closing the iterator early cancels the work, calls under way included.

    Raises:
        MemsvcError: what `ask` raises, after the events that came before it.
    """
    events: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
    stopped = threading.Event()

    def run() -> None:
        try:
            work(events.put, stopped.is_set)
            events.put(None)
        except BaseException as error:  # handed over to the caller's thread whole  # noqa: BLE001
            events.put(error)

    thread = threading.Thread(target=run, name="memsvc-ask", daemon=True)
    thread.start()
    try:
        while (event := events.get()) is not None:
            if isinstance(event, BaseException):
                raise event
            yield event
    finally:
        stopped.set()
        thread.join()
