"""The plain methods: one answer call over the whole conversation, over the nearest chunk of it, or over nothing.

The first two are given the service's own answer prompt, so that only what stands in it differs. That prompt forbids to
say what no line says, and over no lines would measure obedience: who sees nothing is asked for the likeliest answer.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsvc.errors import ModelError
from memsvc_evals.answers.records import ABSTAINED, NOT_MENTIONED, Given
from memsvc_retrievers.deliberation.coverage import Coverage
from memsvc_retrievers.gate.drafting import Draft, draft
from memsvc_retrievers.language import Prompt
from memsvc_retrievers.passages import Passage, tokens
from memsvc_retrievers.prompts.replies import AnswerReply
from memsvc_retrievers.recorder import Recorder
from memsvc_store.values.text import count_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memsvc_evals.answers.policies import Baseline
    from memsvc_evals.answers.storing import Material
    from memsvc_retrievers.choices import Style
    from memsvc_retrievers.language import LanguageModel
    from memsvc_retrievers.protocols import Embedder
    from memsvc_store.values.memories import Memory

CHUNK = 500
"""Tokens of a chunk, and one chunk an answer: mem0's baseline."""


WORDING: Mapping[Style, str] = {
    "short": "Answer in as few words as will do, five or six at most: a name, a date, a number, a short phrase.",
    "reasoned": "Answer in one to three sentences: first what was asked for",
}
"""How the service's own prompt for each style begins to say it."""
_MORE: Mapping[Style, str] = {"short": "", "reasoned": ", then briefly why it is likely."}

_GUESS = """\
You answer questions from general knowledge. They are about a long conversation that you have not seen.
- Give the answer that is most likely by what the question says and what you know. A guess is better than none.
- {wording}
Reply with JSON: "thoughts" (the steps, briefly), "answer", and "sources" (an empty list)."""


@dataclass(frozen=True, slots=True)
class Chunks:
    """A conversation in runs of turns of about `CHUNK` tokens, each with the vectors of its two halves.

    Sentence encoders read 256 tokens and cut the rest off in silence: a chunk is as near as the nearer of its halves.
    """

    runs: tuple[range, ...]
    vectors: NDArray[np.float32]

    @classmethod
    def of(cls, material: Material, embedder: Embedder) -> Chunks:
        """Cut and embed a conversation."""
        lines = [f"{message.speaker}: {message.text}" for message in material.messages]
        halves = runs([count_tokens(line) for line in lines], CHUNK // 2)
        vectors = embedder.embed(["\n".join(lines[half.start : half.stop]) for half in halves], purpose="document")
        pairs = [halves[place : place + 2] for place in range(0, len(halves), 2)]
        last = len(halves) - 1
        return cls(
            tuple(range(pair[0].start, pair[-1].stop) for pair in pairs),
            np.stack([vectors[[place, min(place + 1, last)]] for place in range(0, len(halves), 2)]),
        )

    def nearest(self, question: NDArray[np.float32]) -> range:
        """The run of turns by its cosine with a question's vector, the earliest among equals."""
        return self.runs[int(np.argmax((self.vectors @ question).max(axis=1)))]


def runs(costs: Sequence[int], size: int) -> list[range]:
    """Neighbours in runs that each cost `size` at most, where one alone does not cost more."""
    found, start, spent = [], 0, 0
    for place, cost in enumerate(costs):
        if place > start and spent + cost > size:
            found.append(range(start, place))
            start, spent = place, 0
        spent += cost
    return [*found, range(start, len(costs))] if costs else []


@dataclass(frozen=True, slots=True)
class Baselines:
    """The plain methods on one conversation. `room` is what a model's prompt holds, in estimated tokens."""

    material: Material
    chunks: Chunks | None
    embedder: Embedder
    room: int
    style: Style

    def ask(self, baseline: Baseline, question: str, model: LanguageModel) -> Given:
        """One answer.

        Raises:
            ModelError: it could not be had; with its ledger.
        """
        began = time.perf_counter()
        shown = self._shown(baseline, question)
        recorder = Recorder(model)
        try:
            drafted = self._drafted(baseline, question, shown, recorder)
        except ModelError as error:
            error.ledger = recorder.ledger
            raise
        sources = [source.message.id for passage in drafted.sources for source in passage.sources]
        return Given(
            NOT_MENTIONED if drafted.none else drafted.text,
            ABSTAINED if drafted.none else baseline,
            recorder.ledger,
            time.perf_counter() - began,
            retrieved=self._ids(shown) if baseline == "rag" else None,
            cited=None if baseline == "none" else () if drafted.none else self.material.turns_of(sources),
            coverage=self._coverage(shown) if baseline == "full-context" else None,
        )

    def _drafted(self, baseline: Baseline, question: str, shown: range, model: LanguageModel) -> Draft:
        if baseline == "none":
            return guess(question, model, self.style)
        passages = [Passage.of(self.material.messages[place]) for place in shown]
        [drafted] = draft(question, passages, model, purpose="answer", style=self.style)
        return drafted

    def _shown(self, baseline: Baseline, question: str) -> range:
        if baseline == "none":
            return range(0)
        if baseline == "full-context":
            return newest(self.material.messages, self.room)
        assert self.chunks is not None, "rag came without chunks"
        [vector] = self.embedder.embed([question], purpose="query")
        return self.chunks.nearest(vector)

    def _ids(self, shown: range) -> tuple[str, ...]:
        return self.material.turns_of(self.material.messages[place].id for place in shown)

    def _coverage(self, shown: range) -> Coverage:
        total = len(self.material.messages)
        cut = f"messages 1 to {shown.start} were left out: the model's room holds the newest {len(shown)}"
        return Coverage(
            total,
            len(shown),
            chunks=((shown.start + 1, shown.stop),) if shown else (),
            problems=(cut,) if shown.start else (),
        )


def newest(messages: Sequence[Memory], room: int) -> range:
    """The places of the last messages that so many estimated tokens hold."""
    start = len(messages)
    while start and (cost := tokens(messages[start - 1].text)) <= room:
        room -= cost
        start -= 1
    return range(start, len(messages))


def guess(question: str, model: LanguageModel, style: Style) -> Draft:
    """The likeliest answer.

    Raises:
        ModelError: it could not be had.
    """
    prompt = Prompt(_GUESS.format(wording=WORDING[style] + _MORE[style]), f"Question: {question}", "answer")
    [completion] = model.complete_many([prompt], schema=AnswerReply)
    return Draft(completion.value(AnswerReply).answer.strip(), (), ())
