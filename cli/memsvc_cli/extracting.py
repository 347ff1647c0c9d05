"""extract, jobs: facts worked out of messages that are stored already."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from memsvc_cli import options, output, views
from memsvc_cli.opening import opened

if TYPE_CHECKING:
    from memsvc.jobs import ExtractionSummary

State = Annotated[
    str | None,
    typer.Option("--state", metavar="STATE", help="Only these: queued, running, done or failed.", show_default=False),
]


def extract(
    again: Annotated[bool, typer.Option("--retry", help="Try failed jobs again, too.")] = False,
    namespace: options.AnyNamespace = None,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Work out the facts of messages that were not worked through yet, with the language model that the settings name.

    Exits with 1 if a job failed; `memsvc jobs` says why. The messages are safe whatever happens.

    \b
    memsvc extract -n acme/ann
    """
    with opened(db) as memory:
        if again:
            memory.retry(namespace=namespace)
        with output.progress("Extracting") as advance:
            summary = memory.extract(namespace=namespace, on_event=lambda _: advance(1))
    if json:
        output.document(summary)
    else:
        output.line(_said(summary))
    if summary.failed:
        raise typer.Exit(1)


def jobs(
    state: State = None, namespace: options.AnyNamespace = None, db: options.Db = None, json: options.Json = False
) -> None:
    """List the jobs, done and undone, in the order they were queued.

    \b
    memsvc jobs --state failed
    """
    with opened(db) as memory:
        chosen: Any = state  # checked by the library, which knows the states
        found = memory.jobs(namespace=namespace, state=chosen)
    if json:
        output.document({"jobs": found})
    elif found:
        output.table(*views.jobs(found))
    else:
        output.note("No jobs.")


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
