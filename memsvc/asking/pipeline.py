"""One question on its way to an answer: search, draft, gate, and if need be deliberate (D-Mem, section 3)."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from memsvc.asking.answer import NOT_ANSWERED, NOTHING_FOUND, Answer, Event
from memsvc.asking.calibrating import GATE, gate_record
from memsvc.asking.extractive import extract
from memsvc.errors import ModelError
from memsvc.lookup.repeats import once
from memsvc.lookup.traces import considered
from memsvc_retrievers.choices import POOL
from memsvc_retrievers.deliberation.log import Log
from memsvc_retrievers.deliberation.scan import deliberate
from memsvc_retrievers.deliberation.working_memory import work_out
from memsvc_retrievers.gate.drafting import draft
from memsvc_retrievers.gate.policies import build_gate
from memsvc_retrievers.ledger import Ledger
from memsvc_retrievers.passages import Passage, evidence, fitting, nearest, shortened
from memsvc_retrievers.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from memsvc.asking.answer import Process, Stage
    from memsvc.lookup.budget import Floor
    from memsvc.lookup.lookup import Lookup
    from memsvc.lookup.traces import Tracer
    from memsvc_retrievers.choices import Deliberation, Policy, Scan, Style
    from memsvc_retrievers.deliberation.coverage import Coverage, Deliberated
    from memsvc_retrievers.gate.drafting import Draft
    from memsvc_retrievers.gate.policies import Scorer
    from memsvc_retrievers.gate.verdict import Verdict
    from memsvc_retrievers.language import LanguageModel
    from memsvc_store.values.hits import Filter, Hit

    Tell = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class How:
    """How a question is answered, all of it decided."""

    top_k: int
    gate: Policy
    deliberation: Deliberation
    style: Style
    scan: Scan
    floor: Floor
    scorer: Scorer | None = None


@dataclass(slots=True)
class Answering:
    """One question on its way to an answer: checked, and worked at once, in any thread.

    Without a `model` what was said is given. `session_id` is the session that gets the answer, if it is to be known.
    Of what was found, `hits` reach the floor and `below` do not: where none does, there is nothing to draft a fast
    answer from, and the question goes straight to deliberation, or, if the gate never escalates, unanswered.
    """

    question: str
    namespace: str
    wanted: Filter
    how: How
    lookup: Lookup
    tracer: Tracer
    model: LanguageModel | None
    session_id: str | None
    tell: Tell = field(init=False)
    started: float = field(init=False)
    calls: Recorder | None = None
    hits: list[Hit] = field(default_factory=list)
    below: int = 0
    notes: tuple[str, ...] = ()
    fast: Draft | None = None

    def run(self, tell: Tell, stopped: Callable[[], bool] = lambda: False) -> Answer:
        """The answer; each step is told as it is done.

        Raises:
            ModelError: the model is down, refuses, or never gave an answer that can be read; with its ledger.
            Cancelled: the caller stopped it.
        """
        self.tell, self.started = tell, time.perf_counter()
        if self.model is None:
            return self._quoted()
        self.calls = model = Recorder(self.model, stopped)
        try:
            return self._reasoned(model)
        except ModelError as error:
            error.ledger = model.ledger
            raise

    def _quoted(self) -> Answer:
        """What was said, without a model."""
        self._search()
        answer = extract(self.question, self.hits)
        return self._answered(answer, dict.fromkeys(one.id for one in answer.evidence))

    def _reasoned(self, model: Recorder) -> Answer:
        passages = self._retrieve()
        if not passages and (self.how.gate == "never" or not self.below):
            return self._answered(Answer(NOTHING_FOUND, "abstained", (), 0.0), ())
        verdict = self._judged(passages, model) if passages else None
        if verdict is not None and not verdict.escalate:
            return self._given(self.fast, "fast", verdict)
        process, slow = self._deliberated(model)
        if slow.draft is not None:
            return self._given(slow.draft, process, verdict, slow.coverage)
        if self.fast is None and passages:  # nothing bears on the question, and there is no fast answer to fall back on
            [self.fast] = draft(self.question, passages, model, purpose="answer", style=self.how.style)
        return self._given(self.fast, "fast", verdict, slow.coverage)

    def _search(self) -> None:
        found = self._found()
        self.hits = self.how.floor.above(found)
        self.below = len(found) - len(self.hits)
        self.notes = self.lookup.notes(self.namespace, self.wanted, [hit.memory for hit in found])
        self._event("retrieved", done=len(self.hits))

    def _found(self) -> list[Hit]:
        """The best, each once: a question that is asked every day would else be all that is found for it."""
        found = self.lookup.search(self.namespace, self.question, self.how.top_k, self.wanted)
        if len(once(found)) == len(found):
            return found
        more = self.lookup.search(self.namespace, self.question, max(POOL, self.how.top_k), self.wanted)
        return once(more)[: self.how.top_k]

    def _retrieve(self) -> list[Passage]:
        self._search()
        room = self.how.scan.room
        found = [shortened(passage, self.question, room // 4) for passage in self._passages()]
        return fitting(found, room)

    def _passages(self) -> Iterator[Passage]:
        """Hits as lines, with the messages behind them.

        A fact is left out where all of its messages are shown anyway, or the filter keeps one of them back. One that
        its caller worked out from nothing else stands for itself.
        """
        behind = self.lookup.sources(self.namespace, self.hits, self.wanted)
        shown = {hit.id for hit in self.hits}
        for hit in self.hits:
            if hit.memory.kind != "fact" or not hit.memory.sources:
                yield Passage.of(hit.memory)
            elif all(source in behind for source in hit.memory.sources) and not shown >= set(hit.memory.sources):
                yield Passage.of(hit.memory, [behind[source] for source in hit.memory.sources])

    def _judged(self, passages: list[Passage], model: Recorder) -> Verdict:
        """Draft the fast answer, if this gate wants one, and judge whether it will do."""
        gate = build_gate(self.how.gate, self.how.scorer, [hit.score for hit in self.hits])
        drafts = gate.draft(self.question, passages, model, self.how.style)
        if drafts:
            self._event("drafted", text=drafts[0].text)
        self.fast, verdict = gate.judge(self.question, passages, drafts, model)
        self._event("judged", verdict=verdict)
        return verdict

    def _deliberated(self, model: Recorder) -> tuple[Process, Deliberated]:
        """`auto` reads the whole log while it fits the budget; beyond it, a working memory reaches further."""
        whole = self.lookup.whole(self.namespace, self.wanted)
        log = Log.of(whole.messages(), self.how.scan)
        if self.how.deliberation == "scan" or (self.how.deliberation == "auto" and log.fits(self.how.scan)):
            return "scan", deliberate(
                self.question, log, model, scan=self.how.scan, style=self.how.style, tell=self._progress,
                scores=lambda: whole.scores(self.question),
            )  # fmt: skip
        return "hypergraph", work_out(
            self.question, whole, model,
            messages=len(log.messages), room=self.how.scan.room, style=self.how.style, tell=self._progress,
        )  # fmt: skip

    def _given(
        self, drafted: Draft | None, process: Process, verdict: Verdict | None, coverage: Coverage | None = None
    ) -> Answer:
        """A draft as an answer, with its evidence; NONE, or nothing at all, is no answer."""
        shown = _ids(() if drafted is None else drafted.shown)
        if drafted is None or drafted.none:
            return self._answered(Answer(NOT_ANSWERED, "abstained", (), 0.0, verdict, coverage), shown)
        about = f"{self.question} {drafted.text}"
        rests_on = drafted.sources or nearest(drafted.shown, about)
        found = evidence(rests_on, about, cited=bool(drafted.sources))
        now, cold = self.lookup.settle(self.namespace, [one.id for one in found])  # it took a while: some may be gone
        found = tuple(one for one in found if one.quote in now.get(one.id, ""))
        answer = Answer(drafted.text, process, found, 0.0, verdict, coverage)
        return self._answered(answer, shown, cited=_ids(drafted.sources), cold=cold)

    def _answered(
        self, answer: Answer, used: Iterable[str], *, cited: Iterable[str] = (), cold: Sequence[str] = ()
    ) -> Answer:
        """The answer with what it cost, and its trace. Cold memories that it rests on turn warm: they were of use."""
        ledger = Ledger() if self.calls is None else self.calls.ledger
        answer = replace(answer, ledger=ledger, retrieved=tuple(hit.id for hit in self.hits), notes=self.notes)
        trace_id = self.tracer.keep(
            self.namespace, "ask", self.question,
            used=used,
            cited=cited,
            pool=considered(self.hits),
            document=_document(answer, self.fast, self.hits),
            session_id=self.session_id,
        )  # fmt: skip
        if cold:  # after the trace: whoever weighs them from now on knows of this use
            self.lookup.warm(self.namespace, cold)
        answer = replace(answer, trace_id=trace_id, seconds=time.perf_counter() - self.started)
        self._event("answered", answer=answer)
        return answer

    def _progress(self, done: int, total: int) -> None:
        self._event("deliberating", done=done, total=total)

    def _event(self, stage: Stage, **told: Any) -> None:
        self.tell(Event(stage, time.perf_counter() - self.started, **told))


def _ids(passages: Sequence[Passage]) -> dict[str, None]:
    """What passages are made of, each once, in order: stored facts, and the messages behind them."""
    return dict.fromkeys(memory_id for passage in passages for memory_id in passage.ids)


def _document(answer: Answer, fast: Draft | None, hits: Sequence[Hit]) -> dict[str, Any]:
    """What is kept of an answer beside its memories: who gave it, what the gate said of which draft, what it cost."""
    verdict, coverage, ledger = answer.verdict, answer.coverage, answer.ledger
    return {
        "process": answer.process,
        "answer": answer.text,
        "quotes": [[one.id, one.speaker, one.quote] for one in answer.evidence],
        "draft": None if fast is None else fast.text,
        "verdict": None if verdict is None else asdict(verdict),
        GATE: None if verdict is None else gate_record(verdict, fast, [hit.score for hit in hits], answer.text),
        "share": None if coverage is None else coverage.share,
        "calls": len(ledger.calls),
        "prompt_tokens": ledger.prompt_tokens,
        "completion_tokens": ledger.completion_tokens,
    }
