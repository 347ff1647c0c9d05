"""sessions, session, traces: the commands that show what there is, without a question."""

from typing import Annotated, Any

import typer

from memsvc_cli import answer_views, options, output, views
from memsvc_cli.opening import opened
from memsvc_cli.reading import say_notes, say_why_nothing


def sessions(
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help=options.told("sessions", "limit"))] = 100,
    offset: Annotated[int, typer.Option("--offset", min=0, metavar="N", help=options.told("sessions", "offset"))] = 0,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """List the sessions in which something was said, the one with the latest message first; times are UTC.

    \b
    memsvc sessions -n acme/ann --limit 5
    """
    with opened(db) as memory:
        found = memory.sessions(namespace=namespace, limit=limit, offset=offset)
        if json:
            output.document({"namespace": namespace, "limit": limit, "offset": offset, "sessions": found})
        elif found:
            output.table(views.sessions(found))
        else:
            say_why_nothing(memory, namespace)
    if len(found) == limit:
        output.note(f"There may be more: --offset {offset + limit} goes on.")


def session(
    session_id: Annotated[str, typer.Argument(metavar="ID", help="The session, as `sessions` shows it.")],
    last: Annotated[int, typer.Option("--last", min=1, metavar="N", help=options.told("session", "last"))] = 100,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Show the last messages of a session, in the order of the conversation.

    \b
    memsvc session monday -n acme/ann --last 20
    """
    with opened(db) as memory:
        found = memory.session(session_id, namespace=namespace, last=last)
        if json:
            output.document({"namespace": namespace, "session_id": session_id, "memories": found, "notes": found.notes})
        elif found:
            output.table(views.conversation(found))
        else:
            say_why_nothing(memory, namespace)
    say_notes(found.notes)
    if found and found[0].position and len(found) == last:
        output.note(f"There may be earlier ones: --last {2 * last} shows more.")


@options.takes("traces")
def traces(
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help=options.told("traces", "limit"))] = 20,
    offset: Annotated[int, typer.Option("--offset", min=0, metavar="N", help=options.told("traces", "offset"))] = 0,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
    **given: Any,
) -> None:
    """List the look-ups that were kept, newest first, with the rewards that they were given.

    \b
    memsvc traces -n acme/ann --kind ask
    """
    with opened(db) as memory:
        found = memory.traces(namespace=namespace, limit=limit, offset=offset, **given)
        if json:
            output.document({"namespace": namespace, "limit": limit, "offset": offset, "traces": found})
        elif found:
            output.table(answer_views.traces(found))
        else:
            say_why_nothing(memory, namespace, f"the traces of namespace {namespace!r}")
    if len(found) == limit:
        output.note(f"There may be more: --offset {offset + limit} goes on.")
