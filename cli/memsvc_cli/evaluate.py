"""eval, bench: measuring. What is measured, and how, is decided in `memsvc_evals`."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memsvc_cli import eval_answers, learn_evaluate, options, output
from memsvc_cli.adapters import adapters
from memsvc_cli.eval_answers import Wanted
from memsvc_cli.group import Commands
from memsvc_cli.opening import opened_here, own_or_temporary
from memsvc_cli.reporting import compare
from memsvc_cli.reporting import report as report_again
from memsvc_cli.scoring import score

if TYPE_CHECKING:
    from collections.abc import Callable

    from memsvc_evals import Dataset

app = typer.Typer(
    cls=Commands, help="Measure how well questions are answered, on public data sets.", no_args_is_help=True
)

app.add_typer(learn_evaluate.app, name="learning")
app.command("score")(score)
app.command("compare")(compare)
app.command("report")(report_again)
app.command("adapters")(adapters)

_PLAIN = Wanted()

_STAGES = {"add": "Storing", "search": "Asking", "baselines": "Plain methods"}

Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write the results here.", show_default=False),
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
    policy: eval_answers.Policies = None,
    model: eval_answers.Model = None,
    judge: eval_answers.Judge = None,
    judge_url: eval_answers.JudgeUrl = None,
    judge_prompt: eval_answers.JudgePrompts = None,
    style: eval_answers.Style = _PLAIN.style,
    top_k: eval_answers.TopK = _PLAIN.top_k,
    runs: eval_answers.Runs = _PLAIN.runs,
    seed: eval_answers.Seed = _PLAIN.seed,
    limit: eval_answers.Limit = None,
    conversations: eval_answers.Conversations = None,
    categories: eval_answers.Categories = None,
    facts: eval_answers.Facts = False,
    audited_key: eval_answers.AuditedKey = None,
    parallel: eval_answers.Parallel = None,
    resume: eval_answers.Resume = False,
    overwrite: eval_answers.Overwrite = False,
    report: eval_answers.Report = True,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Evaluate on LoCoMo: how much of the evidence is found, or with policies, how well questions are answered.

    Policies of one run share what can be shared. A run that was ended goes on with --resume. Without a policy no model
    is needed, and without --db it works in a temporary database.

    \b
    memsvc eval locomo --data locomo10.json --out results/evidence
    memsvc eval locomo --data locomo10.json --out results/run --model hosted_vllm/qwen3 \\
      --policy fast --policy quality --policy scan --judge hosted_vllm/qwen3
    """
    from memsvc_evals import load_locomo

    wanted = Wanted(
        policies=policy, model=model, judge=judge, judge_url=judge_url, judge_prompts=judge_prompt, style=style,
        top_k=top_k, runs=runs, seed=seed, limit=limit, conversations=conversations, categories=categories,
        facts=facts, audited_key=audited_key, parallel=parallel, resume=resume, overwrite=overwrite, report=report,
    )  # fmt: skip
    _evaluate(partial(load_locomo, data, limit=limit_conversations), wanted, out, db, json)


@app.command("realtalk")
def realtalk(
    data: Annotated[Path, typer.Option("--data", metavar="PATH", help="A folder of Chat_*.json, or one chat.")],
    out: Out = None,
    limit_conversations: Limit = None,
    policy: eval_answers.Policies = None,
    model: eval_answers.Model = None,
    judge: eval_answers.Judge = None,
    judge_url: eval_answers.JudgeUrl = None,
    judge_prompt: eval_answers.JudgePrompts = None,
    style: eval_answers.Style = _PLAIN.style,
    top_k: eval_answers.TopK = _PLAIN.top_k,
    runs: eval_answers.Runs = _PLAIN.runs,
    seed: eval_answers.Seed = _PLAIN.seed,
    limit: eval_answers.Limit = None,
    conversations: eval_answers.Conversations = None,
    categories: eval_answers.Categories = None,
    facts: eval_answers.Facts = False,
    parallel: eval_answers.Parallel = None,
    resume: eval_answers.Resume = False,
    overwrite: eval_answers.Overwrite = False,
    report: eval_answers.Report = True,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Evaluate on REALTALK: how much of the evidence is found, or with policies, how well questions are answered.

    \b
    memsvc eval realtalk --data realtalk/ --out results/evidence
    memsvc eval realtalk --data realtalk/ --out results/run --model hosted_vllm/qwen3 --policy quality
    """
    from memsvc_evals import load_realtalk

    wanted = Wanted(
        policies=policy, model=model, judge=judge, judge_url=judge_url, judge_prompts=judge_prompt, style=style,
        top_k=top_k, runs=runs, seed=seed, limit=limit, conversations=conversations, categories=categories,
        facts=facts, parallel=parallel, resume=resume, overwrite=overwrite, report=report,
    )  # fmt: skip
    _evaluate(partial(load_realtalk, data, limit=limit_conversations), wanted, out, db, json)


@app.command("beam")
def beam(
    data: Annotated[Path, typer.Option("--data", metavar="PATH", help="A folder of BEAM chats, such as 100K, or one.")],
    out: Out = None,
    limit_conversations: Limit = None,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Evaluate on BEAM, a user's long chats with an assistant: how much of the evidence is found.

    \b
    memsvc eval beam --data BEAM/chats/100K --out results/evidence
    """
    from memsvc_evals import load_beam

    _evidence(load_beam(data, limit=limit_conversations), out, db, json)


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


def _evaluate(load: "Callable[[], Dataset]", wanted: Wanted, out: Path | None, db: str | None, json: bool) -> None:
    if wanted.answers:
        eval_answers.answer(load(), wanted, out=out, db=db, json=json)
    else:
        _evidence(load(), out, db, json)


def _evidence(dataset: "Dataset", out: Path | None, db: str | None, json: bool) -> None:
    from memsvc_evals import evaluate, tables

    with own_or_temporary(db) as target, opened_here(target, create=True) as memory, output.stages(_STAGES) as progress:
        result = evaluate(memory, dataset, out_dir=out, progress=progress)
    if json:
        output.document(result.to_dict())
        return
    for table in tables(result):
        output.show(table)
        output.line()
    if out is not None:
        output.note(f"Written to {out}.")
