"""An answer from the question alone: what can be known or guessed of a conversation that nobody has read.

The service's own answer prompt forbids to say what no line says: over no lines it measures obedience, and the answer is
always that there is none. So this prompt asks for the likeliest answer, in the service's wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc_retrievers.drafting import Draft
from memsvc_retrievers.language import Prompt
from memsvc_retrievers.replies import AnswerReply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memsvc_retrievers.choices import Style
    from memsvc_retrievers.language import LanguageModel

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


def guess(question: str, model: LanguageModel, style: Style) -> Draft:
    """The likeliest answer.

    Raises:
        ModelError: it could not be had.
    """
    prompt = Prompt(_GUESS.format(wording=WORDING[style] + _MORE[style]), f"Question: {question}", "answer")
    [completion] = model.complete_many([prompt], schema=AnswerReply)
    return Draft(completion.value(AnswerReply).answer.strip(), (), ())
