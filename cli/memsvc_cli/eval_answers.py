"""eval locomo, eval realtalk with policies: questions asked, judged and reported. How is decided in `memsvc_evals`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memsvc_cli import eval_views, output

if TYPE_CHECKING:
    from memsvc import Settings
    from memsvc_evals import Dataset
    from memsvc_evals.answers.plan import Parts, Plan
    from memsvc_retrievers.language import LanguageModel

_STAGES = {"add": "Storing", "facts": "Facts", "ask": "Answers", "judge": "Judging"}

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
JudgeUrl = Annotated[
    str | None,
    typer.Option(
        "--judge-url",
        metavar="URL",
        help="Where the judge is served, if not where the model is; its key is MEMSVC_JUDGE_KEY.",
        show_default=False,
    ),
]
JudgePrompts = Annotated[
    list[str] | None,
    typer.Option(
        "--judge-prompt",
        metavar="NAME",
        help="lenient-1 or strict-1; may be repeated. [default: both]",
        show_default=False,
    ),
]
Style = Annotated[
    str, typer.Option("--style", metavar="STYLE", help="The answer prompt: short (five or six words), reasoned.")
]
TopK = Annotated[int, typer.Option("--top-k", min=1, metavar="N", help="Memories that the fast answer sees.")]
Runs = Annotated[int, typer.Option("--runs", min=1, metavar="N", help="Ask everything so often.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="What the seeds of all calls follow from.")]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, metavar="N", help="Only the first N questions.", show_default=False)
]
Conversations = Annotated[
    str | None,
    typer.Option("--conversations", metavar="LIST", help="Only these, such as conv-26,conv-30.", show_default=False),
]
Categories = Annotated[
    str | None, typer.Option("--categories", metavar="LIST", help="Only these, such as 1,2.", show_default=False)
]
Facts = Annotated[bool, typer.Option("--facts", help="Work out facts of the messages first, with the model.")]
AuditedKey = Annotated[
    Path | None,
    typer.Option(
        "--audited-key", metavar="PATH", help="Score against a corrected answer key as well.", show_default=False
    ),
]
Parallel = Annotated[
    int | None,
    typer.Option(
        "--parallel",
        min=1,
        metavar="N",
        help="Questions asked side by side. [default: MEMSVC_MODEL_CONCURRENCY]",
        show_default=False,
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out, where a process ended it.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Begin anew in --out.")]
Report = Annotated[bool, typer.Option("--report/--no-report", help="Write report.md and report.html.")]


@dataclass(frozen=True)
class Wanted:
    """What the command line says of a run with policies."""

    policies: list[str] | None = None
    model: str | None = None
    judge: str | None = None
    judge_url: str | None = None
    judge_prompts: list[str] | None = None
    style: str = "short"
    top_k: int = 30
    runs: int = 1
    seed: int = 0
    limit: int | None = None
    conversations: str | None = None
    categories: str | None = None
    facts: bool = False
    audited_key: Path | None = None
    parallel: int | None = None
    resume: bool = False
    overwrite: bool = False
    report: bool = True

    @property
    def answers(self) -> bool:
        """Whether questions are to be answered, or only their evidence looked up.

        Raises:
            BadParameter: no policy came, and something that only bears on answers.
        """
        if self.policies:
            return True
        if self != Wanted():
            given = next(name for name in vars(self) if getattr(self, name) != getattr(Wanted(), name))
            raise typer.BadParameter(f"--{given.replace('_', '-')} came without a --policy; name one, such as quality")
        return False


def answer(dataset: "Dataset", wanted: Wanted, *, out: Path | None, db: str | None, json: bool) -> None:
    """Run, show and report."""
    if out is None:
        raise typer.BadParameter("a run with a --policy is kept, so that it can be resumed; name its folder with --out")
    if wanted.resume and wanted.overwrite:
        raise typer.BadParameter("--resume goes on with a run, --overwrite drops it; give one of them")
    from memsvc_evals.answers.journal import Existing
    from memsvc_evals.answers.run import run

    existing = Existing.RESUME if wanted.resume else Existing.OVERWRITE if wanted.overwrite else Existing.REFUSE
    plan, parts = _plan(wanted), _parts(wanted, dataset, db)
    with _kept(out), output.stages(_STAGES, remaining=True) as progress:
        results = run(dataset, out, plan, parts, existing=existing, progress=progress)
    if wanted.report:
        from memsvc_evals.reports import write_report

        with output.spinner("Writing the report"):
            written = write_report(out)
        if written.missing:
            output.note(f"Tables only. {written.missing} `memsvc eval report {out}` then adds the plots.")
    if json:
        output.document(results.summary)
        return
    for title, columns, rows in eval_views.sheets(results.summary):
        output.line(title, style="bold")
        output.table(columns, rows)
        output.line()
    output.pairs(eval_views.header(results.summary))
    output.note(f"Written to {out / 'report.html' if wanted.report else out}.")


@contextmanager
def _kept(out: Path) -> Iterator[None]:
    """Say what to do with what is there when a run ends before its time."""
    try:
        yield
    except KeyboardInterrupt:
        output.note(f"What was answered is in {out}; go on with --resume.")
        raise


def _plan(wanted: Wanted) -> "Plan":
    from memsvc.checks import checked_choice
    from memsvc_evals.answers.plan import JUDGE_PROMPTS, Plan
    from memsvc_evals.answers.selection import Selection
    from memsvc_retrievers.choices import STYLES

    style: Any = wanted.style  # checked here, so that the help needs no model of the choices
    return Plan(
        policies=tuple(wanted.policies or ()),
        selection=Selection(wanted.limit, _listed(wanted.conversations), _numbers(wanted.categories)),
        judge_prompts=tuple(wanted.judge_prompts or JUDGE_PROMPTS),
        style=checked_choice("style", style, STYLES),
        top_k=wanted.top_k,
        runs=wanted.runs,
        seed=wanted.seed,
        facts=wanted.facts,
    )


def _parts(wanted: Wanted, dataset: "Dataset", db: str | None) -> "Parts":
    from memsvc import Settings, wiring
    from memsvc.errors import SettingsError
    from memsvc.settings import HOW_TO_SET
    from memsvc_evals.answers.audit import read_audit
    from memsvc_evals.answers.plan import Parts

    settings = Settings.load(extraction="off", reflection="off", model=wanted.model)
    model = wiring.build_language_model(settings)
    if model is None:
        raise SettingsError(f"a policy came, and no language model answers; name one with --model, or {HOW_TO_SET}")
    return Parts(
        model,
        settings,
        judge=_judge(wanted, settings, model),
        key=None if wanted.audited_key is None else read_audit(wanted.audited_key, dataset),
        database=db,
        parallel=wanted.parallel or settings.model_concurrency,
    )


def _judge(wanted: Wanted, settings: "Settings", model: "LanguageModel") -> "LanguageModel | None":
    """The judge; the model itself where it is to judge its own answers, and not loaded twice."""
    import os

    from memsvc import wiring

    if wanted.judge is None:
        return None
    key = os.environ.get("MEMSVC_JUDGE_KEY")
    if wanted.judge == model.name and wanted.judge_url is None and key is None:
        return model
    changed: dict[str, Any] = {}
    if wanted.judge_url is not None:
        changed |= {"model_url": wanted.judge_url, "model_key": None}
    if key is not None:
        from pydantic import SecretStr

        changed["model_key"] = SecretStr(key)
    return wiring.build_language_model(settings.model_copy(update=changed), wanted.judge)


def _listed(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


def _numbers(text: str | None) -> tuple[int, ...] | None:
    parts = _listed(text)
    if parts is None:
        return None
    if not parts or not all(part.isdecimal() for part in parts):
        raise typer.BadParameter(f"--categories came as {text!r}; give their numbers, such as 1,2")
    return tuple(map(int, parts))
