"""Full deliberation: the whole log is read again, with the question in mind (D-Mem, section 3.3).

1. The log is cut into chunks, and one batch of calls extracts facts from them, each with a score
   from 0 to 10, the messages that it comes from, and a quote.
2. Facts that score `KEEP` and more are kept; from `FILTER` facts on, one call leaves the necessary ones.
3. One call answers from the facts, in the order in which they were said.

So a log of N messages costs at most ceil(N / 60) + 2 calls. A log of more tokens than the budget is read
in part: chunks in the order of their best retrieval score, until the budget ends.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memsvc_retrievers import prompts
from memsvc_retrievers.drafting import Draft, draft, relevant
from memsvc_retrievers.passages import Passage, Source, span
from memsvc_retrievers.replies import FactsReply
from memsvc_store.text import count_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from memsvc_retrievers.choices import Scan
    from memsvc_retrievers.language import Completion, LanguageModel, Prompt
    from memsvc_retrievers.replies import FoundFact
    from memsvc_store.shapes import Memory

KEEP = 6
FILTER = 6
"""D-Mem, App. B.1: the preliminary score threshold, and the number of facts from which they are filtered."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was read, and what was made of it.

    `read` of `messages` were read; `problems` says why a chunk could not be. `facts` (or points of working memory)
    came back, `kept` went into the answer. `false_quotes` do not occur in their source and were dropped; `unsourced`
    facts named no message of their chunk and were dropped whole.
    """

    messages: int
    read: int
    facts: int = 0
    kept: int = 0
    false_quotes: int = 0
    unsourced: int = 0
    problems: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The share of the messages that were read, 0 to 1."""
        return self.read / self.messages if self.messages else 1.0


@dataclass(frozen=True, slots=True)
class Deliberated:
    """What a slow process came to. `draft` is None if it found nothing that bears on the question."""

    draft: Draft | None
    coverage: Coverage


def chunks(count: int, size: int) -> list[range]:
    """The places of `count` messages in runs of `size`; the last may be shorter."""
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def within_budget(
    parts: Sequence[range], tokens: Sequence[int], scores: Mapping[int, float], budget: int
) -> list[range]:
    """The chunks to read, in log order: all of them if they fit, else the best scored ones until the budget ends.

    Args:
        scores: retrieval score by place; a chunk counts for its best message, one without any comes last.
    """
    lowest = min(scores.values(), default=0.0) - 1.0
    best = {part: max((scores.get(place, lowest) for place in part), default=lowest) for part in parts}
    chosen: list[range] = []
    for part in sorted(parts, key=lambda part: (-best[part], part.start)):
        budget -= sum(tokens[place] for place in part)
        if chosen and budget < 0:
            break
        chosen.append(part)
    return sorted(chosen, key=lambda part: part.start)


def deliberate(
    question: str,
    log: Sequence[Memory],
    model: LanguageModel,
    *,
    scan: Scan,
    scores: Callable[[], Mapping[str, float]],
    tell: Callable[[int, int], None],
) -> Deliberated:
    """Read the log and answer from what it says.

    Args:
        log: messages in reading order.
        scores: retrieval score by message id; only asked for when the log exceeds the budget.
        tell: called with chunks done and chunks in all.

    Raises:
        ModelError: not one chunk could be read, or the answer could not be had.
        Cancelled: see `LanguageModel`.
    """
    parts = chunks(len(log), scan.chunk)
    if not scan.fits(log):
        by_id = scores()
        placed = {place: by_id[message.id] for place, message in enumerate(log) if message.id in by_id}
        parts = within_budget(parts, [count_tokens(message.text) for message in log], placed, scan.tokens)
    batch = _prompts(question, log, parts, scan)
    completions = model.complete_many(batch, schema=FactsReply, watch=_Progress(tell, len(batch)))
    facts, coverage = _read(completions, parts, log)
    if len(facts) >= FILTER:
        facts = relevant(question, facts, model)
    drafted = draft(question, facts, model, purpose="answer")[0] if facts else None
    return Deliberated(drafted, replace(coverage, kept=len(facts)))


def _prompts(question: str, log: Sequence[Memory], parts: Sequence[range], scan: Scan) -> list[Prompt]:
    lines = [Passage.of(message) for message in log]
    return [
        prompts.extract(
            question,
            lines[max(0, part.start - scan.context) : part.start],
            lines[part.start : part.stop],
            part.start + 1,
        )
        for part in parts
    ]


def _read(
    completions: Sequence[Completion], parts: Sequence[range], log: Sequence[Memory]
) -> tuple[list[Passage], Coverage]:
    """The facts that score enough, in the order in which they were said, and what became of the rest."""
    errors = [(part, one.error) for part, one in zip(parts, completions, strict=True) if one.error is not None]
    if errors and len(errors) == len(parts):
        raise errors[0][1]
    problems = tuple(f"messages {part[0] + 1} to {part[-1] + 1} were not read: {error}" for part, error in errors)
    replies = [
        (part, fact)
        for part, one in zip(parts, completions, strict=True)
        if one.error is None
        for fact in one.value(FactsReply).facts
    ]
    sourced = [(fact.score, *_sourced(fact, log, part)) for part, fact in replies]
    coverage = Coverage(
        messages=len(log),
        read=sum(map(len, parts)) - sum(len(part) for part, _ in errors),
        facts=len(replies),
        false_quotes=sum(not honest for _, _, honest in sourced),
        unsourced=sum(passage is None for _, passage, _ in sourced),
        problems=problems,
    )
    kept = [passage for score, passage, _ in sourced if passage is not None and score >= KEEP]
    return sorted(kept, key=lambda passage: passage.said_at), coverage


def _sourced(fact: FoundFact, log: Sequence[Memory], part: range) -> tuple[Passage | None, bool]:
    """A fact with its sources, None if it has none in its chunk; and whether its quote, if any, is real."""
    named = [number - 1 for number in fact.messages if number - 1 in part]
    held = ((place, found) for place in (*named, *part) if (found := span(fact.quote, log[place].text)))
    quoted = dict(itertools.islice(held, 1))
    sources = [Source(log[place], quoted.get(place)) for place in sorted({*named, *quoted})]
    honest = bool(quoted) or not fact.quote.strip()
    if not sources or not fact.fact.strip():
        return None, honest
    speakers = ", ".join(dict.fromkeys(source.message.speaker for source in sources))
    return Passage(fact.fact.strip(), sources[0].message.valid_from, speakers, tuple(sources)), honest


@dataclass(slots=True)
class _Progress:
    """Counts the chunks that are done."""

    tell: Callable[[int, int], None]
    total: int
    done: int = 0

    def finished(self, completion: Completion) -> None:
        self.done += 1
        self.tell(self.done, self.total)

    def cancelled(self) -> bool:
        return False
