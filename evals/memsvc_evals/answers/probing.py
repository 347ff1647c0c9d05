"""Whether a model answers at all, by one small call of the kind that it will be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsvc.errors import ModelInaccessible, ModelUnavailable
from memsvc_retrievers import prompts
from memsvc_retrievers.replies import AnswerReply

if TYPE_CHECKING:
    from pydantic import BaseModel

    from memsvc_retrievers.language import LanguageModel, Prompt


def probe_model(model: LanguageModel) -> None:
    """Whether questions can be asked; nonsense is an answer too.

    Raises:
        ModelUnavailable, ModelInaccessible: they cannot.
    """
    probe(model, prompts.answer("How many are two and three?", ()), AnswerReply, "the model")


def probe(model: LanguageModel, prompt: Prompt, schema: type[BaseModel], what: str) -> None:
    """Make one call; `what` is what an error calls the model.

    Raises:
        ModelUnavailable, ModelInaccessible: it cannot be made.
    """
    [completion] = model.complete_many([prompt], schema=schema)
    error = completion.error
    if isinstance(error, ModelUnavailable | ModelInaccessible):
        raise type(error)(f"{what} cannot be used: {error}") from error
