"""Full deliberation: the whole log is read again, with the question in mind (D-Mem, section 3.3).

1. The log is cut into chunks, and one batch of calls extracts facts from them, each with a score
   from 0 to 10, the messages that it comes from, and a quote.
2. Facts that score `KEEP` and more are kept; from `FILTER` facts on, one call leaves the necessary ones.
3. One call answers from the facts, in the order in which they were said.

So a log of N messages costs at most ceil(N / 60) + 2 calls, unless messages are so long that fewer fit into a call.
A log of more tokens than the budget is read in part: chunks in the order of their best retrieval score, until the
budget ends.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memsvc_retrievers.deliberation.coverage import Coverage, Deliberated
from memsvc_retrievers.deliberation.log import chunks, within_budget
from memsvc_retrievers.gate.drafting import draft, relevant
from memsvc_retrievers.passages import Passage, Source, fitting, span
from memsvc_retrievers.prompts import answering as prompts
from memsvc_retrievers.prompts.replies import FactsReply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from memsvc_retrievers.choices import Scan, Style
    from memsvc_retrievers.deliberation.log import Log
    from memsvc_retrievers.language import Completion, LanguageModel, Prompt
    from memsvc_retrievers.prompts.replies import FoundFact

KEEP = 6
FILTER = 6
"""D-Mem, App. B.1: the preliminary score threshold, and the number of facts from which they are filtered."""

TELLING = 3
"""Words from which a quote alone tells which message a fact is from."""


def deliberate(
    question: str,
    log: Log,
    model: LanguageModel,
    *,
    scan: Scan,
    style: Style = "short",
    scores: Callable[[], Mapping[str, float]],
    tell: Callable[[int, int], None],
) -> Deliberated:
    """Read the log and answer from what it says.

    Args:
        scores: retrieval score by message id; only asked for when the log exceeds the budget.
        tell: called with chunks done and chunks in all.

    Raises:
        ModelError: not one chunk could be read, or the answer could not be had.
        Cancelled: see `LanguageModel`.
    """
    parts = chunks(log.costs, scan.chunk, scan.room)
    if not log.fits(scan):
        by_id = scores()
        ids = [log.messages[place].id for place in log.places]
        placed = {line: by_id[message] for line, message in enumerate(ids) if message in by_id}
        parts = within_budget(parts, log.costs, placed, scan.tokens)
    batch = _prompts(question, log, parts, scan)
    completions = model.complete_many(batch, schema=FactsReply, watch=_Progress(tell, len(batch)))
    facts, coverage = _read(completions, parts, log, scan)
    if len(facts) >= FILTER:
        facts = relevant(question, facts, model)
    drafted = draft(question, facts, model, purpose="answer", style=style)[0] if facts else None
    return Deliberated(drafted, replace(coverage, kept=len(facts)))


def _prompts(question: str, log: Log, parts: Sequence[range], scan: Scan) -> list[Prompt]:
    lines = log.lines
    return [
        prompts.extract(
            question,
            _context(log, part, scan),
            lines[part.start : part.stop],
            part.start + 1,
        )
        for part in parts
    ]


def _context(log: Log, part: range, scan: Scan) -> Sequence[Passage]:
    """The lines before a chunk, the nearest ones, as far as a tenth of the room holds them."""
    start, room = part.start, scan.room // 10
    while start > max(0, part.start - scan.context) and log.costs[start - 1] <= room:
        start -= 1
        room -= log.costs[start]
    return log.lines[start : part.start]


def _read(
    completions: Sequence[Completion], parts: Sequence[range], log: Log, scan: Scan
) -> tuple[list[Passage], Coverage]:
    """The facts that score enough, in the order in which they were said, and what became of the rest."""
    outcomes = list(zip(parts, completions, strict=True))
    errors = [(part, one.error) for part, one in outcomes if one.error is not None]
    if errors and len(errors) == len(parts):
        raise errors[0][1]
    problems = tuple("messages {} to {} were not read: {}".format(*log.span(part), error) for part, error in errors)
    read = [(part, one.value(FactsReply).facts) for part, one in outcomes if one.error is None]
    sourced = [(fact.score, *_sourced(fact, log, part)) for part, facts in read for fact in facts]
    coverage = Coverage(
        messages=len(log.messages),
        read=log.read([part for part, _ in read]),
        facts=len(sourced),
        false_quotes=sum(not honest for _, _, honest in sourced),
        unsourced=sum(passage is None for _, passage, _ in sourced),
        problems=problems,
        chunks=tuple(log.span(part) for part, _ in read),
    )
    ranked = sorted(((score, one) for score, one, _ in sourced if one is not None and score >= KEEP), key=_worst_last)
    kept = fitting([passage for _, passage in ranked], scan.room)
    return sorted(kept, key=lambda passage: passage.said_at), coverage


def _worst_last(scored: tuple[int, Passage]) -> int:
    return -scored[0]


def _sourced(fact: FoundFact, log: Log, part: range) -> tuple[Passage | None, bool]:
    """A fact with its sources, None if it has none in its chunk; and whether its quote, if any, is real.

    A quote is looked for in the messages that the fact names. Only where it names none, and the quote is long enough to
    be somebody's, it tells the message by itself.
    """
    named = [number - 1 for number in fact.messages if number - 1 in part]
    places = named or (part if len(fact.quote.split()) >= TELLING else ())
    held = ((line, found) for line in places if (found := span(fact.quote, log.lines[line].text)))
    quoted = dict(itertools.islice(held, 1))
    sources = [Source(log.messages[log.places[line]], quoted.get(line)) for line in sorted({*named, *quoted})]
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
