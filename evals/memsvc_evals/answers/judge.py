"""Whether a model answers at all, and whether an answer is right: versioned prompts, one reply schema.

`lenient-1` is the generous judge in common use: what touches on the gold answer counts. `strict-1` fails what is vague,
hedged or incomplete: a generous judge was found to accept 63 % of deliberately vague wrong answers.
A prompt never changes under its name. Questions that have no answer (category 5) are not judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator

from memsvc.errors import ModelInaccessible, ModelUnavailable
from memsvc_evals.answers.records import Judgement
from memsvc_evals.errors import MeasurementError
from memsvc_retrievers.language import Prompt
from memsvc_retrievers.passages import one_line
from memsvc_retrievers.prompts import answering as prompts
from memsvc_retrievers.prompts.replies import AnswerReply, Reply, Short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from memsvc_retrievers.language import Completion, LanguageModel


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


_LENIENT = """\
You grade an answer to a question about a long conversation. You see the question, the gold answer, and the answer.
Be generous. The gold answer is short, the answer may be long: it is right if it touches on the same matter.
- A date or a time may be written in any form, and be relative ("last Tuesday", "the week before"). It is right if it
  means the same date or period.
- More detail than the gold answer has does no harm.
Reply with JSON: "reason" (one sentence), then "label": CORRECT or WRONG."""

_STRICT = """\
You grade an answer to a question about a long conversation. You see the question, the gold answer, and the answer.
The answer is right only if it states, in these words or others, everything that the gold answer states.
- It is wrong if it is vaguer than the gold answer: a subject instead of the thing, "in May" for a day, "several" for
  a number.
- It is wrong if an item of a list is missing, if it offers alternatives, or if it does not commit itself.
- It is wrong if it contradicts the gold answer in any point. Further details that do not contradict it do no harm.
- A name, a date or a number may be written in another form if it means exactly the same.
Reply with JSON: "reason" (one sentence), then "label": CORRECT or WRONG."""

PROMPTS = {"lenient-1": _LENIENT, "strict-1": _STRICT}

_UNANSWERED = Judgement(False, "nothing was answered")


def _upper(given: object) -> object:
    return given.strip().upper() if isinstance(given, str) else given


class JudgeReply(Reply):
    """The reason comes first: it is for the judge to think."""

    reason: Short
    label: Annotated[Literal["CORRECT", "WRONG"], BeforeValidator(_upper)]


def known(names: Sequence[str]) -> tuple[str, ...]:
    """The names of judge prompts, each once.

    Raises:
        MeasurementError: there is none of such a name.
    """
    unknown = [name for name in names if name not in PROMPTS]
    if unknown:
        raise MeasurementError(f"no judge prompt is named {unknown[0]!r}; there are {', '.join(PROMPTS)}")
    return tuple(dict.fromkeys(names))


def judge_prompt(name: str, question: str, gold: str, prediction: str) -> Prompt:
    """One answer under one of the prompts."""
    user = f"Question: {one_line(question)}\nGold answer: {one_line(gold)}\nAnswer: {one_line(prediction)}"
    return Prompt(PROMPTS[name], user, f"judge:{name}", max_tokens=512)


def probe_judge(judge: LanguageModel, name: str) -> None:
    """Whether answers can be judged.

    Raises:
        ModelUnavailable, ModelInaccessible: they cannot.
    """
    probe(judge, judge_prompt(name, "How many are two and three?", "5", "five"), JudgeReply, "the judge")


def judged(
    model: LanguageModel, names: Sequence[str], question: str, gold: str, prediction: str
) -> dict[str, Judgement]:
    """What a judge says of an answer under each prompt. Nothing at all is wrong without a call.

    Raises:
        ModelUnavailable, ModelInaccessible: the judge is away; no answer is to blame. One that is there, and fails at
            this answer alone, gives no judgement of it: else no resume could ever get past that answer.
    """
    if not prediction.strip():
        return dict.fromkeys(names, _UNANSWERED)
    prompts = [judge_prompt(name, question, gold, prediction) for name in names]
    completions = model.complete_many(prompts, schema=JudgeReply)
    if any(isinstance(one.error, ModelUnavailable | ModelInaccessible) for one in completions):
        probe_judge(model, names[0])
    return {name: _judgement(completion) for name, completion in zip(names, completions, strict=True)}


def _judgement(completion: Completion) -> Judgement:
    error, call = completion.error, completion.call
    if error is None:
        reply = completion.value(JudgeReply)
        correct, reason = reply.label == "CORRECT", reply.reason
    else:
        correct, reason = None, str(error)
    return Judgement(correct, reason, 1, call.prompt_tokens, call.completion_tokens, call.cost, call.seconds)
