"""add-episode, episodes, reflect: task attempts, and what to take from them."""

import json as codec
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memsvc_cli import learning_views, options, output, receipts, views
from memsvc_cli.messages import read_text
from memsvc_cli.opening import callbacks, opened

if TYPE_CHECKING:
    from memsvc.episodes.found import Episodes


def add_episode(
    intent: Annotated[str, typer.Argument(help="What was asked.")],
    trajectory: Annotated[
        str,
        typer.Option(
            "--trajectory", "-t", metavar="FILE|-", help="What was done: a text, or a JSON list of steps; '-' is stdin."
        ),
    ],
    reward: Annotated[
        float | None, typer.Option("--reward", min=-1, max=1, help="From -1 to 1.", show_default=False)
    ] = None,
    success: Annotated[
        bool | None,
        typer.Option(
            "--success/--failure", help="How it ended; by default whether the reward is above 0.", show_default=False
        ),
    ] = None,
    experience: Annotated[
        str | None, typer.Option("--experience", metavar="TEXT", help="What to take from it.", show_default=False)
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="Store it once under this key.", show_default=False)
    ] = None,
    session: Annotated[
        str | None, typer.Option("--session", metavar="ID", help="The session it belongs to.", show_default=False)
    ] = None,
    timestamp: Annotated[
        str | None, typer.Option("--timestamp", metavar="TIME", help="When, in ISO 8601; now.", show_default=False)
    ] = None,
    metadata: Annotated[
        str | None, typer.Option("--metadata", metavar="JSON", help="What else is known of it.", show_default=False)
    ] = None,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Store a task attempt, verbatim, with its outcome.

    \b
    memsvc add-episode "List the users" --trajectory steps.json --reward 1
    """
    done, known = _trajectory(trajectory), _metadata(metadata)
    with opened(db, create=True) as memory:
        receipt = memory.add_episode(
            intent, done, namespace=namespace, reward=reward, success=success, experience=experience, key=key,
            session_id=session, timestamp=timestamp, metadata=known,
        )  # fmt: skip
    receipts.report(namespace, [receipt], [intent], json=json)


def episodes(
    intent: Annotated[str, typer.Argument(help="The task at hand.")],
    top_k: Annotated[
        int | None, typer.Option("--top-k", "-k", min=1, metavar="N", help="How many at most; 5.", show_default=False)
    ] = None,
    pool: Annotated[
        int | None,
        typer.Option("--pool", min=1, metavar="N", help="Of how many of the most similar; 10.", show_default=False),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold", min=-1, max=1, metavar="COSINE", help="How alike intents must be.", show_default=False
        ),
    ] = None,
    weight: Annotated[
        float | None,
        typer.Option("--weight", min=0, max=1, help="Learned utility's part (lambda).", show_default=False),
    ] = None,
    epsilon: Annotated[
        float | None,
        typer.Option("--epsilon", min=0, max=1, help="How often to choose at random; never.", show_default=False),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, metavar="N", help="Makes that choice repeatable.", show_default=False),
    ] = None,
    since: options.Since = None,
    until: options.Until = None,
    as_of: options.AsOf = None,
    session: options.Session = None,
    speaker: options.Speaker = None,
    token_budget: Annotated[
        int | None, typer.Option("--token-budget", min=1, metavar="N", help="Show only what fits into so many tokens.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show similarity, Q-value and how they made the score.")
    ] = False,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Find attempts at similar tasks: those to follow and those to avoid, ready for a prompt.

    \b
    memsvc episodes "List the users of the shop" --token-budget 800
    """
    wanted: Any = options.filters(since=since, until=until, as_of=as_of, session_id=session, speaker=speaker)
    with opened(db) as memory:
        found = memory.search_episodes(
            intent, namespace=namespace, top_k=top_k, pool=pool,
            threshold=threshold, weight=weight, epsilon=epsilon, seed=seed, **wanted,
        )  # fmt: skip
    if json:
        output.document({**found.to_dict(), "text": found.text(token_budget)})
        return
    if not found.hits:
        output.note("No episode fits.")
        return
    _show(found, token_budget, explain=explain)
    output.note(f"Reward them with: memsvc feedback {found.trace_id} --reward 1")


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
