"""A run: a data set through the public verbs, by several policies, in a directory that survives being killed.

    manifest -> store (messages, facts) -> ask (questions x runs, judged as they come) -> summary

Each conversation has a namespace of its own, `<data set>/<conversation>`. All policies answer a question one after the
other in one thread, and share their calls; questions are asked side by side. Their category is never told.
"""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from memsvc import wiring
from memsvc.asking.prepare import REPLY, ROOM_LEAST
from memsvc.memory import Memory
from memsvc_evals import extra
from memsvc_evals.answers import journal, policies
from memsvc_evals.answers.asking import Desk, Judging
from memsvc_evals.answers.baselines import Baselines, Chunks
from memsvc_evals.answers.journal import Existing
from memsvc_evals.answers.judge import known, probe_judge, probe_model
from memsvc_evals.answers.plan import manifest, select
from memsvc_evals.answers.storing import store_all
from memsvc_evals.answers.summary import summarise
from memsvc_evals.errors import MeasurementError
from memsvc_evals.progress import Count
from memsvc_evals.provenance import provenance
from memsvc_evals.scoring import ADVERSARIAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from memsvc_evals.answers.journal import Journal
    from memsvc_evals.answers.plan import Parts, Plan
    from memsvc_evals.answers.policies import Policy
    from memsvc_evals.answers.records import Key, Record
    from memsvc_evals.answers.storing import Material
    from memsvc_evals.datasets.values import Dataset, Question
    from memsvc_evals.progress import Progress


class Results(NamedTuple):
    """A finished run: its records in canonical order, the summary of them, and where they lie."""

    records: tuple[Record, ...]
    summary: Mapping[str, Any]
    folder: Path


class Job(NamedTuple):
    """One question in one repetition."""

    run: int
    question: Question
    conversation: str


def run(
    dataset: Dataset,
    folder: str | Path,
    plan: Plan,
    parts: Parts,
    *,
    existing: Existing = Existing.REFUSE,
    progress: Progress | None = None,
) -> Results:
    """Ask, judge and score; what an earlier process has done in this directory is not done again.

    Args:
        dataset: whole; the plan selects from it.
        progress: called as `(stage, done, total)`, stage being "add" and "facts" (messages), "ask" and "judge"
            (answers); from several threads, one at a time.

    Raises:
        MissingDependency: what scores and reports need is not installed; told before anything is asked.
        MeasurementError: an unknown policy or judge prompt; the directory holds another run, or is in use.
        DatasetError: nothing is left to ask.
        ModelUnavailable, ModelInaccessible: the model, or the judge, is away, before or meanwhile; what was answered
            is kept for a resume.
        MemsvcError: what the service raises.
    """
    extra.require(*extra.SCORING)
    chosen, prompts = policies.chosen(plan.policies), known(plan.judge_prompts)
    if parts.judge is not None and not prompts:
        raise MeasurementError("a judge came without a prompt; name one, or leave the judge out")
    plan = replace(plan, policies=tuple(policy.name for policy in chosen), judge_prompts=prompts)
    asked = select(dataset, plan.selection)
    embedder = parts.embedder or wiring.build_embedder(parts.settings)
    stated = manifest(asked, plan, parts, embedder)
    with journal.opened(Path(folder), stated, existing) as kept:
        jobs = list(_jobs(asked, plan.runs))
        left = [job for job in jobs if (job.run, job.question.id, chosen[0].name) not in kept.records]
        if left:
            _probe(plan, parts)
        kept.begin()
        with Memory.open(
            parts.database or kept.database, embedder=embedder, language_model=parts.model, settings=parts.settings
        ) as memory:
            _Running(asked, plan, parts, chosen, kept, memory).run(jobs, left, progress)
        records = tuple(kept.records[key] for key in _order(jobs, chosen))
        kept.rewrite(records)
        summary = summarise(stated, provenance(embedder), asked, records, kept.read_ingestion(), parts.key)
        journal.write_json(kept.folder / journal.SUMMARY, summary)
    return Results(records, summary, kept.folder)


@dataclass(frozen=True, slots=True)
class _Running:
    """A run whose directory and memory are open."""

    dataset: Dataset
    plan: Plan
    parts: Parts
    policies: Sequence[Policy]
    kept: Journal
    memory: Memory

    def run(self, jobs: Sequence[Job], left: Sequence[Job], progress: Progress | None) -> None:
        """Store what is to be stored, and do the jobs that are left."""
        count = Count(progress, self._totals(jobs), _done(self.kept.records.values()))
        stored = store_all(self.memory, self.dataset, self.kept, count, facts=self.plan.facts)
        self._check_gates(stored)
        lock, stop = threading.Lock(), threading.Event()

        def tell(stage: str) -> None:
            with lock:
                count.add(stage)

        desk = Desk(
            self.memory, self.parts.model, self.policies, self.plan.style, self.plan.top_k, self.plan.seed,
            Judging(self.parts.judge, self.plan.judge_prompts) if self.parts.judge is not None else None,
            self.parts.key.answers if self.parts.key is not None else {}, tell, stop.is_set,
        )  # fmt: skip
        rooms = {name: self._baselines(stored[name]) for name in dict.fromkeys(job.conversation for job in left)}
        with ThreadPoolExecutor(self.parts.parallel, thread_name_prefix="memsvc-eval") as pool:
            try:
                asked = [pool.submit(desk.ask, job.question, rooms[job.conversation], job.run) for job in left]
                for one in as_completed(asked):
                    self.kept.append(one.result())
            except BaseException:
                stop.set()  # calls under way are given up; what they would have answered is asked again at a resume
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _totals(self, jobs: Sequence[Job]) -> dict[str, int]:
        judged = [job for job in jobs if job.question.answer is not None and job.question.category != ADVERSARIAL]
        messages, each = self.dataset.turns, len(self.policies)
        return {"add": messages, "facts": messages, "ask": each * len(jobs), "judge": each * len(judged)}

    def _check_gates(self, stored: Mapping[str, Material]) -> None:
        """A calibrated gate must be so in every namespace: preparing a question tells, without asking it."""
        for policy in self.policies:
            if policy.gate == "calibrated":
                for material in stored.values():
                    question = material.conversation.questions[0].text
                    self.memory.ask_stream(question, namespace=material.namespace, gate=policy.gate)

    def _baselines(self, material: Material) -> Baselines:
        room = max(ROOM_LEAST, self.parts.settings.model_context - REPLY)
        wanted = any(policy.baseline == "rag" for policy in self.policies)
        chunks = Chunks.of(material, self.memory.embedder) if wanted else None
        return Baselines(material, chunks, self.memory.embedder, room, self.plan.style)


def _probe(plan: Plan, parts: Parts) -> None:
    probe_model(parts.model)
    if parts.judge is not None:
        probe_judge(parts.judge, plan.judge_prompts[0])


def _jobs(dataset: Dataset, runs: int) -> Iterator[Job]:
    """In canonical order: run, conversation, question."""
    for number in range(runs):
        for conversation in dataset.conversations:
            for question in conversation.questions:
                yield Job(number, question, conversation.id)


def _order(jobs: Sequence[Job], chosen: Sequence[Policy]) -> Iterator[Key]:
    return ((job.run, job.question.id, policy.name) for job in jobs for policy in chosen)


def _done(records: Iterable[Record]) -> Counter[str]:
    """How far an earlier process came."""
    done: Counter[str] = Counter()
    for record in records:
        done.update(["ask", "judge"] if record.judge else ["ask"])
    return done
