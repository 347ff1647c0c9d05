"""eval, bench: measuring. What is measured, and how, is decided in `memsvc_evals`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memsvc_cli import learn_evaluate, options, output
from memsvc_cli.group import Commands
from memsvc_cli.opening import opened, own_or_temporary

if TYPE_CHECKING:
    from memsvc_evals import Dataset

app = typer.Typer(
    cls=Commands, help="Score how much of the evidence is found, on a public data set.", no_args_is_help=True
)

app.add_typer(learn_evaluate.app, name="learning")

_STAGES = {"add": "Storing", "search": "Asking", "baselines": "Plain methods"}

Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write summary.json and questions.jsonl here.", show_default=False),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit-conversations", min=1, metavar="N", help="Only the first N.", show_default=False),
]


@app.command("locomo")
def locomo(
    data: Annotated[Path, typer.Option("--data", metavar="PATH", help="locomo10.json, or a file of its form.")],
    out: Out = None,
    limit_conversations: Limit = None,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Score evidence retrieval on LoCoMo.

    Without --db it works in a temporary database.

    \b
    memsvc eval locomo --data locomo10.json --out results/locomo
    """
    from memsvc_evals import load_locomo

    _evaluate(load_locomo(data, limit=limit_conversations), out, db, json)


@app.command("realtalk")
def realtalk(
    data: Annotated[Path, typer.Option("--data", metavar="PATH", help="A folder of Chat_*.json, or one chat.")],
    out: Out = None,
    limit_conversations: Limit = None,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Score evidence retrieval on REALTALK.

    Without --db it works in a temporary database.

    \b
    memsvc eval realtalk --data realtalk/ --out results/realtalk
    """
    from memsvc_evals import load_realtalk

    _evaluate(load_realtalk(data, limit=limit_conversations), out, db, json)


def bench(
    quick: Annotated[
        bool, typer.Option("--quick", help="Small sizes: done in seconds, good for a first look.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Measure speed against the raw parts, in the same run.

    \b
    memsvc bench --quick
    """
    from memsvc_evals import bench_table, run_bench

    with output.stages({}) as progress:
        measurements = run_bench(quick=quick, progress=progress)
    if json:
        output.document({"measurements": [one.to_dict() for one in measurements]})
    else:
        output.show(bench_table(measurements))


def _evaluate(dataset: "Dataset", out: Path | None, db: str | None, json: bool) -> None:
    from memsvc_evals import evaluate, tables

    with own_or_temporary(db) as target, opened(target, create=True) as memory, output.stages(_STAGES) as progress:
        result = evaluate(memory, dataset, out_dir=out, progress=progress)
    if json:
        output.document(result.to_dict())
        return
    for table in tables(result):
        output.show(table)
        output.line()
    if out is not None:
        output.note(f"Written to {out}.")
