"""From numbered passages to an answer: one call, or several that are drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memsvc_retrievers.errors import InvalidReply
from memsvc_retrievers.passages import cited
from memsvc_retrievers.prompts import answering as prompts
from memsvc_retrievers.prompts.replies import AnswerReply, LinesReply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_retrievers.choices import Style
    from memsvc_retrievers.language import Completion, LanguageModel
    from memsvc_retrievers.passages import Passage


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer, the passages that it names as its sources, and all that were shown for it."""

    text: str
    sources: tuple[Passage, ...]
    shown: tuple[Passage, ...]

    @property
    def none(self) -> bool:
        """Whether the model said that the passages do not suffice."""
        plain = self.text.strip(" .!\"'“”*")
        return not plain or plain.casefold() == prompts.NONE.casefold()


def draft(
    question: str,
    passages: Sequence[Passage],
    model: LanguageModel,
    *,
    purpose: str,
    count: int = 1,
    temperature: float = 0.0,
    style: Style = "short",
) -> list[Draft]:
    """As many answers from the same passages, in one batch; those that can't be read are left out.

    Raises:
        ModelError: not one of them could be had.
    """
    prompt = prompts.answer(question, passages, purpose=purpose, temperature=temperature, style=style)
    completions = model.complete_many([prompt] * count, schema=AnswerReply)
    good = [completion for completion in completions if completion.error is None]
    return [_read(completion, passages) for completion in good or completions[:1]]


def relevant(question: str, passages: Sequence[Passage], model: LanguageModel) -> list[Passage]:
    """Those passages that the model finds necessary; all of them if it names none, or can't be read.

    (D-Mem, sections 3.1 and 3.3. Falling back to all loses nothing; the ledger shows the call.)
    """
    [completion] = model.complete_many([prompts.relevant(question, passages)], schema=LinesReply)
    try:
        needed = set(completion.value(LinesReply).needed)
    except InvalidReply:
        return list(passages)
    return [passage for number, passage in enumerate(passages, 1) if number in needed] or list(passages)


def _read(completion: Completion, passages: Sequence[Passage]) -> Draft:
    reply = completion.value(AnswerReply)
    return Draft(reply.answer.strip(), tuple(cited(reply.sources, passages)), tuple(passages))
