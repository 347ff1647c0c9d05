"""eval learning: whether memory learns. What is measured, and how, is decided in `memsvc_evals.learning`."""

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memsvc_cli import learning_views, options, output
from memsvc_cli.group import Commands
from memsvc_cli.opening import opened_here
from memsvc_evals import plans

if TYPE_CHECKING:
    from collections.abc import Callable

    from memsvc_evals.learning.study import Study
    from memsvc_retrievers.protocols import Embedder

app = typer.Typer(
    cls=Commands, help="Measure whether memory learns from feedback, with no model needed.", no_args_is_help=True
)

Plan = Annotated[
    Path | None,
    typer.Option(
        "--plan",
        metavar="FILE",
        help="A TOML file that says what is run: seeds, epochs, and what else the study has. What is given here as "
        "well overrides it.",
        show_default=False,
    ),
]
Seeds = Annotated[
    int | None, typer.Option("--seeds", min=1, metavar="N", help="Repeat with so many seeds.", show_default=False)
]
Epochs = Annotated[
    int | None, typer.Option("--epochs", min=1, metavar="N", help="How often everything is done.", show_default=False)
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", min=1, metavar="N", help="Processes at once; one a processor.", show_default=False),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write study.json and study.png here.", show_default=False),
]


def _made_up(name: str, about: str, *, embedded: bool = False) -> None:
    """A study that makes its own tasks: its name, what its help says, and whether it embeds them."""

    def command(
        plan: Plan = None,
        seeds: Seeds = None,
        epochs: Epochs = None,
        jobs: Jobs = None,
        out: Out = None,
        json: options.Json = False,
    ) -> None:
        study = import_module(f"memsvc_evals.learning.{name}")
        given = {"embedder": _embedder()} if embedded else {}
        wanted = plans.read(plan, study.Plan, seeds=seeds, epochs=epochs)
        _study(getattr(study, f"run_{name}"), {**given, "plan": wanted}, jobs, out, json)

    command.__doc__ = about
    app.command(name)(command)


_made_up(
    "planted",
    """Find the experiences that help among near-duplicates that don't.

    \b
    memsvc eval learning planted --out results/planted
    """,
)
_made_up(
    "poisoning",
    """Let one client of twenty lie, with the cap on what it may move and without.

    \b
    memsvc eval learning poisoning --out results/poisoning
    """,
)
_made_up(
    "babyai",
    """Do BabyAI's levels, for real, in minigrid.

    \b
    memsvc eval learning babyai --out results/babyai
    """,
    embedded=True,
)


@app.command("locomo")
def locomo(
    data: Annotated[Path, typer.Option("--data", metavar="PATH", help="locomo10.json, or a file of its form.")],
    limit_conversations: Annotated[
        int | None,
        typer.Option("--limit-conversations", min=1, metavar="N", help="Only the first N.", show_default=False),
    ] = None,
    plan: Plan = None,
    seeds: Seeds = None,
    epochs: Epochs = None,
    jobs: Jobs = None,
    out: Out = None,
    json: options.Json = False,
) -> None:
    """Reward look-ups in LoCoMo by the evidence that they found, under several weights of utility.

    \b
    memsvc eval learning locomo --data locomo10.json --out results/feedback
    """
    from memsvc_evals import load_locomo
    from memsvc_evals.learning import feedback_locomo as study

    wanted = plans.read(plan, study.Plan, seeds=seeds, epochs=epochs)
    dataset = load_locomo(data, limit=limit_conversations)
    _study(study.run_feedback, {"dataset": dataset, "embedder": _embedder(), "plan": wanted}, jobs, out, json)


@app.command("llb")
def llb(
    data: Annotated[Path, typer.Option("--data", metavar="PATH", help="db_train.json, or a file of its form.")],
    plan: Plan = None,
    seeds: Seeds = None,
    epochs: Epochs = None,
    jobs: Jobs = None,
    out: Out = None,
    json: options.Json = False,
) -> None:
    """Do LifelongAgentBench's database tasks, for real, in SQLite.

    \b
    memsvc eval learning llb --data db_train.json --out results/llb
    """
    from memsvc_evals.learning import llb as study

    wanted = plans.read(plan, study.Plan, seeds=seeds, epochs=epochs)
    tasks, left_out = study.load_tasks(data)
    given = {"tasks": tasks, "embedder": _embedder(), "left_out": left_out, "plan": wanted}
    _study(study.run_llb, given, jobs, out, json)
    output.note(f"{len(tasks)} tasks, {len(left_out)} left out that SQLite cannot judge.")


@app.command("offpolicy")
def offpolicy(
    weights: Annotated[
        list[float] | None,
        typer.Option(
            "--weight", min=0, max=1, metavar="W", help="A lambda to judge; may be repeated. [default: 0, 0.25, ... 1]"
        ),
    ] = None,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Estimate from your own log what other weights of utility would earn.

    It takes choices that were drawn with chance: look-ups with an epsilon above 0, and rewards for them.

    \b
    memsvc eval learning offpolicy -n shop/agent --weight 0.3 --weight 0.7
    """
    from memsvc_evals.learning.offpolicy import WEIGHTS, evaluate

    with opened_here(db) as memory:
        report = evaluate(memory.store.learning.outcomes(namespace, "episodes"), weights or WEIGHTS)
    if json:
        output.document({"namespace": namespace, "report": report})
        return
    output.line(f"{report.rewarded:,} rewarded choices, {report.drawn:,} of them drawn with chance")
    output.table(learning_views.weights(report))


def _embedder() -> "Embedder":
    from memsvc import Settings, wiring

    return wiring.build_embedder(Settings.load())


def _study(run: "Callable[..., Study]", given: dict[str, Any], jobs: int | None, out: Path | None, json: bool) -> None:
    """Run a study, keep it and show it. A plot that cannot be drawn is known before the minutes that a study takes."""
    from memsvc_evals.learning.report import plot, tables
    from memsvc_evals.plotting import require_plots

    if out is not None:
        require_plots()
    with output.stages({"run": "Runs"}) as progress:
        study = run(**given, workers=jobs or os.cpu_count() or 1, progress=progress)
    if out is not None:
        study.save(out)
        plot(study, out)
    if json:
        output.document(study.to_dict())
    else:
        output.tables(tables(study))
    if out is not None:
        output.note(f"Written to {out}.")
