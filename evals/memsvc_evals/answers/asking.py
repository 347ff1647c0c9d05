"""Asks one question of one conversation in every way that is compared, scores what comes, and has it judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from memsvc.errors import EmbedderError, ModelError, ModelInaccessible, ModelUnavailable
from memsvc_evals.answers.judge import judged, probe_model
from memsvc_evals.answers.records import ABSTAINED, FAILED, NOT_MENTIONED, Given, Judgement, Record
from memsvc_evals.answers.sharing import Memo, Shared
from memsvc_evals.retrieval.metrics import recall_at
from memsvc_evals.scoring import ADVERSARIAL, abstained, text_scores
from memsvc_retrievers.ledger import Ledger
from memsvc_retrievers.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from memsvc import Event, Memory
    from memsvc_evals.answers.baselines import Baselines
    from memsvc_evals.answers.policies import Policy
    from memsvc_evals.answers.storing import Material
    from memsvc_evals.datasets.values import Question
    from memsvc_retrievers.choices import Style
    from memsvc_retrievers.language import LanguageModel

_UNREACHED = Judgement(False, "the call failed")


@dataclass(frozen=True, slots=True)
class Judging:
    """Who judges, under which prompts."""

    model: LanguageModel
    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """What all questions are asked with. Safe to share between threads.

    `corrected` are the answers of an audited key, by the question's id. `tell` is called with "ask" and "judge" as
    each is done; `stopped` says whether to give up.
    """

    memory: Memory
    model: LanguageModel
    policies: Sequence[Policy]
    style: Style
    top_k: int
    seed: int
    judging: Judging | None
    corrected: Mapping[str, str]
    tell: Callable[[str], None]
    stopped: Callable[[], bool]

    def ask(self, question: Question, baselines: Baselines, run: int) -> list[Record]:
        """A record a policy.

        Raises:
            ModelUnavailable, ModelInaccessible: the model, or the judge, is away.
            Cancelled: it was stopped.
        """
        identity = (self.seed, run, question.id)
        memo = Memo(Recorder(self.model, self.stopped), *identity)
        graded = Memo(Recorder(self.judging.model, self.stopped), *identity) if self.judging else None
        records = []
        for policy in self.policies:
            given = self._given(policy, question, baselines, Shared(memo))
            self.tell("ask")
            scored = Scored(question, given, self.corrected.get(question.id))
            judge = self._judged(scored, question.answer, graded)
            audited = self._audited(scored, graded)
            if judge:
                self.tell("judge")
            records.append(_record(run, policy, baselines.material, scored, judge, audited))
        return records

    def _given(self, policy: Policy, question: Question, baselines: Baselines, model: Shared) -> Given:
        """What a policy gives; a call that failed is a record as well, as long as the model is there."""
        try:
            if policy.baseline is not None:
                return _waited(baselines.ask(policy.baseline, question.text, model), model)
            return _waited(self._service(policy, question, baselines.material, model), model)
        except EmbedderError:
            raise
        except ModelError as error:
            if isinstance(error, ModelUnavailable | ModelInaccessible):
                probe_model(self.model)  # down, or was it this question?
            return Given("", FAILED, error.ledger or Ledger(), model.spared, error=str(error))

    def _service(self, policy: Policy, question: Question, material: Material, model: LanguageModel) -> Given:
        drafts: list[str | None] = [None]  # the last one is the fast answer that the gate judged

        def heard(event: Event) -> None:
            if event.stage == "drafted":
                drafts.append(event.text)

        answer = self.memory.ask(
            question.text, namespace=material.namespace, on_event=heard, model=model, gate=policy.gate,
            deliberation=policy.deliberation, style=self.style, top_k=self.top_k,
        )  # fmt: skip
        return Given(
            NOT_MENTIONED if answer.process == ABSTAINED else answer.text,
            answer.process,
            answer.ledger,
            answer.seconds,
            retrieved=material.turns_of(answer.retrieved),
            cited=material.turns_of(one.id for one in answer.evidence if one.cited),
            draft=drafts[-1],
            verdict=answer.verdict,
            coverage=answer.coverage,
        )

    def _judged(self, scored: Scored, gold: str | None, graded: Memo | None) -> dict[str, Any]:
        """What the judge says under each prompt; nothing of a question that has no answer."""
        if graded is None or self.judging is None or gold is None or scored.question.category == ADVERSARIAL:
            return {}
        given = scored.given
        if given.process == FAILED:
            return {name: _UNREACHED.to_json() for name in self.judging.prompts}
        prediction = given.text if given.answered else ""
        found = judged(Shared(graded), self.judging.prompts, scored.question.text, gold, prediction)
        return {name: judgement.to_json() for name, judgement in found.items()}

    def _audited(self, scored: Scored, graded: Memo | None) -> dict[str, Any] | None:
        if scored.corrected is None:
            return None
        texts = text_scores(scored.given.text, scored.corrected, scored.question.category)
        return {"gold": scored.corrected, **texts, "judge": self._judged(scored, scored.corrected, graded)}


@dataclass(frozen=True, slots=True)
class Scored:
    """What was given for a question; `corrected` is the audit's answer, where it has one."""

    question: Question
    given: Given
    corrected: str | None = None

    def scores(self) -> dict[str, float | None]:
        """Text measures, abstention, and the share of the evidence that was retrieved and cited.

        A question without a gold answer has no text measure, but for the abstention rule of category 5; recalls are
        None where there is no evidence, nothing was looked up (or shown), or the call failed.
        """
        question, given = self.question, self.given
        adversarial = question.category == ADVERSARIAL
        texts: dict[str, float] = {}
        if adversarial or question.answer is not None:
            texts = text_scores(given.text, None if adversarial else question.answer, question.category)
        return {
            **texts,
            "abstained": float(abstained(given.text)),
            "recall_retrieved": self._recall(given.retrieved),
            "recall_cited": self._recall(given.cited),
        }

    def _recall(self, ids: tuple[str, ...] | None) -> float | None:
        evidence = self.question.evidence
        return None if ids is None or not evidence else recall_at(ids, evidence, len(ids))


def _waited(given: Given, model: Shared) -> Given:
    """With the seconds that it would have waited for calls that another policy had made."""
    return replace(given, seconds=given.seconds + model.spared)


def _record(
    run: int,
    policy: Policy,
    material: Material,
    scored: Scored,
    judge: Mapping[str, Mapping[str, Any]],
    audited: Mapping[str, Any] | None,
) -> Record:
    question = scored.question
    return Record(
        run=run,
        policy=policy.name,
        conversation=material.conversation.id,
        question_id=question.id,
        category=question.category,
        question=question.text,
        gold=question.answer,
        evidence=question.evidence,
        scores=scored.scores(),
        judge=judge,
        audited=audited,
        **scored.given.to_json(),
    )
