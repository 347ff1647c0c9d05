"""LoCoMo with feedback: do conversation memories rank better once look-ups were rewarded?

The questions of a conversation are split: some are asked in every epoch, in an order of its own, and the look-up is
rewarded by the share of the evidence that it returned; the others are never rewarded. After each epoch both are asked
without a trace. What rises on the first is runtime learning, what rises on the others is transfer.

Two ways to reward: `recall` (everything that was returned gets the recall, 0 to 1: MemRL's uniform credit) and `told`
(a reader that says of each message whether it was of use: those of the evidence get 1, the others -0.5). Adversarial
questions are left out: their evidence is the trap.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

from memsvc.errors import InvalidInput
from memsvc_evals.errors import DatasetError
from memsvc_evals.ingestion import ingest
from memsvc_evals.learning.loop import in_parallel
from memsvc_evals.learning.memories import Ahead, Clock, opened
from memsvc_evals.learning.study import Figure, Run, Study, figure, of_arm
from memsvc_evals.progress import Count
from memsvc_evals.provenance import provenance
from memsvc_evals.retrieval.metrics import mean, recall_at
from memsvc_evals.scoring import differences, student

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memsvc import Memory
    from memsvc_evals.datasets.values import Conversation, Dataset, Question
    from memsvc_evals.progress import Progress
    from memsvc_retrievers.protocols import Embedder

Reward = Literal["recall", "told"]
REWARDS: tuple[Reward, ...] = get_args(Reward)
TOP_K = 10
MEASURES = ("same questions", "held out")
PLAIN = "no utility, 0"
_USELESS = -0.5
_TRAP = 5  # LoCoMo's adversarial questions
_SEEN = 0.7
_FEWEST = 4  # questions of a conversation, below which a split says nothing


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured. `weights` are tried for `search_weight`; 0 is the look-up without utility."""

    seeds: int = 5
    epochs: int = 3
    weights: tuple[float, ...] = (0.0, 0.1, 0.3)
    rewards: tuple[Reward, ...] = REWARDS

    @property
    def arms(self) -> dict[str, tuple[float, Reward]]:
        """Name of an arm -> its weight and its reward, which is all the same where nothing has weight."""
        plain: dict[str, tuple[float, Reward]] = {PLAIN: (0.0, "recall")} if 0 in self.weights else {}
        weights = [weight for weight in self.weights if weight]
        return plain | {f"{reward}, {weight:g}": (weight, reward) for reward in self.rewards for weight in weights}


def run_feedback(
    dataset: Dataset,
    embedder: Embedder,
    *,
    plan: Plan | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Study:
    """Recall@10 by epoch, on the questions that are rewarded and on those that never are.

    Args:
        embedder: makes every vector once, ahead.
        workers: processes at once; 1 is this one.
        progress: called as `("run", done, total)`.

    Raises:
        InvalidInput: a weight that no look-up has.
        DatasetError: no conversation with enough questions that have evidence.
        MemsvcError: what the service raises.
    """
    chosen = plan or Plan()
    if not all(0 <= weight < 1 for weight in chosen.weights):
        raise InvalidInput(
            f"weights came as {list(chosen.weights)}; give numbers from 0 to below 1, such as 0, 0.1, 0.3"
        )
    conversations = tuple(one for one in dataset.conversations if len(_asked(one)) >= _FEWEST)
    if not conversations:
        raise DatasetError(f"{dataset.source}: found no conversation with {_FEWEST} questions that have evidence")
    one_seed = partial(_one_seed, chosen, conversations, _rehearsed(conversations, embedder))
    runs = in_parallel(one_seed, range(chosen.seeds), workers, progress)
    return Study(
        "feedback on LoCoMo",
        "LoCoMo with feedback: recall@10 by epoch",
        runs,
        _figures(runs, tuple(chosen.arms)),
        {
            f"{arm}: held-out recall does not fall": _change(runs, arm, "held out").value.mean >= 0
            for arm in chosen.arms
        },
        {
            "dataset": dataset.source,
            "sha256": dataset.sha256,
            "conversations": [one.id for one in conversations],
            "questions": sum(len(_asked(one)) for one in conversations),
            "seen": _SEEN,
            "seeds": chosen.seeds,
            "epochs": chosen.epochs,
            "weights": list(chosen.weights),
            "rewards": list(chosen.rewards),
        },
        provenance(embedder),
        {measure: tuple(str(epoch) for epoch in range(chosen.epochs + 1)) for measure in MEASURES},
    )


def _rehearsed(conversations: Sequence[Conversation], embedder: Embedder) -> Ahead:
    """Every vector that will be asked for. A look-up may leave a speaker's name out of what it embeds of a question, so
    that each question is asked once.
    """
    ahead = Ahead(embedder)
    with opened(ahead, Clock()) as memory:
        for conversation in conversations:
            ingest(memory, conversation, conversation.id, Count(None, {"add": 0}))
            for question in _asked(conversation):
                memory.search(question.text, namespace=conversation.id, top_k=1)
    return ahead.sealed()


def _figures(runs: Sequence[Run], arms: Sequence[str]) -> tuple[Figure, ...]:
    found: list[Figure] = []
    for measure in MEASURES:
        found += [figure(f"{measure}, before", runs, arm, measure, 0) for arm in arms[:1]]
        found += [figure(f"{measure}, last epoch", runs, arm, measure, -1) for arm in arms]
        found += [_change(runs, arm, measure) for arm in arms]
    return tuple(found)


def _change(runs: Sequence[Run], arm: str, measure: str) -> Figure:
    """The last epoch less the time before any feedback, seed by seed."""
    last, first = (of_arm(runs, arm, measure, epoch) for epoch in (-1, 0))
    return Figure(f"{measure} since epoch 0", arm, student(differences(last, first)), "before")


def _one_seed(plan: Plan, conversations: Sequence[Conversation], embedder: Ahead, seed: int) -> list[Run]:
    """Every arm on the same split and in the same order; curves are means over all conversations' questions."""
    found = []
    for arm, (weight, reward) in plan.arms.items():
        with_arm = partial(_converse, weight=weight, reward=reward, epochs=plan.epochs, embedder=embedder, seed=seed)
        curves = [with_arm(conversation) for conversation in conversations]
        pooled = {
            measure: tuple(
                mean([recall for curve in curves for recall in curve[measure][epoch]])
                for epoch in range(plan.epochs + 1)
            )
            for measure in MEASURES
        }
        found.append(Run(arm, seed, pooled))
    return found


def _converse(
    conversation: Conversation, *, weight: float, reward: Reward, epochs: int, embedder: Ahead, seed: int
) -> dict[str, list[list[float]]]:
    """Measure -> epoch -> the recall of each question."""
    chance = random.Random(f"{conversation.id} {seed}")
    questions = chance.sample(_asked(conversation), len(_asked(conversation)))
    seen, unseen = questions[: round(_SEEN * len(questions))], questions[round(_SEEN * len(questions)) :]
    clock = Clock()
    with opened(embedder, clock, search_weight=weight) as memory:
        names, _ = ingest(memory, conversation, conversation.id, Count(None, {"add": 0}))
        found = _Asking(memory, conversation.id, names)
        curves = {"same questions": [found.recalls(seen)], "held out": [found.recalls(unseen)]}
        for _ in range(epochs):
            clock.epoch()
            for question in chance.sample(seen, len(seen)):
                clock.attempt()
                found.reward(question, reward)
            curves["same questions"].append(found.recalls(seen))
            curves["held out"].append(found.recalls(unseen))
    return curves


@dataclass(frozen=True, slots=True)
class _Asking:
    """Asks about one conversation. `names` maps a memory's id to its turn's."""

    memory: Memory
    namespace: str
    names: Mapping[str, str]

    def recalls(self, questions: Sequence[Question]) -> list[float]:
        """Recall@10 of each question, without leaving a trace."""
        found = []
        for question in questions:
            hits = self.memory.search(question.text, namespace=self.namespace, top_k=TOP_K)
            found.append(recall_at([self.names[hit.id] for hit in hits], question.evidence, TOP_K))
        return found

    def reward(self, question: Question, reward: Reward) -> None:
        """Ask, and reward what was returned."""
        hits = self.memory.search(question.text, namespace=self.namespace, top_k=TOP_K, trace=True)
        if hits.trace_id is None:
            return
        if reward == "recall":
            recall = recall_at([self.names[hit.id] for hit in hits], question.evidence, TOP_K)
            self.memory.feedback(hits.trace_id, recall)
            return
        for worth, of_use in ((1.0, True), (_USELESS, False)):
            told = [hit.id for hit in hits if (self.names[hit.id] in question.evidence) is of_use]
            if told:
                self.memory.feedback(hits.trace_id, worth, used=told)


def _asked(conversation: Conversation) -> list[Question]:
    return [one for one in conversation.questions if one.evidence and one.category != _TRAP]
