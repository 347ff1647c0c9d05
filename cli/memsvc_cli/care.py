"""namespaces, stats, verify, reindex, doctor, config: looking after a database."""

from typing import TYPE_CHECKING

import typer

from memsvc_cli import options, output, views
from memsvc_cli.opening import callbacks, known, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memsvc.doctor import Check
    from memsvc_cli.opening import Opened


def namespaces(db: options.Db = None, json: options.Json = False) -> None:
    """List the namespaces of a database."""
    with opened(db) as memory:
        names = memory.namespaces()
    if json:
        output.document({"namespaces": names})
        return
    for name in names:
        output.line(name)
    if not names:
        output.note("The database is empty.")


def stats(namespace: options.AnyNamespace = None, db: options.Db = None, json: options.Json = False) -> None:
    """Count what a namespace holds: sessions, messages, memories, and those that wait to be embedded (stale)."""
    with opened(db) as memory:
        counts = {name: memory.stats(namespace=name) for name in _chosen(memory, namespace)}
    if json:
        output.document({"namespaces": counts})
    elif counts:
        output.table(views.counts(counts))
    else:
        output.note("The database is empty.")


def verify(namespace: options.AnyNamespace = None, db: options.Db = None, json: options.Json = False) -> None:
    """Check a database: its file, every hash, and what is derived against what was written.

    Exits with 1 if there are problems, and lists them.
    """
    with opened(db) as memory:
        names = [known(memory, namespace)] if namespace else memory.namespaces()
        with output.spinner("Verifying"):
            problems = memory.verify(namespace=namespace)
    if json:
        output.document({"namespaces": names, "problems": problems})
    elif not problems:
        output.line(f"verified: {views.plural(len(names), 'namespace')}, no problems")
    else:
        for problem in problems:
            output.line(problem)
        output.note(f"{views.plural(len(problems), 'problem')} in {views.plural(len(names), 'namespace')}.")
    if problems:
        raise typer.Exit(1)


def reindex(namespace: options.AnyNamespace = None, db: options.Db = None, json: options.Json = False) -> None:
    """Embed what the model in use has not embedded yet, and build the indexes anew.

    \b
    memsvc reindex -n acme/ann
    """
    done = {}
    with opened(db) as memory:
        for name in _chosen(memory, namespace):
            stale = memory.stats(namespace=name)["stale"]
            with output.progress(f"Embedding {name}", stale) as advance:
                done[name] = {
                    "embedded": stale,
                    "memories": memory.reindex(namespace=name, **callbacks(memory, progress=advance)),
                }
    if json:
        output.document({"namespaces": done})
        return
    for name, counts in done.items():
        output.line(f"{name}: {counts['embedded']:,} embedded, {counts['memories']:,} indexed")


def doctor(db: options.Db = None, json: options.Json = False) -> None:
    """Check the parts: database, embedder, language model (one tiny call), GPU, and the service of MEMSVC_URL if set.

    Says what to do where one does not work.

    Exits with 1 if a part fails. A part that is not set up, and need not be, is off.
    """
    from memsvc import Settings
    from memsvc.doctor import examine

    found = []
    for check in _as_they_come(examine(Settings.load(database=db))):
        found.append(check)
        if output.on_terminal() and not json:
            _say(check)
    if json:
        output.document({"checks": found})
    elif not output.on_terminal():
        output.table(views.checks(found))
    if any(check.status == "failed" for check in found):
        raise typer.Exit(1)


def config(json: options.Json = False) -> None:
    """Show each setting: its value, and where it comes from (default, file, environment). Secrets are masked."""
    from memsvc import Settings
    from memsvc.sources import settings_of

    found = settings_of(Settings.load())
    output.document({"settings": found}) if json else output.table(views.settings(found))


def _as_they_come(checks: "Iterator[Check]") -> "Iterator[Check]":
    """Each check when it is done, with a spinner until then."""
    while True:
        with output.spinner("Examining"):
            check = next(checks, None)
        if check is None:
            return
        yield check


def _say(check: "Check") -> None:
    """A check for a person, and below it what to do."""
    lead = f"{check.part:<11}{check.status:<7}"
    output.line(check.found, lead=lead)
    if check.advice:
        output.line(check.advice, style="dim", indent=len(lead))


def _chosen(memory: "Opened", namespace: str | None) -> list[str]:
    return memory.namespaces() if namespace is None else [namespace]
