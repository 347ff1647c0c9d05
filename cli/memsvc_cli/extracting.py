"""extract, jobs: facts worked out of messages that are stored already."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from memsvc_cli import options, output, views
from memsvc_cli.asking import Model
from memsvc_cli.opening import callbacks, known, opened

if TYPE_CHECKING:
    from memsvc.work.outcomes import ExtractionSummary
    from memsvc_cli.opening import Opened
    from memsvc_store.values.jobs import Job

State = Annotated[
    str | None,
    typer.Option("--state", metavar="STATE", help="Only these: queued, running, done or failed.", show_default=False),
]


def extract(
    again: Annotated[bool, typer.Option("--retry", help="Try failed jobs, and those that wait, again.")] = False,
    model: Model = None,
    namespace: options.AnyNamespace = None,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Work out the facts of messages that were not worked through yet, with the language model that the settings name.

    Exits with 1 if a job could not be done, and says why. The messages are safe whatever happens.

    \b
    memsvc extract -n acme/ann
    """
    with opened(db, model=model) as memory:
        if namespace is not None:
            known(memory, namespace)
        if again:
            memory.retry(namespace=namespace)
        summary = _extracted(memory, namespace)
    if json:
        output.document(summary)
    else:
        output.line(_said(summary))
    if summary.free_at is not None:
        output.note(_left(summary))
    if summary.error is not None:
        output.error(summary.error)
        raise typer.Exit(1)


def jobs(
    state: State = None,
    everything: Annotated[bool, typer.Option("--all", help="List also those that are done.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="The newest so many.")] = 50,
    namespace: options.AnyNamespace = None,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """List the newest jobs in the order they were queued; those that are done in one line, unless asked for.

    \b
    memsvc jobs --state failed
    """
    with opened(db) as memory:
        if namespace is not None:
            known(memory, namespace)
        chosen: Any = state  # checked by the library, which knows the states
        found = memory.jobs(namespace=namespace, state=chosen)
    done = [] if everything or state else [job for job in found if job.state == "done"]
    wanted = [job for job in found if job.state != "done"] if done else found
    shown = wanted[-limit:]
    if json:
        output.document({"jobs": shown, "left_out": {"done": len(done), "older": len(wanted) - len(shown)}})
        return
    if shown:
        output.table(views.jobs(shown))
    if len(shown) < len(wanted):
        output.note(f"The newest {len(shown):,} of {len(wanted):,}; --limit N lists more.")
    if done:
        output.note(
            f"{views.plural(len(done), 'job')} done: {views.counted(done) or 'nothing found'}; --all lists them."
        )
    if not found:
        output.note("No jobs.")


def _extracted(memory: "Opened", namespace: str | None) -> "ExtractionSummary":
    """Extract under a bar; where that ends before its time, say what was done."""
    from memsvc.errors import MemsvcError
    from memsvc.work.outcomes import ExtractionSummary

    ended: list[Job] = []
    total = 0

    def queued(count: int) -> None:
        nonlocal total
        total = count
        report("Extracting", 0, total)

    def event(job: "Job") -> None:
        ended.append(job)
        report("Extracting", len(ended), total)

    try:
        with output.stages({}) as report:
            return memory.extract(namespace=namespace, **callbacks(memory, on_event=event, on_queued=queued))
    except (KeyboardInterrupt, MemsvcError):
        if ended:
            output.note(f"Before it stopped: {_said(ExtractionSummary.of(ended))}.")
        raise


def _left(summary: "ExtractionSummary") -> str:
    """What waits, and until when."""
    assert summary.free_at is not None
    parts = [
        f"{views.plural(number, 'job')} {what}"
        for number, what in ((summary.waiting, "left for another attempt"), (summary.held, "held by another worker"))
        if number
    ]
    hint = "; `memsvc extract --retry` tries them at once" if summary.waiting else ""
    return f"{', '.join(parts)}: not before {views.when(summary.free_at, seconds=True)} UTC{hint}."


def _said(summary: "ExtractionSummary") -> str:
    counts = [views.plural(summary.done, "job"), views.plural(summary.stored, "new fact")]
    for number, what in (
        (summary.updated + summary.deleted, "replaced"),
        (summary.unchanged, "known already"),
        (summary.dropped, "dropped"),
        (summary.put_back, "put back"),
        (summary.failed, "failed"),
    ):
        if number:
            counts.append(f"{number:,} {what}")
    return ", ".join(counts)
