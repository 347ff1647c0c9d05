"""search, trace, get, list, history: the commands that read what was asked for."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from memsvc_cli import answer_views, options, output, views
from memsvc_cli.opening import opened
from memsvc_cli.short_ids import full

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_cli.opening import Opened


@options.takes("search")
def search(
    query: Annotated[str, typer.Argument(help="What to look for, in your own words.")],
    explain: Annotated[bool, typer.Option("--explain", help="Show the parts of each score.")] = False,
    prompt: Annotated[
        bool, typer.Option("--prompt", help="Print lines for a model's prompt: time, who, text; repeats once, counted.")
    ] = False,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
    **given: Any,
) -> None:
    """Find the memories that fit a question best.

    \b
    memsvc search "Where does Ann live?" -n acme/ann -k 5
    memsvc search "plans for the summer" --speaker Ann --since 2026-01-01 --explain
    memsvc search "plans for the summer" --prompt --token-budget 500
    memsvc search "plans for the summer" --namespaces 'acme/*'
    """
    several = given.get("namespaces")
    with opened(db) as memory:
        found = memory.search(query, namespace=namespace if several is None else None, **given)
        if json:
            place = {"namespace": namespace} if several is None else {"namespaces": several}
            told = {"query": query, "trace_id": found.trace_id, "hits": list(found), "notes": list(found.notes)}
            output.document({**place, **told})
        elif found and prompt:
            for one in found.text(given.get("token_budget")).splitlines():
                output.line(one)
        elif found:
            output.table(views.hits(found, explain=explain, timezone=given.get("timezone")))
        if found.trace_id is not None and not json:
            output.note(f"Reward what helped with: memsvc feedback {found.trace_id} --reward 1")
        say_notes(found.notes)
        if several is None and (explain or not found):
            explain_gaps(memory, namespace, found=bool(found))


def get(
    memory_id: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="Its id, or four characters of it.", show_default=False),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="The memory by the key that it was added under.")
    ] = None,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Show one memory in full.

    \b
    memsvc get 3f2a... -n acme/ann
    memsvc get --key chat-17/3 -n acme/ann
    """
    if (memory_id is None) == (key is None):
        raise typer.BadParameter("give either the ID of a memory or its --key")
    with opened(db) as memory:
        memory_id = None if memory_id is None else full(memory, memory_id, namespace)
        one = memory.get(memory_id, namespace=namespace, key=key)
    output.document(one) if json else output.pairs(views.memory(one))


def trace(
    trace_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, or four characters of it.")],
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Show what a look-up considered and gave, and what the answer cites.

    \b
    memsvc trace 300f78445ba9... -n acme/ann
    """
    with opened(db) as memory:
        found = memory.trace(full(memory, trace_id, namespace, "trace"), namespace=namespace)
    if json:
        output.document(found)
        return
    output.pairs(answer_views.trace(found))
    if found.pool or found.used:
        output.line()
        output.table(answer_views.considered(found))


@options.takes("list")
def list_(
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help=options.told("list", "limit"))] = 100,
    offset: Annotated[int, typer.Option("--offset", min=0, metavar="N", help=options.told("list", "offset"))] = 0,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
    **given: Any,
) -> None:
    """List memories in the order of their event time.

    \b
    memsvc list -n acme/ann --order newest --limit 20
    """
    with opened(db) as memory:
        found = memory.list(namespace=namespace, limit=limit, offset=offset, **given)
        if json:
            output.document(
                {
                    "namespace": namespace,
                    "limit": limit,
                    "offset": offset,
                    "memories": found,
                    "notes": list(found.notes),
                }
            )
        elif found:
            output.table(views.memories(found, given.get("timezone")))
        else:
            say_why_nothing(memory, namespace)
    say_notes(found.notes)
    if len(found) == limit:
        output.note(f"There may be more: --offset {offset + limit} goes on.")


def history(
    memory_id: Annotated[
        str, typer.Argument(metavar="ID", help="Its id, or four characters of it; of a deleted one too.")
    ],
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Show what happened to a memory, oldest first, with what each step replaced.

    \b
    memsvc history 3f2a... -n acme/ann
    """
    with opened(db) as memory:
        memory_id = full(memory, memory_id, namespace)
        steps = memory.history(memory_id, namespace=namespace)
    output.document({"id": memory_id, "changes": steps}) if json else output.table(views.changes(steps))


def say_notes(notes: "Sequence[str]") -> None:
    """Tell a person of filters that name nobody and nothing that there is."""
    for one in notes:
        output.note(f"{one[:1].upper()}{one[1:]}")


def explain_gaps(memory: "Opened", namespace: str, *, found: bool) -> None:
    """Tell a person why a look-up found nothing, or could find less than it should. Costs queries of its own."""
    if not found:
        say_why_nothing(memory, namespace)
        if namespace not in memory.namespaces():
            return
    if stale := memory.stats(namespace=namespace)["stale"]:
        output.note(
            f"{views.plural(stale, 'memory is', 'memories are')} not embedded by the model in use yet and found by "
            f"words only; `memsvc reindex -n {namespace}` catches up."
        )


def say_why_nothing(memory: "Opened", namespace: str, where: str | None = None) -> None:
    """Tell a person that there is nothing in the namespace, or in a part of it, or that there is no such namespace."""
    names = memory.namespaces()
    if namespace in names:
        output.note(f"Nothing found in {where or f'namespace {namespace!r}'}.")
    else:
        known = f"; there are {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}" if names else ""
        output.note(f"Nothing found: namespace {namespace!r} holds no memories{known}.")
