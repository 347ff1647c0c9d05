"""eval, bench: measuring. What is measured, and how, is decided in `memsvc_evals`."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memsvc_cli import learn_evaluate, options, output, reporting
from memsvc_cli.group import Commands
from memsvc_cli.opening import opened_here, own_or_temporary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memsvc_evals import Dataset
    from memsvc_evals.answers.declaration import Declaration

app = typer.Typer(
    cls=Commands, help="Measure how well questions are answered, on public data sets.", no_args_is_help=True
)

app.add_typer(learn_evaluate.app, name="learning")
for _command in (reporting.score, reporting.compare, reporting.report, reporting.adapters):
    app.command(_command.__name__)(_command)

_STAGES = {"add": "Storing", "search": "Asking", "baselines": "Plain methods"}
_ANSWERING = {"add": "Storing", "facts": "Facts", "ask": "Answers", "judge": "Judging"}

Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write the results here.", show_default=False)]
Conversations = Annotated[
    int | None, typer.Option("--limit-conversations", min=1, metavar="N", help="Only the first N.", show_default=False)
]
Plan = Annotated[
    Path | None,
    typer.Option(
        "--plan",
        metavar="FILE",
        help="A TOML file that says what is run: policies, model, judge, style, runs, seed and so on. What is given "
        "here as well overrides it.",
        show_default=False,
    ),
]
Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        metavar="NAME",
        help="How to answer; may be repeated. fast, filter, quality, majority, consensus, calibrated, scan, "
        "hypergraph, or to compare with: full-context, rag, none.",
        show_default=False,
    ),
]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="Who answers. [default: MEMSVC_MODEL]", show_default=False),
]
Judge = Annotated[
    str | None,
    typer.Option("--judge", metavar="NAME", help="The model that judges; none by default.", show_default=False),
]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, metavar="N", help="Only the first N questions.", show_default=False)
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out, where a process ended it.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Begin anew in --out.")]
Report = Annotated[bool, typer.Option("--report/--no-report", help="Write report.md and report.html.")]


def _answered(name: str, where: str, about: str) -> None:
    """A command for a data set whose questions have answers: its name, what its data is, and what its help says."""

    def command(
        data: Annotated[Path, typer.Option("--data", metavar="PATH", help=where)],
        out: Out = None,
        limit_conversations: Conversations = None,
        plan: Plan = None,
        policy: Policies = None,
        model: Model = None,
        judge: Judge = None,
        limit: Limit = None,
        resume: Resume = False,
        overwrite: Overwrite = False,
        report: Report = True,
        db: options.Db = None,
        json: options.Json = False,
    ) -> None:
        import memsvc_evals
        from memsvc_evals import plans
        from memsvc_evals.answers.declaration import Declaration

        declared = plans.read(plan, Declaration, policies=policy, model=model, judge=judge, limit=limit)
        answers = declared.answers
        if answers and out is None:
            raise typer.BadParameter("a run with a policy is kept and can be resumed; name its folder with --out")
        if resume and overwrite:
            raise typer.BadParameter("--resume goes on with a run, --overwrite drops it; give one of them")
        dataset: Dataset = getattr(memsvc_evals, f"load_{name}")(data, limit=limit_conversations)
        if out is None or not answers:
            _evidence(dataset, out, db, json)
        else:
            _answers(dataset, declared, out, db, existing=_existing(resume, overwrite), report=report, json=json)

    command.__doc__ = about
    app.command(name)(command)


_answered(
    "locomo",
    "locomo10.json, or a file of its form.",
    """Evaluate on LoCoMo: how much of the evidence is found, or with policies, how well questions are answered.

    Policies of one run share what can be shared. A run that was ended goes on with --resume. Without a policy no model
    is needed, and without --db it works in a temporary database.

    \b
    memsvc eval locomo --data locomo10.json --out results/evidence
    memsvc eval locomo --data locomo10.json --out results/run --model hosted_vllm/qwen3 \\
      --policy fast --policy quality --policy scan --judge hosted_vllm/qwen3
    memsvc eval locomo --data locomo10.json --out results/run --plan plan.toml
    """,
)
_answered(
    "realtalk",
    "A folder of Chat_*.json, or one chat.",
    """Evaluate on REALTALK: how much of the evidence is found, or with policies, how well questions are answered.

    \b
    memsvc eval realtalk --data realtalk/ --out results/evidence
    memsvc eval realtalk --data realtalk/ --out results/run --model hosted_vllm/qwen3 --policy quality
    """,
)


@app.command("beam")
def beam(
    data: Annotated[Path, typer.Option("--data", metavar="PATH", help="A folder of BEAM chats, such as 100K, or one.")],
    out: Out = None,
    limit_conversations: Conversations = None,
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
        return
    output.tables([bench_table(measurements)])
    output.pairs([(one.name, one.what) for one in measurements])


def _evidence(dataset: "Dataset", out: Path | None, db: str | None, json: bool) -> None:
    from memsvc_evals import evaluate, tables
    from memsvc_evals.retrieval.tables import facts

    with own_or_temporary(db) as target, opened_here(target, create=True) as memory, output.stages(_STAGES) as progress:
        result = evaluate(memory, dataset, out_dir=out, progress=progress)
    if json:
        output.document(result.to_dict())
        return
    output.tables(tables(result))
    output.pairs(facts(result))
    if out is not None:
        output.note(f"Written to {out}.")


def _existing(resume: bool, overwrite: bool) -> str:
    return "resume" if resume else "overwrite" if overwrite else "refuse"


def _answers(
    dataset: "Dataset", declared: "Declaration", out: Path, db: str | None, *, existing: str, report: bool, json: bool
) -> None:
    """Run, report and show."""
    from memsvc_evals.answers.journal import Existing
    from memsvc_evals.answers.run import run
    from memsvc_evals.reports import tables, write_report
    from memsvc_evals.reports.content import header
    from memsvc_evals.reports.reading import read_run

    plan, parts = declared.plan(), declared.parts(dataset, db)
    with _kept(out), output.stages(_ANSWERING, remaining=True) as progress:
        results = run(dataset, out, plan, parts, existing=Existing(existing), progress=progress)
    if report:
        with output.spinner("Writing the report"):
            written = write_report(out)
        if written.missing:
            output.note(f"Tables only. {written.missing} `memsvc eval report {out}` then adds the plots.")
    if json:
        output.document(results.summary)
        return
    found = read_run(out)
    output.tables([tables.scores(found), tables.effort(found), tables.abstention(found)])
    output.tables([*tables.by_category(found, intervals=False)[:1], *tables.audited(found), tables.cost(found)])
    output.pairs(header(found))
    output.note(f"Written to {out / 'report.html' if report else out}.")


@contextmanager
def _kept(out: Path) -> "Iterator[None]":
    """Say what to do with what is there when a run ends before its time."""
    try:
        yield
    except KeyboardInterrupt:
        output.note(f"What was answered is in {out}; go on with --resume.")
        raise
