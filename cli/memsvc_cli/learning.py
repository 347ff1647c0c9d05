"""feedback, utility, gate, retain: what is learned from rewards, shown and undone."""

from typing import Annotated, Any

import typer

from memsvc_cli import learning_views, options, output, views
from memsvc_cli.group import Commands
from memsvc_cli.opening import opened
from memsvc_cli.short_ids import full

utility = typer.Typer(
    cls=Commands, name="utility", help="What memories are worth: show, top, reset, rebuild.", no_args_is_help=True
)
gate = typer.Typer(
    cls=Commands, name="gate", help="The gate that is fitted to your own outcomes.", no_args_is_help=True
)

MemoryId = Annotated[str, typer.Argument(metavar="ID", help="Its id, or four characters of it.")]


@options.takes("feedback")
def feedback(
    trace_id: Annotated[str, typer.Argument(metavar="TRACE", help="What search --trace, ask --json or episodes gave.")],
    reward: Annotated[float, typer.Option("--reward", min=-1, max=1, help="From -1 (harmful) to 1 (helpful).")],
    namespace: Annotated[
        str | None,
        typer.Option("--namespace", "-n", metavar="NAME", help="The trace must be of this one.", show_default=False),
    ] = None,
    db: options.Db = None,
    json: options.Json = False,
    **given: Any,
) -> None:
    """Reward what a look-up gave: episodes that helped are ranked up from then on; the rest where settings say so.

    \b
    memsvc feedback 300f78445ba9... --reward 1
    """
    with opened(db) as memory:
        receipt = memory.feedback(trace_id, reward, namespace=namespace, **given)
    if json:
        output.document(receipt)
        return
    output.line(f"{receipt.status}: {views.plural(len(receipt.moves), 'memory', 'memories')} moved")
    if receipt.moves:
        output.table(learning_views.moves(receipt.moves))
    for memory_id, why in receipt.skipped:
        output.note(f"{memory_id} was left alone: {why}")
    if receipt.note is not None:
        output.note(f"{receipt.note[0].upper()}{receipt.note[1:]}.")


@utility.command("show")
def show(
    memory_id: MemoryId,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Show what a memory is worth, and every step that made it so."""
    with opened(db) as memory:
        memory_id = full(memory, memory_id, namespace)
        worth = memory.utility(memory_id, namespace=namespace)
        steps = memory.utility_history(memory_id, namespace=namespace)
    if json:
        output.document({"id": memory_id, "utility": worth, "moves": steps})
        return
    if worth is None:
        output.note("No feedback has moved it since its reset." if steps else "No feedback has moved it.")
    else:
        output.pairs(learning_views.utility(worth))
        output.line()
    if steps:
        output.table(learning_views.moves(steps, of_one=True))


@utility.command("top")
@options.takes("top_utilities")
def top(
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
    **given: Any,
) -> None:
    """List the memories that are worth most."""
    with opened(db) as memory:
        found = [
            (memory.get(memory_id, namespace=namespace), worth)
            for memory_id, worth in memory.top_utilities(namespace=namespace, **given)
        ]
    if json:
        output.document({"memories": [{"memory": one, "utility": worth} for one, worth in found]})
    elif found:
        output.table(learning_views.utilities(found))
    else:
        output.note("No feedback was given yet.")


@utility.command("reset")
def reset(
    memory_id: MemoryId,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Take a memory's utility back to 0; its history stays."""
    with opened(db) as memory:
        move = memory.reset_utility(full(memory, memory_id, namespace), namespace=namespace)
    output.document(move) if json else output.line(f"{move.memory_id}: {move.before:+.3f} -> {move.after:+.3f}")


@utility.command("rebuild")
def rebuild(namespace: options.AnyNamespace = None, db: options.Db = None, json: options.Json = False) -> None:
    """Work all utilities out anew from the log of feedback."""
    with opened(db) as memory:
        names = memory.namespaces() if namespace is None else [namespace]
        done = {name: memory.rebuild_utilities(namespace=name) for name in names}
    if json:
        output.document({"namespaces": done})
        return
    for name, count in done.items():
        output.line(f"{name}: {views.plural(count, 'feedback or reset', 'feedbacks and resets')} replayed")


@gate.command("calibrate")
@options.takes("calibrate_gate")
def calibrate(
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
    **given: Any,
) -> None:
    """Fit the gate `calibrated` to the verdicts and rewards of this namespace, and show what to expect of it.

    \b
    memsvc gate calibrate --budget 0.25 -n acme/ann
    """
    with opened(db) as memory:
        found = memory.calibrate_gate(namespace=namespace, **given)
    output.document(found) if json else output.pairs(learning_views.calibration(found))


@options.takes("retain")
def retain(
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
    **given: Any,
) -> None:
    """Keep the messages and facts most worth it in the fast index; the rest turn cold. Nothing is deleted."""
    with opened(db) as memory:
        done = memory.retain(namespace=namespace, **given)
    if json:
        output.document(done)
    else:
        output.line(
            f"{done.hot:,} messages and facts hot, {len(done.cooled):,} turned cold, {len(done.warmed):,} turned warm"
        )
