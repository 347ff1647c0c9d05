"""The prompts, each a pure function of what it shows.

What all prompts of one batch share comes first, so that a model in this process reads it once.
Instructions are short and lines are numbered: models of 7B and less have to cope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc_retrievers.language import Prompt
from memsvc_retrievers.passages import numbered, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memsvc_retrievers.choices import Style
    from memsvc_retrievers.passages import Passage

NONE = "NONE"
"""What a model answers when the lines do not suffice."""

_WORDING: Mapping[Style, str] = {
    "short": "Answer in as few words as will do, five or six at most: a name, a date, a number, a short phrase. Only a list may be longer: give every item that is asked for.",
    "reasoned": "Answer in one to three sentences: first what was asked for, with every item of it, then briefly what shows it.",
}

_ANSWER = f"""\
You answer questions from numbered lines of memory. Each line begins with the time it was said and who said it.
- Use the lines only. What they do not say, you do not know.
- Where a line says "yesterday", "last week" or "next month", work the date out from the time of that line, and answer with the date.
- Where lines contradict each other, the one said last is right.
- {{wording}}
- If the lines do not answer the question, the answer is {NONE}.
Reply with JSON: "thoughts" (the steps, briefly), "answer", and "sources" (the numbers of the lines that the answer rests on)."""

_GATE = """\
You audit an answer strictly. You see numbered lines of memory, a question, and an answer that was drafted from the lines.
- relevance: fail if the answer is about something else, or says no more than that information is missing.
- faithfulness: fail if the answer states what no line says, or goes against the line said last. Do not judge sums or date arithmetic.
- completeness: fail if a detail that was asked for is left out, or the answer does not commit itself.
If the lines themselves are vague and the answer says as much as they do, that passes.
Reply with JSON: for each of "relevance", "faithfulness" and "completeness" a "reason" (one sentence) and a "status", pass or fail."""

_VOTE = """\
You compare numbered answers to one question. Two answers are the same if they give the same information: another wording,
another order of a list, "NYC" for "New York City" are the same; a list with fewer items is not.
Reply with JSON: "same" (the numbers of the largest group of answers that are the same), and "best" (the number of the answer in that
group that is worded best: without filler words, in a common format, short)."""

_RELEVANT = """\
You choose from numbered lines of memory those that are needed to answer a question. Leave out what does not bear on it,
what is vague, and what another line already says better.
Reply with JSON: "needed" (the numbers of the lines)."""

_EXTRACT = """\
You search one part of a long conversation for facts that help to answer a question. Each line has a number, the time it was said, and who said it.
- Write each fact so that it can be understood alone: names instead of pronouns, dates instead of "yesterday", who said it and when.
- Score each fact from 0 to 10: 0 no help, 5 to 6 some help, 7 to 8 clear help, 9 to 10 essential. Leave out what scores below 5.
- "messages": the numbers of the lines that the fact comes from. "quote": the words of one of them that show it, copied exactly.
- The lines under "Before" are there to be understood, not to be searched.
- No fact in this part? Then "facts" is an empty list. That is a good answer.
Reply with JSON: "facts", a list of "fact", "score", "messages" and "quote"."""

_EVOLVE = """\
You keep a working memory while you look for the answer to a question. It is a list of numbered points: each brings together what
several lines of the record say about some people and things. You now see new lines.
- update: points that the new lines make more exact or complete, worded anew as a whole.
- insert: new points for what bears on the question and is in no point yet. One point for what belongs together; several for what does not.
- "lines": the numbers of the new lines that a point rests on. What does not bear on the question is left out.
Reply with JSON: "update" (a list of "number", "point", "lines") and "insert" (a list of "point", "lines"); either may be empty."""

_MERGE = """\
You keep a working memory of numbered points while you look for the answer to a question. Points that are about the same matter and
say more together than apart are merged into one. Points that merely stand side by side are not.
Reply with JSON: "merge", a list of "numbers" (two or more points) and "point" (what they say together); it may be empty."""

_JUDGE = """\
You decide whether a working memory of numbered points is enough to answer a question completely and surely. If it is not, name what is
missing, in at most three concerns, each as a short question that can be looked up and that was not asked before.
- "points": the numbers of the points that the concern digs into; empty if it is about something that no point touches.
Reply with JSON: "sufficient" (true or false) and "concerns" (a list of "question" and "points"; empty if sufficient)."""


def answer(
    question: str,
    passages: Sequence[Passage],
    *,
    purpose: str = "answer",
    temperature: float = 0.0,
    style: Style = "short",
) -> Prompt:
    """Answer from these lines (D-Mem, App. A.1: also used in full deliberation, over facts)."""
    return Prompt(
        _ANSWER.format(wording=_WORDING[style]),
        f"Lines:\n{numbered(passages)}\n\nQuestion: {question}",
        purpose,
        temperature,
    )


def gate(question: str, passages: Sequence[Passage], drafted: str) -> Prompt:
    """Judge a draft in three dimensions (D-Mem, section 3.2, Policy 3)."""
    return Prompt(_GATE, f"Lines:\n{numbered(passages)}\n\nQuestion: {question}\nAnswer: {one_line(drafted)}", "gate")


def vote(question: str, answers: Sequence[str]) -> Prompt:
    """Find the answers that agree (D-Mem, section 3.2, majority and consensus)."""
    listed = "\n".join(f"[{number}] {one_line(text)}" for number, text in enumerate(answers, 1))
    return Prompt(_VOTE, f"Question: {question}\n\nAnswers:\n{listed}", "vote")


def relevant(question: str, passages: Sequence[Passage]) -> Prompt:
    """Choose the lines that are needed (D-Mem, App. A.2 for memories, A.4 for facts)."""
    return Prompt(_RELEVANT, f"Question: {question}\n\nLines:\n{numbered(passages)}", "filter")


def extract(question: str, before: Sequence[Passage], chunk: Sequence[Passage], first: int) -> Prompt:
    """Search one chunk (D-Mem, App. A.3); `first` is the number of the chunk's first message in the whole log."""
    context = f"Before:\n{numbered(before, first - len(before))}\n\n" if before else ""
    user = f"Question: {question}\n\n{context}Search these lines:\n{numbered(chunk, first)}"
    return Prompt(_EXTRACT, user, "extract", max_tokens=2048)


def evolve(question: str, points: Sequence[str], passages: Sequence[Passage], first: int) -> Prompt:
    """Bring new lines into working memory (HGMem, section 3.3)."""
    user = f"Question: {question}\n\n{_points(points)}\n\nNew lines:\n{numbered(passages, first)}"
    return Prompt(_EVOLVE, user, "evolve", max_tokens=2048)


def merge(question: str, points: Sequence[str]) -> Prompt:
    """Merge points that belong together (HGMem, section 3.3)."""
    return Prompt(_MERGE, f"Question: {question}\n\n{_points(points)}", "merge")


def judge(question: str, points: Sequence[str], asked: Sequence[str]) -> Prompt:
    """Decide whether to go on, and where (HGMem, section 3.2)."""
    before = "\n".join(f"- {one_line(one)}" for one in asked)
    return Prompt(_JUDGE, f"Question: {question}\n\nAsked before:\n{before}\n\n{_points(points)}", "judge")


def _points(points: Sequence[str]) -> str:
    if not points:
        return "Points: none yet"
    return "Points:\n" + "\n".join(f"[{number}] {one_line(text)}" for number, text in enumerate(points, 1))
