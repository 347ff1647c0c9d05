"""ask: a question, its steps while they happen, the answer and what it rests on."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from memsvc_cli import answer_views, options, output, views
from memsvc_cli.opening import opened
from memsvc_cli.reading import explain_gaps, say_notes

if TYPE_CHECKING:
    from collections.abc import Callable

    from memsvc import Answer, Event

Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="The language model: ollama/..., hosted_vllm/..., openai/..., local/... [default: MEMSVC_MODEL]",
        show_default=False,
    ),
]


@options.takes("ask")
def ask(
    question: Annotated[str, typer.Argument(help="The question.")],
    model: Model = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what the gate said, what was read and what each call cost.")
    ] = False,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
    **given: Any,
) -> None:
    """Answer a question, and say what the answer rests on. Without a language model it is what was said, best first.

    \b
    memsvc ask "Where does Ann live?" -n acme/ann
    memsvc ask "Why did Ann move?" --model ollama/qwen3:8b --gate quality --explain
    """
    with opened(db) as memory:
        with output.steps("Looking up") as show:
            answer = memory.ask(question, namespace=namespace, model=model, on_event=_shown(show), **given)
        if json:
            output.document(answer)
        else:
            _print(answer, explain=explain, timezone=given.get("timezone"))
        say_notes(answer.notes)
        if not answer.evidence and answer.verdict is None:
            explain_gaps(memory, namespace, found=False)


def _shown(show: output.Step) -> "Callable[[Event], None]":
    """Each event as what is done and what comes next."""

    def event(one: "Event") -> None:
        if one.stage == "deliberating":
            show("", f"Deliberating {one.done}/{one.total}" if one.done < one.total else "Answering")
        elif one.stage == "retrieved":
            show(f"{one.seconds:6.2f} s  retrieved {views.plural(one.done, 'memory', 'memories')}", "Drafting")
        elif one.stage == "drafted":
            show(f"{one.seconds:6.2f} s  drafted “{one.text}”", "Judging")
        elif one.stage == "judged" and one.verdict is not None:
            show(f"{one.seconds:6.2f} s  judged: {answer_views.judged(one.verdict)}", "Deliberating")

    return event


def _print(answer: "Answer", *, explain: bool, timezone: str | None) -> None:
    for said in answer.text.splitlines():
        output.line(said, style="bold")
    output.line(answer_views.provenance(answer), style="dim")
    if answer.evidence and (explain or answer.process != "extractive"):  # whose evidence is its text
        output.line()
        output.table(answer_views.evidence(answer.evidence, timezone))
    if not explain:
        return
    if answer.trace_id is not None:
        output.note(f"Reward it with: memsvc feedback {answer.trace_id} --reward 1")
    if answer.verdict is not None and answer.verdict.reasons:
        output.line()
        output.table(answer_views.reasons(answer.verdict))
    if answer.coverage is not None:
        output.line()
        output.pairs(answer_views.coverage(answer.coverage))
    if answer.ledger.calls:
        output.line()
        output.table(answer_views.ledger(answer.ledger))
