"""add-episode, episodes, calibrate-episodes, reflect: task attempts, and what to take from them."""

import json as codec
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memsvc_cli import learning_views, options, output, receipts, views
from memsvc_cli.messages import read_text
from memsvc_cli.opening import callbacks, opened

if TYPE_CHECKING:
    from memsvc.episodes.found import Episodes


@options.takes("add_episode")
def add_episode(
    intent: Annotated[str, typer.Argument(help="What was asked.")],
    trajectory: Annotated[
        str,
        typer.Option(
            "--trajectory", "-t", metavar="FILE|-", help="What was done: a text, or a JSON list of steps; '-' is stdin."
        ),
    ],
    metadata: Annotated[
        str | None, typer.Option("--metadata", metavar="JSON", help="What else is known of it.", show_default=False)
    ] = None,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
    **given: Any,
) -> None:
    """Store a task attempt, verbatim, with its outcome.

    \b
    memsvc add-episode "List the users" --trajectory steps.json --reward 1
    """
    done, known = _trajectory(trajectory), _metadata(metadata)
    with opened(db, create=True) as memory:
        receipt = memory.add_episode(intent, done, namespace=namespace, metadata=known, **given)
    receipts.report(namespace, [receipt], [intent], json=json)


@options.takes("search_episodes", "kind", "role")
def episodes(
    intent: Annotated[str, typer.Argument(help="The task at hand.")],
    token_budget: Annotated[
        int | None, typer.Option("--token-budget", min=1, metavar="N", help="Show only what fits into so many tokens.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show similarity, Q-value and how they made the score.")
    ] = False,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
    **given: Any,
) -> None:
    """Find attempts at similar tasks: those to follow and those to avoid, ready for a prompt.

    \b
    memsvc episodes "List the users of the shop" --token-budget 800
    """
    with opened(db) as memory:
        found = memory.search_episodes(intent, namespace=namespace, **given)
    if json:
        output.document({**found.to_dict(), "text": found.text(token_budget)})
        return
    if not found.hits:
        output.note("No episode fits.")
        return
    _show(found, token_budget, explain=explain)
    output.note(f"Reward them with: memsvc feedback {found.trace_id} --reward 1")


def calibrate_episodes(
    namespace: options.Namespace = options.DEFAULT_NAMESPACE, db: options.Db = None, json: options.Json = False
) -> None:
    """Work out how alike intents must be for an episode to be considered (MemRL's delta), and keep it."""
    with opened(db) as memory:
        found = memory.calibrate_threshold(namespace=namespace)
    output.document({"threshold": found}) if json else output.line(
        f"intents count as similar above a cosine of {found:.3f}"
    )


def reflect(namespace: options.AnyNamespace = None, db: options.Db = None, json: options.Json = False) -> None:
    """Have the language model write the experience of episodes that only a rule has summed up.

    Exits with 1 if a job failed; `memsvc jobs` says why.
    """
    with opened(db) as memory, output.progress("Reflecting") as advance:
        ended = memory.reflect(namespace=namespace, **callbacks(memory, on_event=lambda _: advance(1)))
    done = sum(job.state == "done" for job in ended)
    if json:
        output.document({"jobs": ended})
    else:
        output.line(f"{views.plural(done, 'experience')} written, {len(ended) - done:,} put back or failed")
    if done < len(ended):
        raise typer.Exit(1)


def _show(found: "Episodes", token_budget: int | None, *, explain: bool) -> None:
    if explain:
        output.table(learning_views.episodes(found))
    else:
        for line in found.text(token_budget).splitlines():
            output.line(line)


def _trajectory(source: str) -> Any:
    text = read_text(source)
    if not text.lstrip().startswith("["):
        return text
    try:
        return codec.loads(text)
    except ValueError:
        return text


def _metadata(given: str | None) -> Any:
    try:
        return None if given is None else codec.loads(given)
    except ValueError as error:
        raise typer.BadParameter(
            f'--metadata is not JSON ({error}); give an object such as \'{{"tool": "shop"}}\''
        ) from error
