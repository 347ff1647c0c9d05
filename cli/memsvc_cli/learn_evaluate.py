"""eval learning: whether memory learns. What is measured, and how, is decided in `memsvc_evals.learning`."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memsvc_cli import learning_views, options, output
from memsvc_cli.group import Commands
from memsvc_cli.opening import opened_here

if TYPE_CHECKING:
    from memsvc_evals.learning.study import Study

app = typer.Typer(
    cls=Commands, help="Measure whether memory learns from feedback, with no model needed.", no_args_is_help=True
)

_STAGES = {"run": "Runs"}

Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write study.json and study.png here.", show_default=False),
]
Seeds = Annotated[int, typer.Option("--seeds", min=1, metavar="N", help="Repeat with so many seeds.")]
Epochs = Annotated[int, typer.Option("--epochs", min=1, metavar="N", help="How often everything is done.")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", min=1, metavar="N", help="Processes at once; one a processor.", show_default=False),
]


@app.command("planted")
def planted(
    seeds: Seeds = 10, epochs: Epochs = 10, jobs: Jobs = None, out: Out = None, json: options.Json = False
) -> None:
    """Find the experiences that help among near-duplicates that don't.

    \b
    memsvc eval learning planted --out results/planted
    """
    from memsvc_evals.learning.planted import Plan, run_planted

    _prepare(out)
    with output.stages(_STAGES) as progress:
        study = run_planted(plan=Plan(seeds, epochs), workers=_workers(jobs), progress=progress)
    _show(study, out, json)


@app.command("poisoning")
def poisoning(
    seeds: Seeds = 10, epochs: Epochs = 10, jobs: Jobs = None, out: Out = None, json: options.Json = False
) -> None:
    """Let one client of twenty lie, with the cap on what it may move and without.

    \b
    memsvc eval learning poisoning --out results/poisoning
    """
    from memsvc_evals.learning.planted import Plan
    from memsvc_evals.learning.poisoning import run_poisoning

    _prepare(out)
    with output.stages(_STAGES) as progress:
        study = run_poisoning(plan=Plan(seeds, epochs), workers=_workers(jobs), progress=progress)
    _show(study, out, json)


@app.command("locomo")
def locomo(
    data: Annotated[Path, typer.Option("--data", metavar="PATH", help="locomo10.json, or a file of its form.")],
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights", metavar="LIST", help="Values of search_weight to try. [default: 0,0.1,0.3]", show_default=False
        ),
    ] = None,
    limit_conversations: Annotated[
        int | None,
        typer.Option("--limit-conversations", min=1, metavar="N", help="Only the first N.", show_default=False),
    ] = None,
    seeds: Seeds = 5,
    epochs: Epochs = 3,
    jobs: Jobs = None,
    out: Out = None,
    json: options.Json = False,
) -> None:
    """Reward look-ups in LoCoMo by the evidence that they found.

    \b
    memsvc eval learning locomo --data locomo10.json --out results/feedback
    """
    from memsvc import Settings, wiring
    from memsvc_evals import load_locomo
    from memsvc_evals.learning.feedback_locomo import Plan, run_feedback

    _prepare(out)
    plan = Plan(seeds, epochs) if weights is None else Plan(seeds, epochs, _numbers(weights))
    dataset = load_locomo(data, limit=limit_conversations)
    with output.stages(_STAGES) as progress:
        embedder = wiring.build_embedder(Settings.load())
        study = run_feedback(dataset, embedder, plan=plan, workers=_workers(jobs), progress=progress)
    _show(study, out, json)


@app.command("llb")
def llb(
    data: Annotated[Path, typer.Option("--data", metavar="PATH", help="db_train.json, or a file of its form.")],
    seeds: Seeds = 10,
    epochs: Epochs = 10,
    jobs: Jobs = None,
    out: Out = None,
    json: options.Json = False,
) -> None:
    """Do LifelongAgentBench's database tasks, for real, in SQLite.

    \b
    memsvc eval learning llb --data db_train.json --out results/llb
    """
    from memsvc import Settings, wiring
    from memsvc_evals.learning.llb import Plan, load_tasks, run_llb

    _prepare(out)
    tasks, left_out = load_tasks(data)
    with output.stages(_STAGES) as progress:
        study = run_llb(
            tasks,
            wiring.build_embedder(Settings.load()),
            left_out=left_out,
            plan=Plan(seeds=seeds, epochs=epochs),
            workers=_workers(jobs),
            progress=progress,
        )
    _show(study, out, json)
    output.note(f"{len(tasks)} tasks, {len(left_out)} left out that SQLite cannot judge.")


@app.command("babyai")
def babyai(
    seeds: Seeds = 10, epochs: Epochs = 10, jobs: Jobs = None, out: Out = None, json: options.Json = False
) -> None:
    """Do BabyAI's levels, for real, in minigrid.

    \b
    memsvc eval learning babyai --out results/babyai
    """
    from memsvc import Settings, wiring
    from memsvc_evals.learning.babyai import Plan, run_babyai

    _prepare(out)
    plan = Plan(seeds=seeds, epochs=epochs)
    with output.stages(_STAGES) as progress:
        embedder = wiring.build_embedder(Settings.load())
        study = run_babyai(embedder, plan=plan, workers=_workers(jobs), progress=progress)
    _show(study, out, json)


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
    output.table(*learning_views.weights(report))


def _prepare(out: Path | None) -> None:
    """A plot that cannot be drawn is known before the minutes that a study takes."""
    if out is not None:
        from memsvc_evals.learning.plots import require_plots

        require_plots()


def _workers(jobs: int | None) -> int:
    import os

    return jobs or os.cpu_count() or 1


def _numbers(text: str) -> tuple[float, ...]:
    from memsvc.errors import InvalidInput

    numbers = []
    for part in text.split(","):
        with suppress(ValueError):
            numbers.append(float(part))
    if len(numbers) != len(text.split(",")) or not all(0 <= number < 1 for number in numbers):
        raise InvalidInput(f"--weights came as {text!r}; give numbers from 0 to below 1, such as 0,0.1,0.3")
    return tuple(numbers)


def _show(study: "Study", out: Path | None, json: bool) -> None:
    from memsvc_evals.learning.tables import sheets

    if out is not None:
        from memsvc_evals.learning.plots import plot

        study.save(out)
        plot(study, out)
    if json:
        output.document(study.to_dict())
    else:
        for sheet in sheets(study):
            output.line(sheet.title)
            output.table([output.Column(name, right=at > 0) for at, name in enumerate(sheet.head)], sheet.rows)
            output.line()
    if out is not None:
        output.note(f"Written to {out}.")
