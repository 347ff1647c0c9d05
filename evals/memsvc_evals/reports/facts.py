"""What a run was: data, models, seeds, versions, and everything that was left out. The header of every report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memsvc_evals.reports import formats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memsvc_evals.reports.reading import Run

Fact = tuple[str, str]

_STYLES = {"short": "short (5-6 words)", "reasoned": "reasoned"}
_TITLES = {"locomo": "LoCoMo", "realtalk": "REALTALK"}


def title(run: Run) -> str:
    """The data set as its authors write it."""
    name: str = run.manifest["dataset"]["name"]
    return _TITLES.get(name, name)


def header(run: Run) -> tuple[Fact, ...]:
    """What must be read before a figure: data, exclusions, failures, models, style, repetitions, seed."""
    manifest, data = run.manifest, run.manifest["dataset"]
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
        ("judge", _judge(manifest)),
        ("audited key", f"SHA-256 {key}" if (key := manifest.get("audited_key")) else "none"),
        ("runs, seed", f"{manifest['runs']}, {manifest['seed']}"),
        ("top k", str(manifest["top_k"])),
    )


@dataclass(frozen=True, slots=True)
class Card:
    """One figure to catch the eye."""

    figure: str
    text: str


def cards(run: Run) -> tuple[Card, ...]:
    """The best score and what it took, then how much was asked, failed and left out."""
    measure = run.main_measure
    found = {policy: run.metrics.get(policy, {}).get(run.headline, {}) for policy in run.policies}
    scored = {policy: one for policy, one in found.items() if measure in one}
    shown = []
    if scored:
        best = max(scored, key=lambda policy: scored[policy][measure]["mean"])
        score = f"{formats.value(measure, scored[best][measure]['mean'])} %"
        shown.append(Card(score, f"{formats.label(measure)} of {best}, the highest, categories {run.headline}"))
        if tokens := scored[best].get("tokens"):
            shown.append(Card(formats.count(tokens["mean"]), f"tokens a question of {best}"))
    left_out = sum(run.summary["exclusions"].get("counts", {}).values())
    return (
        *shown,
        Card(f"{len(run.questions):,}", f"questions, asked {_times(run.manifest['runs'])}"),
        Card(f"{len(run.summary['failed']):,}", f"failed calls of {len(run.records):,}"),
        Card(f"{left_out:,}", "left out of the data, listed below"),
    )


def provenance(run: Run) -> tuple[Fact, ...]:
    """Date, versions, machine and settings, as far as the run wrote them down."""
    found = dict(run.summary["provenance"]) | {"settings": run.manifest["settings"]}
    return tuple((name, _plain(value)) for name, value in found.items())


def _times(runs: int) -> str:
    return "once" if runs == 1 else f"{runs} times"


def _judge(manifest: Mapping[str, Any]) -> str:
    if not manifest["judge"]:
        return "none"
    return f"{manifest['judge']} with the prompts {', '.join(manifest['judge_prompts'])}"


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
    return formats.NOTHING if value is None else str(value)
