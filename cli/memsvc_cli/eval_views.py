"""A finished evaluation as cells: what a terminal of 80 columns shows, and a pipe gets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from memsvc_cli.output import Column

Sheet = tuple[str, list[Column], list[list[str]]]

_NOTHING = "–"
_SCORES = {"F1": "f1", "lenient": "judge:lenient-1", "strict": "judge:strict-1"}
_MEASURES = {
    "F1 set": "f1_set", "BLEU-1": "bleu1", "EM": "em", "found": "recall_retrieved", "cited": "recall_cited",
    "escal.": "escalation", "abst. P": "abstention_precision", "abst. R": "abstention_recall",
}  # fmt: skip
_OF_ALL = ("escalation", "abstention_precision", "abstention_recall")
_SPENT = ("calls", "prompt_tokens", "completion_tokens", "cost", "seconds")


def sheets(summary: Mapping[str, Any]) -> Iterator[Sheet]:
    """Policies by scores with intervals, by further measures and by category; the cost of every stage."""
    manifest, metrics = summary["manifest"], summary["metrics"]
    group = "1-4" if "1-4" in next(iter(metrics.values())) else "all"
    of = "categories 1-4" if group == "1-4" else "all categories"
    n = next(iter(metrics.values()))[group].get("f1", {}).get("n", 0)
    yield _scores(f"{manifest['dataset']['name']}, {of}, {n:,} questions, style {manifest['style']}", metrics, group)
    yield _further("Further measures (%); escalation and abstention over all questions", metrics, group)
    yield _by_category(_title(manifest["dataset"]["name"]), metrics)
    yield _cost("Cost of every stage, over all questions and runs", summary["cost"])


def header(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Everything that was left out, repaired or failed."""
    data = summary["manifest"]["dataset"]
    ceiling = summary["ceiling"]
    asked = (
        f"{data['questions']:,} questions on {data['messages']:,} messages of {data['conversations']:,} conversations"
    )
    pairs = [("asked", asked)]
    pairs += [("left out", f"{count:,} x {reason}") for reason, count in summary["exclusions"]["counts"].items()]
    pairs += [("repaired", f"{count:,} x {reason}") for reason, count in summary["repairs"]["counts"].items()]
    pairs.append(("failed", f"{len(summary['failed']):,} answers and judgements"))
    if ceiling is not None:
        best = ceiling["groups"]["1-4" if "1-4" in ceiling["groups"] else "all"]
        top = _NOTHING if best["ceiling"] is None else f"{100 * best['ceiling']:.1f} %"
        pairs.append(("ceiling", f"{top}: the audit corrects {best['corrected']} of {best['questions']:,} answers"))
    return pairs


def _scores(title: str, metrics: Mapping[str, Any], group: str) -> Sheet:
    """With their intervals; a judge that was not asked has no column."""
    there = {name: measure for name, measure in _SCORES.items() if any(measure in of[group] for of in metrics.values())}
    head = ["policy", *(f"{name} (95 %)" for name in there), "tokens", "seconds"]
    rows = [
        [
            policy,
            *(_ranged(of[group].get(measure)) for measure in there.values()),
            _mean(of["all"].get("tokens"), "{:,.0f}"),
            _mean(of["all"].get("seconds"), "{:,.2f}"),
        ]
        for policy, of in metrics.items()
    ]
    return title, _columns(head), rows


def _further(title: str, metrics: Mapping[str, Any], group: str) -> Sheet:
    places = {name: ("all" if measure in _OF_ALL else group, measure) for name, measure in _MEASURES.items()}
    there = [name for name, (of, measure) in places.items() if any(measure in one[of] for one in metrics.values())]
    rows = [
        [policy, *(_percent(one[places[name][0]].get(places[name][1])) for name in there)]
        for policy, one in metrics.items()
    ]
    return title, _columns(["policy", *there]), rows


def _title(dataset: str) -> str:
    """Numbers with their names: other projects permute them."""
    from memsvc_evals.datasets import locomo, realtalk

    categories = realtalk.CATEGORIES if dataset == "realtalk" else locomo.CATEGORIES
    return "F1 (%): " + ", ".join(f"{number} {name}" for number, name in categories.items())


def _by_category(title: str, metrics: Mapping[str, Any]) -> Sheet:
    groups = [group for group in next(iter(metrics.values())) if group != "all"]
    rows = [[policy, *(_percent(of[group].get("f1")) for group in groups)] for policy, of in metrics.items()]
    first = next(iter(metrics.values()))
    rows.append(["questions", *(str(first[group].get("f1", {}).get("n", 0)) for group in groups)])
    return title, _columns(["policy", *groups]), rows


def _cost(title: str, cost: Mapping[str, Any]) -> Sheet:
    """A line a policy and stage; what storing cost is the same for all, and shown once."""
    head = ["policy", "stage", "calls", "read", "written", "USD", "seconds"]
    first = next(iter(cost.values()))
    rows = [["all", "ingestion", *_spent(first["ingestion"])]]
    for policy, stages in cost.items():
        rows += [[policy, stage, *_spent(spent)] for stage, spent in stages.items() if stage != "ingestion"]
    return title, _columns(head, left=("stage",)), rows


def _spent(spent: Mapping[str, Any]) -> list[str]:
    calls, read, written, cost, seconds = (spent[name] for name in _SPENT)
    return [f"{calls:,}", f"{read:,}", f"{written:,}", _NOTHING if cost is None else f"{cost:.2f}", f"{seconds:,.1f}"]


def _columns(head: Sequence[str], left: Sequence[str] = ()) -> list[Column]:
    return [Column(name, right=name != head[0] and name not in left) for name in head]


def _ranged(value: Mapping[str, Any] | None) -> str:
    return _NOTHING if value is None else f"{_percent(value)} ({100 * value['low']:.1f}–{100 * value['high']:.1f})"


def _percent(value: Mapping[str, Any] | None) -> str:
    return _NOTHING if value is None else f"{100 * value['mean']:.1f}"


def _mean(value: Mapping[str, Any] | None, form: str) -> str:
    return _NOTHING if value is None else form.format(value["mean"])
