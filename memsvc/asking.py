"""`ask`: search, draft, gate, and where the fast answer falls short, deliberate (D-Mem, section 3)."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from memsvc import budget, ingest
from memsvc.answer import NOT_ANSWERED, NOTHING_FOUND, Answer, extract
from memsvc.calibrating import GATE, gate_record, gate_scorer
from memsvc.errors import InvalidInput, ModelError, SettingsError
from memsvc.events import Event
from memsvc.filters import Filters, checked_choice, parse_filters
from memsvc.settings import HOW_TO_SET
from memsvc.tracing import considered
from memsvc_retrievers.choices import DELIBERATIONS, POLICIES, STYLES, Scan
from memsvc_retrievers.deliberation import deliberate
from memsvc_retrievers.drafting import draft
from memsvc_retrievers.gate import build_gate
from memsvc_retrievers.ledger import Recorder
from memsvc_retrievers.passages import Passage, evidence, fitting, nearest, shortened
from memsvc_retrievers.reading import Log
from memsvc_retrievers.working_memory import work_out
from memsvc_store.errors import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from memsvc.answer import Process
    from memsvc.events import Stage
    from memsvc.lookup import Lookup
    from memsvc.settings import Settings
    from memsvc.tracing import Tracer
    from memsvc.wiring import LanguageModels
    from memsvc_retrievers.choices import Deliberation, Policy, Style
    from memsvc_retrievers.coverage import Coverage, Deliberated
    from memsvc_retrievers.drafting import Draft
    from memsvc_retrievers.gate import Scorer, Verdict
    from memsvc_retrievers.language import LanguageModel
    from memsvc_retrievers.working_memory import Probe
    from memsvc_store.learning import Learning
    from memsvc_store.shapes import Filter, Hit, Kind, Memory

    Tell = Callable[[Event], None]
    Work = Callable[[Tell, Callable[[], bool]], Answer]

TOP_K = 30
"""Memories that the fast answer sees (D-Mem, App. B.1)."""


REPLY = 5_000
"""Tokens of the context that are left to instructions (about 700) and to the longest reply, asked for again with twice
the room where it was cut (4,096)."""

ROOM_LEAST = 1_000

ASKED: tuple[Kind, ...] = ("message", "fact")
"""Kinds that questions are answered from, unless they name others. Episodes are for `search_episodes`."""


class AskOptions(Filters, total=False):
    """How `ask` answers; what is left out, or None, is as the settings say.

    Attributes:
        top_k: memories that the fast answer sees; 30, or 10 without a model.
        gate: who decides whether the fast answer will do: quality, majority, consensus, filter, never, always.
        deliberation: what follows where it will not: scan, hypergraph, auto.
        style: how the answer is worded: short (five or six words), reasoned (sentences that give their grounds).
        model: a model's name, or a model of your own.
    """

    top_k: int | None
    gate: Policy | None
    deliberation: Deliberation | None
    style: Style | None
    model: str | LanguageModel | None


_OWN = ("top_k", "gate", "deliberation", "style", "model")


@dataclass(frozen=True, slots=True)
class How:
    """How a question is answered, all of it decided."""

    top_k: int
    gate: Policy
    deliberation: Deliberation
    style: Style
    scan: Scan
    scorer: Scorer | None = None


class Asker:
    """Checks what came in and picks who answers."""

    def __init__(
        self, settings: Settings, lookup: Lookup, models: LanguageModels, tracer: Tracer, learning: Learning
    ) -> None:
        self._settings, self._lookup, self._models = settings, lookup, models
        self._tracer, self._learning = tracer, learning

    def prepare(self, question: str, namespace: str, options: AskOptions) -> Work:
        """The work of answering, ready to run.

        Raises:
            InvalidInput, SettingsError: see `Memory.ask`.
        """
        namespace, settings = ingest.checked_namespace(namespace), self._settings
        ingest.checked_text(question, settings.max_text_chars)
        own: dict[str, Any] = {name: value for name, value in options.items() if name in _OWN and value is not None}
        wanted = parse_filters({name: value for name, value in options.items() if name not in _OWN}, also=_OWN)
        if wanted.kind is None:
            wanted = replace(wanted, kind=ASKED)
        budget.limit(own.get("top_k"), None)
        gate = checked_choice("gate", own.get("gate", settings.gate), POLICIES)
        deliberation = checked_choice("deliberation", own.get("deliberation", settings.deliberation), DELIBERATIONS)
        style = checked_choice("style", own.get("style", settings.answer_style), STYLES)
        model = self._model(own.get("model"))
        if model is None:
            if own.keys() & {"gate", "deliberation", "style"}:
                raise SettingsError(
                    f"a gate, a deliberation or a style came, and no language model is set; {HOW_TO_SET}"
                )
            return lambda tell, _: self._quoted(question, namespace, wanted, own.get("top_k", budget.TOP_K), tell)
        room = max(ROOM_LEAST, settings.model_context - REPLY)
        scan = Scan(settings.chunk_messages, settings.context_messages, settings.scan_tokens, room)
        scorer = gate_scorer(self._learning, namespace) if gate == "calibrated" else None
        how = How(own.get("top_k", TOP_K), gate, deliberation, style, scan, scorer)
        return lambda tell, stop: Asking(
            question, namespace, wanted, how, self._lookup, self._tracer, Recorder(model, stop), tell
        ).run()

    def _model(self, given: object) -> LanguageModel | None:
        if given is None or (isinstance(given, str) and given.strip()):
            return self._models.get(given)
        if not hasattr(given, "complete_many"):
            raise InvalidInput(f"model came as {shown(given)}; give a model's name, or an object with `complete_many`")
        return cast("LanguageModel", given)

    def _quoted(self, question: str, namespace: str, wanted: Filter, top_k: int, tell: Tell) -> Answer:
        """Without a model: the best evidence, quoted."""
        started = time.perf_counter()
        hits = self._lookup.search(namespace, question, top_k, wanted)
        tell(Event("retrieved", time.perf_counter() - started, done=len(hits)))
        answer = extract(question, hits, time.perf_counter() - started)
        used = [evidence.id for evidence in answer.evidence]
        trace_id = self._tracer.keep(namespace, "ask", question, used=used, pool=considered(hits))
        answer = replace(answer, trace_id=trace_id, retrieved=tuple(hit.id for hit in hits))
        tell(Event("answered", answer.seconds, answer=answer))
        return answer


@dataclass(slots=True)
class Asking:
    """One question on its way to an answer."""

    question: str
    namespace: str
    wanted: Filter
    how: How
    lookup: Lookup
    tracer: Tracer
    model: Recorder
    tell: Tell
    started: float = field(default_factory=time.perf_counter)
    hits: list[Hit] = field(default_factory=list)
    fast: Draft | None = None

    def run(self) -> Answer:
        """The answer; each step is told as it is done.

        Raises:
            ModelError: the model is down, refuses, or never gave an answer that can be read; with its ledger.
            Cancelled: the caller stopped it.
        """
        try:
            return self._run()
        except ModelError as error:
            error.ledger = self.model.ledger
            raise

    def _run(self) -> Answer:
        passages = self._retrieve()
        if not passages:
            return self._answered(Answer(NOTHING_FOUND, "abstained", (), 0.0), ())
        verdict = self._judged(passages)
        if not verdict.escalate:
            return self._given(self.fast, "fast", verdict)
        process, slow = self._deliberated()
        if slow.draft is not None:
            return self._given(slow.draft, process, verdict, slow.coverage)
        if self.fast is None:  # nothing bears on the question, and there was no fast answer yet to fall back on
            [self.fast] = draft(self.question, passages, self.model, purpose="answer", style=self.how.style)
        return self._given(self.fast, "fast", verdict, slow.coverage)

    def _retrieve(self) -> list[Passage]:
        self.hits = self.lookup.search(self.namespace, self.question, self.how.top_k, self.wanted)
        self._event("retrieved", done=len(self.hits))
        room = self.how.scan.room
        found = [shortened(passage, self.question, room // 4) for passage in self._passages()]
        return fitting(found, room)

    def _passages(self) -> Iterator[Passage]:
        """Hits as lines, with the messages behind them.

        A fact is left out where all of its messages are shown anyway, or the filter keeps one of them back.
        """
        behind = self.lookup.sources(self.namespace, self.hits, self.wanted)
        shown = {hit.id for hit in self.hits}
        for hit in self.hits:
            if hit.memory.kind != "fact":
                yield Passage.of(hit.memory)
            elif all(source in behind for source in hit.memory.sources) and not shown >= set(hit.memory.sources):
                yield Passage.of(hit.memory, [behind[source] for source in hit.memory.sources])

    def _judged(self, passages: list[Passage]) -> Verdict:
        """Draft the fast answer, if this gate wants one, and judge whether it will do."""
        gate = build_gate(self.how.gate, self.how.scorer, [hit.score for hit in self.hits])
        drafts = gate.draft(self.question, passages, self.model, self.how.style)
        if drafts:
            self._event("drafted", text=drafts[0].text)
        self.fast, verdict = gate.judge(self.question, passages, drafts, self.model)
        self._event("judged", verdict=verdict)
        return verdict

    def _deliberated(self) -> tuple[Process, Deliberated]:
        """`auto` reads the whole log while it fits the budget; beyond it, a working memory reaches further."""
        log = Log.of(self.lookup.log(self.namespace, self.wanted), self.how.scan)
        if self.how.deliberation == "scan" or (self.how.deliberation == "auto" and log.fits(self.how.scan)):
            return "scan", deliberate(
                self.question, log, self.model, scan=self.how.scan, style=self.how.style, tell=self._progress,
                scores=lambda: self.lookup.scores(self.namespace, self.question, self.wanted),
            )  # fmt: skip
        return "hypergraph", work_out(
            self.question, self._explore, self.model,
            messages=len(log.messages), room=self.how.scan.room, style=self.how.style, tell=self._progress,
        )  # fmt: skip

    def _explore(self, probes: Sequence[Probe], limit: int) -> list[list[Memory]]:
        return self.lookup.explore(self.namespace, probes, limit, self.wanted)

    def _given(
        self, drafted: Draft | None, process: Process, verdict: Verdict, coverage: Coverage | None = None
    ) -> Answer:
        """A draft as an answer, with its evidence; NONE, or nothing at all, is no answer."""
        shown = () if drafted is None else drafted.shown
        if drafted is None or drafted.none:
            return self._answered(Answer(NOT_ANSWERED, "abstained", (), 0.0, verdict, coverage), shown)
        about = f"{self.question} {drafted.text}"
        rests_on = drafted.sources or nearest(shown, about)
        found = evidence(rests_on, about, cited=bool(drafted.sources))
        now = self.lookup.settle(self.namespace, [one.id for one in found])  # it took a while: some may be gone
        found = tuple(one for one in found if one.quote in now.get(one.id, ""))
        return self._answered(Answer(drafted.text, process, found, 0.0, verdict, coverage), shown)

    def _answered(self, answer: Answer, shown: Sequence[Passage]) -> Answer:
        """The answer with what it cost, and its trace."""
        answer = replace(answer, ledger=self.model.ledger, retrieved=tuple(hit.id for hit in self.hits))
        trace_id = self.tracer.keep(
            self.namespace, "ask", self.question,
            used=dict.fromkeys(source.message.id for passage in shown for source in passage.sources),
            cited=[one.id for one in answer.evidence if one.cited],
            pool=considered(self.hits),
            document=_document(answer, self.fast, self.hits),
        )  # fmt: skip
        answer = replace(answer, trace_id=trace_id, seconds=time.perf_counter() - self.started)
        self._event("answered", answer=answer)
        return answer

    def _progress(self, done: int, total: int) -> None:
        self._event("deliberating", done=done, total=total)

    def _event(self, stage: Stage, **told: Any) -> None:
        self.tell(Event(stage, time.perf_counter() - self.started, **told))


def _document(answer: Answer, fast: Draft | None, hits: Sequence[Hit]) -> dict[str, Any]:
    """What is kept of an answer beside its memories: who gave it, what the gate said of which draft, what it cost."""
    verdict, coverage, ledger = answer.verdict, answer.coverage, answer.ledger
    return {
        "process": answer.process,
        "answer": answer.text,
        "draft": None if fast is None else fast.text,
        "verdict": None if verdict is None else asdict(verdict),
        GATE: None if verdict is None else gate_record(verdict, fast, [hit.score for hit in hits], answer.text),
        "share": None if coverage is None else coverage.share,
        "calls": len(ledger.calls),
        "prompt_tokens": ledger.prompt_tokens,
        "completion_tokens": ledger.completion_tokens,
    }


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
