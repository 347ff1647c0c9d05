"""From records to `summary.json`: means with intervals, differences, costs, and all that was left out. Pure.

A measure's mean is over questions; with several runs, over each question's mean of its runs. Category 5 has no gold
answer: its F1 is the abstention rule, and it has no other text measure and no judgement.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING, Any

from memsvc.work.outcomes import merged
from memsvc_evals.answers import measures as measuring
from memsvc_evals.answers.audit import ceiling
from memsvc_evals.answers.measures import by_question, measures_of, metrics, within
from memsvc_evals.answers.policies import POLICIES
from memsvc_evals.answers.records import FAILED
from memsvc_evals.datasets.values import listed
from memsvc_evals.scoring import ADVERSARIAL, abstention, paired, student

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from memsvc_evals.answers.audit import AuditedKey
    from memsvc_evals.answers.measures import Measures
    from memsvc_evals.answers.records import Record
    from memsvc_evals.datasets.values import Dataset

    Groups = Mapping[str, tuple[int, ...]]


def headline(groups: Groups) -> str:
    """The group that is compared: LoCoMo's categories 1 to 4, else all."""
    return "1-4" if "1-4" in groups else "all"


def summarise(
    manifest: Mapping[str, Any],
    provenance: Mapping[str, Any],
    dataset: Dataset,
    records: Sequence[Record],
    ingestion: Mapping[str, Mapping[str, Any]],
    key: AuditedKey | None,
) -> dict[str, Any]:
    """All of `summary.json`.

    Args:
        provenance: its date is left out: two runs of one manifest are to give one file.
        dataset: the part that was asked.
        ingestion: what storing each conversation cost.
    """
    by_policy = _by_policy(records)
    measures = measures_of(manifest["judge_prompts"])
    groups = dataset.groups
    return {
        "manifest": dict(manifest),
        "provenance": {name: value for name, value in provenance.items() if name != "date"},
        "exclusions": exclusions(dataset, records, ingestion, key),
        "repairs": listed(dataset.repairs),
        "failed": failed(records),
        "metrics": {
            policy: _by_group(of, measures, groups, gated=POLICIES[policy].gated) for policy, of in by_policy.items()
        },
        "paired": _paired(by_policy, measures, groups),
        "cost": {policy: _cost(of, ingestion) for policy, of in by_policy.items()},
        "runs": _runs(by_policy, measures, groups, manifest["runs"]),
        "ceiling": None if key is None else ceiling(by_policy, dataset, key, manifest["judge_prompts"]),
    }


def _by_policy(records: Iterable[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.policy, []).append(record)
    return found


def _by_group(records: Sequence[Record], measures: Measures, groups: Groups, *, gated: bool) -> dict[str, Any]:
    wanted = measuring.for_gate(measures) if gated else measures
    keyed = {name: value for name, value in wanted.items() if not measuring.need_gold(name)}
    found = {
        group: metrics(within(records, members), keyed if ADVERSARIAL in members else wanted)
        for group, members in groups.items()
    }
    return {**found, "all": found["all"] | _abstention(records, groups)}


def _abstention(records: Iterable[Record], groups: Groups) -> dict[str, Any]:
    """Of a data set that has questions without an answer. What most runs of a question did counts."""
    if ADVERSARIAL not in groups["all"]:
        return {}
    answered = [record for record in records if record.process != FAILED]
    answerable = {record.question_id: record.category != ADVERSARIAL for record in answered}
    said = by_question(answered, measuring.score_value("abstained"))
    found = abstention((share >= 0.5, answerable[question]) for question, share in said.items())
    shares = {"precision": found.precision, "recall": found.recall, "false": found.false}
    return {f"abstention_{name}": share.to_dict() for name, share in shares.items() if share is not None}


def _paired(by_policy: Mapping[str, Sequence[Record]], measures: Measures, groups: Groups) -> list[dict[str, Any]]:
    """Every two policies, in the order of the manifest, by F1 and by each judge."""
    group = headline(groups)
    found = []
    for name in [one for one in measures if one == "f1" or one.startswith("judge:")]:
        values = {policy: by_question(within(of, groups[group]), measures[name]) for policy, of in by_policy.items()}
        for a, b in combinations(values, 2):
            both = [question for question in values[a] if question in values[b]]
            if both:
                one = paired([values[a][each] for each in both], [values[b][each] for each in both])
                figures = {field: getattr(one, field) for field in ("difference", "low", "high", "p", "n")}
                found.append({"a": a, "b": b, "measure": name, "group": group, **figures})
    return found


def _cost(records: Iterable[Record], ingestion: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """By stage, over all questions and runs: storing (which all policies share), each purpose of a call, the judge."""
    spent = [("ingestion", one) for each in ingestion.values() for one in each["ledger"].values()]
    for record in records:
        again = record.audited["judge"] if record.audited else {}
        spent += [(_stage(purpose), one) for purpose, one in record.ledger.items()]
        spent += [("judge", one) for one in (*record.judge.values(), *again.values())]
    stages = {"ingestion": _NOTHING} | merged({stage: _sums(one)} for stage, one in spent)
    clock = math.fsum(one["seconds"] for one in ingestion.values())
    return {**stages, "ingestion": {**stages["ingestion"], "seconds": clock}}


_NOTHING: Mapping[str, Any] = {"calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "cost": 0.0, "seconds": 0.0}


def _sums(spent: Mapping[str, Any]) -> dict[str, Any]:
    return {name: spent[name] for name in _NOTHING}


def _stage(purpose: str) -> str:
    """A working memory judges its points; "judge" is who judges the answers."""
    return "judge points" if purpose == "judge" else purpose


def _runs(
    by_policy: Mapping[str, Sequence[Record]],
    measures: Measures,
    groups: Groups,
    runs: int,
) -> dict[str, Any]:
    """Each run's mean in the headline group, and Student's interval over runs; nothing of a single run."""
    if runs < 2:
        return {}
    members = groups[headline(groups)]
    found: dict[str, Any] = {}
    for policy, of in by_policy.items():
        each = [[record for record in within(of, members) if record.run == run] for run in range(runs)]
        means = {name: [measuring.mean(of_one, value) for of_one in each] for name, value in measures.items()}
        values = {name: [one for one in found_of if one is not None] for name, found_of in means.items()}
        found[policy] = {name: _over_runs(known) for name, known in values.items() if known}
    return found


def _over_runs(values: list[float]) -> dict[str, Any]:
    over = student(values)
    return {"mean": over.mean, "low": over.low, "high": over.high, "values": values}


def exclusions(
    dataset: Dataset,
    records: Iterable[Record],
    ingestion: Mapping[str, Mapping[str, Any]],
    key: AuditedKey | None,
) -> dict[str, Any]:
    """What the loader left out, and what this run could not score, each counted and listed."""
    loader = listed(dataset.exclusions)
    more = [
        ("question without an answer", one.id, one.text)
        for each in dataset.conversations
        for one in each.questions
        if one.answer is None and one.category != ADVERSARIAL
    ]
    more += [
        ("answer that failed", f"{one.question_id}, {one.policy}, run {one.run}", one.error)
        for one in records
        if one.error is not None
    ]
    more += [
        ("messages without facts", name, f"{one['failed']} messages")
        for name, one in ingestion.items()
        if one["failed"]
    ]
    if key is not None and key.elsewhere:
        more.append(("audit of another conversation", "audited key", f"{key.elsewhere} records"))
    notes = [{"reason": reason, "place": place, "value": value or ""} for reason, place, value in more]
    counts = Counter(reason for reason, _, _ in more)
    return {"counts": {**loader["counts"], **counts}, "list": [*loader["list"], *notes]}


def failed(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Every answer, and every judgement, that could not be had."""
    return [
        {"question_id": record.question_id, "policy": record.policy, "run": record.run, "error": why}
        for record in records
        for why in _failures(record)
    ]


def _failures(record: Record) -> list[str]:
    """Why a record has no answer, or no judgement."""
    found = [] if record.error is None else [record.error]
    again = record.audited["judge"] if record.audited else {}
    judged = {**record.judge, **{f"{name}, audited": one for name, one in again.items()}}
    return found + [f"judge {name}: {one['reason']}" for name, one in judged.items() if one["correct"] is None]
