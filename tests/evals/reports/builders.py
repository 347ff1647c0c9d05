"""A run directory as the evaluation writes it, made up by a seeded rule instead of by models."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from math import sqrt
from random import Random
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

GROUPS = {"1": (1,), "2": (2,), "3": (3,), "4": (4,), "5": (5,), "1-4": (1, 2, 3, 4), "all": (1, 2, 3, 4, 5)}
SHARES = (282, 321, 96, 841, 446)
TEXTS = ("f1", "f1_set", "bleu1", "em")
DIMENSIONS = ("relevance", "accuracy", "completeness")
SKILL = {
    "fast": 0.48, "filter": 0.51, "quality": 0.56, "majority": 0.55, "consensus": 0.54, "calibrated": 0.57,
    "scan": 0.60, "hypergraph": 0.58, "full-context": 0.52, "rag": 0.37, "none": 0.08,
}  # fmt: skip
"""How good each policy is made: the chance that its answer is right."""
ESCALATES = {
    "filter": 0.2, "quality": 0.45, "majority": 0.5, "consensus": 0.35, "calibrated": 0.4, "scan": 1.0,
    "hypergraph": 1.0,
}  # fmt: skip
SUBJECTS = ("the boat", "the old barn", "her pottery class", "the trip up the river", "the bakery's new oven")


@dataclass(frozen=True)
class Plan:
    """What is made up."""

    policies: tuple[str, ...] = ("fast", "quality", "scan")
    questions: int = 12
    runs: int = 1
    judge: bool = True
    audited: bool = False
    seed: int = 0
    sha256: str = "a" * 64
    text: str = "What did Hanne say about {subject} in part {number}?"
    prefix: str = "conv"
    failing: tuple[str, ...] = ()
    """Policies whose call fails on the second question."""
    exclusions: dict[str, int] = field(default_factory=lambda: {"evidence id of no message": 2})


def build_run(folder: Path, plan: Plan | None = None) -> Path:
    """The four files of a finished run."""
    plan = plan or Plan()
    folder.mkdir(parents=True, exist_ok=True)
    manifest, records = _manifest(plan), _records(plan)
    write(folder, manifest, records, _summary(plan, manifest, records))
    return folder


def write(folder: Path, manifest: Any, records: Sequence[Any], summary: Any) -> None:
    lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records)
    (folder / "answers.jsonl").write_text(lines, encoding="utf-8")
    for name, value in (("run", manifest), ("summary", summary), ("ingestion", {"conv-0": {"messages": 419}})):
        (folder / f"{name}.json").write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")


def load(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text("utf-8"))


def _manifest(plan: Plan) -> dict[str, Any]:
    return {
        "version": 1,
        "dataset": {
            "name": "locomo",
            "source": "made-up.json",
            "sha256": plan.sha256,
            "files": {"made-up.json": plan.sha256},
            "conversations": 1 + (plan.questions - 1) // 200,
            "messages": 419,
            "questions": plan.questions,
        },
        "selection": {"limit": None, "conversations": None, "categories": None},
        "policies": list(plan.policies),
        "model": "openai/made-up-27b",
        "judge": "openai/made-up-70b" if plan.judge else None,
        "judge_prompts": ["lenient-1", "strict-1"] if plan.judge else [],
        "style": "short",
        "top_k": 25,
        "runs": plan.runs,
        "seed": plan.seed,
        "facts": False,
        "audited_key": "b" * 64 if plan.audited else None,
        "settings": {"search_weight": 0.0, "embedder": "all-MiniLM-L6-v2"},
    }


def _records(plan: Plan) -> list[dict[str, Any]]:
    return [
        _record(plan, run, number, policy)
        for run in range(plan.runs)
        for number in range(plan.questions)
        for policy in plan.policies
    ]


def _category(number: int) -> int:
    """In the shares of the full file, spread evenly."""
    place = (number * 619) % sum(SHARES)
    for category, share in enumerate(SHARES, 1):
        if place < share:
            return category
        place -= share
    raise AssertionError(number)


def _record(plan: Plan, run: int, number: int, policy: str) -> dict[str, Any]:
    shared = Random(f"{plan.seed} {number}")
    chance = Random(f"{plan.seed} {run} {number} {policy}")
    category, hardness = _category(number), shared.random()
    found = _ranking(shared, "fast")
    retrieved = {"rag": _ranking(shared, "rag"), "none": [], "full-context": []}.get(policy, found)
    evidence = [found[int(25 * hardness**2)]] if category != 1 else [found[0], "D30:1"]
    failed = policy in plan.failing and number == 1
    right = not failed and hardness * 0.7 + chance.random() * 0.3 < SKILL[policy]
    escalated = chance.random() < ESCALATES.get(policy, 0.0) * (1 if ESCALATES.get(policy) == 1 else 0.5 + category / 6)
    shared_text = plan.text.format(subject=SUBJECTS[number % len(SUBJECTS)], number=number)
    identity = f"{plan.prefix}-{number // 200}/{number % 200}"
    return {
        "run": run,
        "policy": policy,
        "conversation": f"{plan.prefix}-{number // 200}",
        "question_id": identity,
        "category": category,
        "question": shared_text,
        "gold": None if category == 5 else f"on {number % 28 + 1} May 2023",
        "prediction": "" if failed else _prediction(category, number, right),
        "process": "failed" if failed else _process(policy, escalated),
        "evidence": evidence,
        "retrieved": [] if failed else retrieved,
        "cited": evidence[:1] if right else retrieved[:1],
        "draft": f"a draft about part {number}" if policy in ESCALATES and not failed else None,
        "verdict": _verdict(chance, escalated) if policy in ESCALATES and not failed else None,
        "coverage": _coverage() if escalated and policy in ESCALATES and not failed else None,
        "ledger": {} if failed else _ledger(chance, policy, escalated),
        "seconds": round((0.4 + chance.random()) * (9 if escalated else 1) * (4 if policy == "full-context" else 1), 3),
        "scores": _scores(chance, category, right, evidence, retrieved),
        "judge": _judged(chance, right) if plan.judge and category != 5 and not failed else {},
        "audited": {"gold": "on 9 May 2023", "f1": 1.0, "f1_set": 1.0, "bleu1": 1.0, "em": 1.0, "judge": {}}
        if plan.audited and number % 10 == 3 and category != 5
        else None,
        "error": "the model was not reached in 60 s" if failed else None,
    }


def _ranking(chance: Random, kind: str) -> list[str]:
    turns = [f"D{session}:{turn}" for session in range(1, 20) for turn in range(1, 23)]
    if kind == "rag":
        start = chance.randrange(len(turns) - 16)
        return turns[start : start + 16]
    return chance.sample(turns, 25)


def _prediction(category: int, number: int, right: bool) -> str:
    if category == 5:
        return "No information available." if right else f"on {number % 28 + 1} May 2023"
    return f"on {number % 28 + 1} May 2023" if right else "some time in the spring"


def _process(policy: str, escalated: bool) -> str:
    if policy in ("full-context", "rag", "none"):
        return policy
    return ("hypergraph" if policy == "hypergraph" else "scan") if escalated else "fast"


def _verdict(chance: Random, escalated: bool) -> dict[str, Any]:
    reasons = [
        {"dimension": name, "passed": not escalated or chance.random() < 0.4, "why": f"{name} of the draft: see above"}
        for name in DIMENSIONS
    ]
    return {"escalate": escalated, "reasons": reasons}


def _coverage() -> dict[str, Any]:
    return {
        "messages": 419, "read": 407, "chunks": [[1, 60], [61, 130], [143, 419]], "facts": 9, "kept": 5,
        "false_quotes": 1, "unsourced": 0, "problems": ["chunk 131-142: the reply was cut at 512 tokens"],
    }  # fmt: skip


def _ledger(chance: Random, policy: str, escalated: bool) -> dict[str, Any]:
    def entry(calls: int, tokens: int) -> dict[str, Any]:
        return {
            "calls": calls,
            "prompt_tokens": tokens + chance.randrange(tokens // 5),
            "completion_tokens": 12 * calls,
            "cost": None,
            "seconds": round(0.3 * calls + chance.random() / 5, 3),
            "retries": 0,
        }

    size = {"full-context": 21_000, "rag": 640, "none": 60}.get(policy, 1_100)
    ledger = {"draft": entry(1, size)}
    if policy in ESCALATES:
        ledger["gate"] = entry(3 if policy == "majority" else 1, 900)
    if escalated and policy in ESCALATES:
        ledger |= {"extract": entry(4, 24_000 if policy != "hypergraph" else 15_000), "answer": entry(1, 900)}
    return ledger


def _scores(
    chance: Random, category: int, right: bool, evidence: list[str], retrieved: list[str]
) -> dict[str, float | None]:
    recall = len(set(evidence) & set(retrieved)) / len(evidence)
    level = 1.0 if right and chance.random() < 0.5 else (0.6 if right else 0.0) + 0.3 * chance.random()
    texts: dict[str, float | None] = dict.fromkeys(TEXTS, level) | {"em": float(level == 1.0)}
    if category == 5:
        texts = {**dict.fromkeys(TEXTS), "f1": float(right)}
    return {
        **texts,
        "abstained": float(category == 5 and right),
        "recall_retrieved": recall if retrieved else None,
        "recall_cited": 1 / len(evidence) if right else 0.0,
    }


def _judged(chance: Random, right: bool) -> dict[str, Any]:
    used = {"calls": 1, "prompt_tokens": 300, "completion_tokens": 30, "cost": None, "seconds": 0.4}
    lenient = right or chance.random() < 0.1
    return {
        "lenient-1": {"correct": lenient, "reason": "Both name the same day.", **used},
        "strict-1": {"correct": right and chance.random() < 0.9, "reason": "The day and the month agree.", **used},
    }


def _summary(plan: Plan, manifest: Any, records: list[dict[str, Any]]) -> dict[str, Any]:
    by_policy = {name: [one for one in records if one["policy"] == name] for name in plan.policies}
    metrics = {
        policy: {
            group: _measures(plan, group, [one for one in rows if one["category"] in members])
            for group, members in GROUPS.items()
        }
        for policy, rows in by_policy.items()
    }
    return {
        "manifest": manifest,
        "provenance": {
            "date": "2026-03-02T09:00:00+00:00",
            "versions": {"python": "3.11.7", "memsvc": "0.1.0", "numpy": "2.3.0"},
            "embedder": {"model": "all-MiniLM-L6-v2", "dimension": 384},
            "machine": {"system": "Linux", "architecture": "x86_64", "cpus": 2},
        },
        "exclusions": {
            "counts": plan.exclusions,
            "list": [
                {"reason": reason, "place": f"made-up.json[{at}].qa[3].evidence", "value": "D99:1"}
                for reason, count in plan.exclusions.items()
                for at in range(count)
            ],
        },
        "repairs": {"counts": {"answer was a number": 1}, "list": []},
        "failed": [
            {name: one[name] for name in ("question_id", "policy", "run", "error")} for one in records if one["error"]
        ],
        "metrics": metrics,
        "paired": _paired(plan, by_policy),
        "cost": {policy: _cost(rows) for policy, rows in by_policy.items()},
        "runs": _runs(plan, by_policy) if plan.runs > 1 else {},
        "ceiling": _ceiling(plan, metrics) if plan.audited else None,
    }


def _ceiling(plan: Plan, metrics: dict[str, Any]) -> dict[str, Any]:
    wrong = {"questions": plan.questions, "corrected": 3, "ceiling": 1 - 3 / plan.questions}
    groups = [name for name in GROUPS if name != "5"]
    return {
        "key": {"records": 5, "corrected": 3, "harmless": 2, "elsewhere": 0},
        "groups": dict.fromkeys(groups, wrong),
        "metrics": {policy: {name: of[name] for name in groups} for policy, of in metrics.items()},
    }


def _measures(plan: Plan, group: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    values: dict[str, list[float]] = {
        name: [one["scores"][name] for one in rows if one["scores"][name] is not None]
        for name in (*TEXTS, "recall_retrieved", "recall_cited", "abstained")
        if group not in ("5", "all") or name not in TEXTS[1:]
    }
    if plan.judge and group not in ("5", "all"):
        for prompt in ("lenient-1", "strict-1"):
            values[f"judge:{prompt}"] = [one["judge"][prompt]["correct"] * 1.0 for one in rows if one["judge"]]
    gated = [one for one in rows if one["verdict"] and ESCALATES[one["policy"]] < 1]
    values["escalation"] = [float(one["verdict"]["escalate"]) for one in gated]
    values["tokens"] = [_tokens(one) for one in rows]
    values["seconds"] = [one["seconds"] for one in rows]
    if group == "all":
        values["abstention_precision"] = [float(one["category"] == 5) for one in rows if one["scores"]["abstained"]]
        values["abstention_recall"] = [one["scores"]["abstained"] for one in rows if one["category"] == 5]
    return {name: interval(given) for name, given in values.items() if given}


def _tokens(record: dict[str, Any]) -> float:
    return float(sum(one["prompt_tokens"] + one["completion_tokens"] for one in record["ledger"].values()))


def interval(values: Sequence[float]) -> dict[str, Any]:
    mean, half = fmean(values), 1.96 * pstdev(values) / sqrt(len(values))
    return {"mean": mean, "low": mean - half, "high": mean + half, "n": len(values), "interval": "bootstrap"}


def _paired(plan: Plan, by_policy: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    found = []
    for at, a in enumerate(plan.policies):
        for b in plan.policies[at + 1 :]:
            pairs = zip(by_policy[a], by_policy[b], strict=True)
            differences = [x["scores"]["f1"] - y["scores"]["f1"] for x, y in pairs if x["category"] != 5]
            one = interval(differences)
            found.append(
                {"a": a, "b": b, "measure": "f1", "group": "1-4", "difference": one["mean"], "low": one["low"],
                 "high": one["high"], "p": 0.0001 if abs(one["mean"]) > 0.03 else 0.21, "n": one["n"]}
            )  # fmt: skip
    return found


def _cost(rows: list[dict[str, Any]]) -> dict[str, Any]:
    nothing = {"calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "cost": None, "seconds": 0.0}
    stages: dict[str, dict[str, Any]] = {"ingestion": {**nothing, "seconds": 12.5}}
    for record in rows:
        for stage, spent in (*record["ledger"].items(), *(("judge", one) for one in record["judge"].values())):
            total = stages.setdefault(stage, dict(nothing))
            for name in ("calls", "prompt_tokens", "completion_tokens", "seconds"):
                total[name] += spent[name]
    return stages


def _runs(plan: Plan, by_policy: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for policy, rows in by_policy.items():
        values = [
            fmean(one["scores"]["f1"] for one in rows if one["run"] == run and one["category"] != 5)
            for run in range(plan.runs)
        ]
        one = interval(values)
        found[policy] = {"f1": {"mean": one["mean"], "low": one["low"], "high": one["high"], "values": values}}
    return found
