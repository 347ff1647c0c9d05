"""What a report says, in which order: the same in both forms, but that the text has no pictures and shorter lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memsvc_evals.reports import curves, tables
from memsvc_evals.reports.page import Page, Pairs, Section
from memsvc_evals.table import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from memsvc_evals.reports.page import Block, Picture
    from memsvc_evals.reports.reading import Run
    from memsvc_evals.table import Table

SHORT = 20
"""How many rows of a list stand in `report.md`."""

_STYLES = {"short": "short (5-6 words)", "reasoned": "reasoned"}
_TITLES = {"locomo": "LoCoMo", "realtalk": "REALTALK"}


def report(
    run: Run, pictures: Sequence[Picture] = (), *, limit: int | None = None, index: Section | None = None
) -> Page:
    """The report of a run: what must be read before a figure, and the sections that have anything to show.

    Args:
        limit: of long lists that many rows; None for all.
        index: the last section, of the questions.
    """
    sections = list(_sections(run, {one.name: one for one in pictures}, limit))
    sections += [] if index is None else [index]
    links = tuple((one.title, f"#{one.key}") for one in sections)
    name = run.manifest["dataset"]["name"]
    title = f"{_TITLES.get(name, name)}: {', '.join(run.policies)}"
    return Page(title, "Evaluation of memsvc", links, (Pairs(header(run)), *sections))


def header(run: Run) -> tuple[tuple[str, str], ...]:
    """What must be read before a figure: data, exclusions, failures, models, style, repetitions, seed."""
    manifest, data = run.manifest, run.manifest["dataset"]
    judge = f"{manifest['judge']} with the prompts {', '.join(manifest['judge_prompts'])}"
    return (
        ("data", f"{data['source']}, SHA-256 {data['sha256']}"),
        (
            "size",
            f"{data['conversations']:,} conversations, {data['messages']:,} messages, {data['questions']:,} questions; "
            f"asked: {len(run.questions):,}",
        ),
        ("selection", _pairs(manifest["selection"]) or "everything"),
        ("left out", _reasons(run.summary["exclusions"])),
        ("repaired", _reasons(run.summary["repairs"])),
        ("failed calls", f"{len(run.summary['failed']):,} of {len(run.records):,}"),
        ("model", manifest["model"] or "none"),
        ("answer prompt", _STYLES.get(manifest["style"], manifest["style"])),
        ("judge", judge if manifest["judge"] else "none"),
        ("audited key", f"SHA-256 {key}" if (key := manifest.get("audited_key")) else "none"),
        ("runs, seed", f"{manifest['runs']}, {manifest['seed']}"),
        ("top k", str(manifest["top_k"])),
    )


def _sections(run: Run, pictures: Mapping[str, Picture], limit: int | None) -> Iterator[Section]:
    def section(title: str, shown: int, names: tuple[str, ...], *blocks: Block) -> Section:
        drawn = [pictures[name] for name in names if name in pictures]
        return Section(title.lower().replace(" ", "-"), title, (*drawn, *blocks), len(drawn) + shown)

    main, summary = run.main_measure.replace(":", "-"), run.summary
    for one in (
        section("Scores", 9, ("trade-off",), *_filled(tables.scores(run), tables.effort(run), tables.abstention(run))),
        section("By category", 1, (main, "escalation"), *tables.by_category(run)),
        section("Differences", 1, (), *tables.paired(run)),
        section("Evidence", 1, ("recall",), *_filled(curves.recall_table(run))),
        section("Cost and time", 2, ("latency",), *_filled(tables.cost(run), curves.times_table(run))),
        section("Repetitions", 1, (), *_filled(tables.runs(run))),
        section("Audited key", 2, (), *tables.audited(run)),
        section(
            "Left out", 3, (),
            *_filled(
                tables.failed(run, limit),
                tables.notes("Left out", summary["exclusions"], limit),
                tables.notes("Repaired", summary["repairs"], limit),
            ),
        ),
        section("Provenance", 1, (), Pairs(_provenance(run))),
    ):  # fmt: skip
        if one.blocks:
            yield one


def _provenance(run: Run) -> tuple[tuple[str, str], ...]:
    """Date, versions, machine and settings, as far as the run wrote them down."""
    found = dict(run.summary["provenance"]) | {"settings": run.manifest["settings"]}
    return tuple((name, _plain(value)) for name, value in found.items())


def _reasons(noted: Mapping[str, Any]) -> str:
    counts = noted.get("counts", {})
    return "; ".join(f"{count:,} × {reason}" for reason, count in counts.items()) or "nothing"


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_plain(value)}" for name, value in values.items() if value is not None)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return _pairs(value)
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, float):
        return f"{value:.6g}"
    return NOTHING if value is None else str(value)


def _filled(*found: Table) -> tuple[Table, ...]:
    return tuple(one for one in found if one.rows)
