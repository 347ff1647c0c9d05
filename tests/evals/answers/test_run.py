"""A whole run on eight turns and seven questions, with models that answer by rules."""

from __future__ import annotations

import json
from dataclasses import replace
from math import exp
from pathlib import Path
from typing import Any

import pytest

from memsvc.errors import InvalidInput, ModelRefused, ModelUnavailable
from memsvc.testing import RuleModel
from memsvc_evals import Dataset, load_locomo
from memsvc_evals.answers.audit import read_audit
from memsvc_evals.answers.journal import Existing
from memsvc_evals.answers.plan import Plan, Selection
from memsvc_evals.answers.policies import POLICIES
from memsvc_evals.answers.run import Results, run
from memsvc_evals.errors import DatasetError, MeasurementError
from memsvc_retrievers.language import Prompt
from tests.evals.answers.made_up import ANSWERS, answering, asked, parts, says, untimed
from tests.evals.builders import write

pytestmark = pytest.mark.slow

FOUR = ("fast", "quality", "full-context", "none")
ALL = tuple(name for name in POLICIES if name != "calibrated")


def mean(of: Any, *path: str) -> Any:
    for name in path:
        of = of[name]
    return of["mean"]


def files(folder: Path) -> dict[str, Any]:
    lines = (folder / "answers.jsonl").read_text("utf-8").splitlines()
    documents = {name: json.loads((folder / name).read_text("utf-8")) for name in ("run.json", "summary.json")}
    documents["ingestion.json"] = json.loads((folder / "ingestion.json").read_text("utf-8"))
    return untimed({**documents, "answers.jsonl": [json.loads(line) for line in lines]})


@pytest.fixture
def results(dataset: Dataset, tmp_path: Path) -> Results:
    model = answering()
    return run(dataset, tmp_path / "run", Plan(FOUR), parts(model, judge=answering()))


def test_the_table_is_the_one_worked_out_by_hand(results: Results) -> None:
    """Oslo/Oslo 1, in May/March 0, rye/"rye, spelt" 1/2, no.../No 2/5, a piano/the piano 1, NONE/Yes 0."""
    metrics = results.summary["metrics"]
    fast, quality = metrics["fast"], metrics["quality"]
    assert mean(fast, "1-4", "f1") == pytest.approx(2.9 / 6)
    assert mean(fast, "1-4", "f1_set") == pytest.approx((1 + 0 + 2 / 3 + 1 / 4 + 1 / 2 + 0) / 6)
    assert mean(fast, "1-4", "bleu1") == pytest.approx((1 + 0 + exp(-2) + 2 / 5 + 1 / 2 + 0) / 6)
    assert mean(fast, "1-4", "em") == pytest.approx(2 / 6)
    assert mean(fast, "1-4", "judge:lenient-1") == mean(fast, "1-4", "judge:strict-1") == pytest.approx(2 / 6)
    assert mean(quality, "1-4", "f1") == mean(metrics, "full-context", "1-4", "f1") == pytest.approx(3.9 / 6)
    assert mean(metrics, "none", "1-4", "f1") == 0
    assert [mean(fast, group, "f1") for group in "12345"] == pytest.approx([1 / 2, 0, 1 / 5, 1, 1])
    assert mean(fast, "all", "f1") == pytest.approx(3.9 / 7)
    assert mean(quality, "all", "escalation") == pytest.approx(3 / 7)
    assert "escalation" not in fast["all"]
    assert fast["1-4"]["f1"]["n"] == 6


def test_abstention_is_told_by_its_shares(results: Results) -> None:
    """Of seven it abstains from the one that has no answer, and from one that has."""
    fast, none = (results.summary["metrics"][policy]["all"] for policy in ("fast", "none"))
    shares = [f"abstention_{name}" for name in ("precision", "recall", "false")]
    assert [mean(fast, share) for share in shares] == pytest.approx([1 / 2, 1, 1 / 6])
    assert [mean(none, share) for share in shares] == pytest.approx([1 / 7, 1, 1])
    assert fast["abstained"]["interval"] == "wilson"


def test_a_group_that_holds_category_5_has_no_measure_that_needs_a_gold_answer(results: Results) -> None:
    for group in ("5", "all"):
        assert not {"f1_set", "bleu1", "em", "judge:lenient-1"} & set(results.summary["metrics"]["fast"][group])


def test_evidence_that_was_retrieved_and_cited(results: Results) -> None:
    """Of eight turns all are retrieved; the whole conversation is answered from its first line, D1:1."""
    metrics = results.summary["metrics"]
    assert mean(metrics, "fast", "1-4", "recall_retrieved") == 1
    assert metrics["fast"]["1-4"]["recall_retrieved"]["n"] == 5  # one of six has no evidence
    assert mean(metrics, "full-context", "1-4", "recall_cited") == pytest.approx(2 / 5)
    assert "recall_retrieved" not in metrics["full-context"]["1-4"]
    assert not {"recall_retrieved", "recall_cited"} & set(metrics["none"]["all"])


def test_records_say_how_each_answer_came_about(results: Results) -> None:
    by = {(one.question, one.policy): one for one in results.records}
    escalated = by["When did Ada move?", "quality"]
    assert (escalated.process, escalated.draft, escalated.prediction) == ("scan", "in May", "March")
    assert escalated.verdict is not None
    assert escalated.verdict["escalate"] is True
    assert [one["passed"] for one in escalated.verdict["reasons"]] == [True, False, True]
    assert escalated.coverage is not None
    assert (escalated.coverage["read"], escalated.coverage["chunks"]) == (8, [[1, 8]])
    assert list(escalated.ledger) == ["draft", "gate", "extract", "answer"]
    plain = by["Where did Ada move?", "fast"]
    assert (plain.process, plain.draft, plain.coverage) == ("fast", "Oslo", None)
    assert sorted(plain.retrieved) == sorted(f"D{s}:{t}" for s in (1, 2) for t in (1, 2, 3, 4))
    assert plain.cited == plain.retrieved[:1]
    whole = by["Where did Ada move?", "full-context"]
    assert (whole.process, whole.retrieved, whole.cited) == ("full-context", (), ("D1:1",))
    assert whole.coverage is not None
    assert (whole.coverage["messages"], whole.coverage["read"], whole.coverage["problems"]) == (8, 8, [])
    adversarial = by["How many sheep did Bo sell?", "fast"]
    assert (adversarial.gold, adversarial.process, adversarial.judge) == (None, "abstained", {})
    assert adversarial.scores["f1"] == 1


def test_calls_are_shared_and_each_ledger_is_as_if_alone(dataset: Dataset, tmp_path: Path) -> None:
    model = answering()
    together = run(dataset, tmp_path / "run", Plan(FOUR), parts(model))
    assert sum(one[0].purpose == "draft" for one in model.batches) == 7  # of 14 that two policies wanted
    for policy in FOUR:
        alone = run(dataset, tmp_path / policy, Plan((policy,)), parts(answering()))
        assert alone.summary["cost"][policy].keys() == together.summary["cost"][policy].keys()
        assert untimed([one.to_json() for one in alone.records]) == untimed(
            [one.to_json() for one in together.records if one.policy == policy]
        )


def test_costs_are_shown_for_every_stage(results: Results) -> None:
    cost = results.summary["cost"]["quality"]
    calls = {stage: spent["calls"] for stage, spent in cost.items()}
    # Of three scans two find nothing.
    assert calls == {"ingestion": 0, "draft": 7, "gate": 5, "extract": 3, "answer": 1, "judge": 10}
    assert cost["draft"]["seconds"] == pytest.approx(7 * 0.5)
    assert cost["draft"]["cost"] == 0.0
    assert cost["ingestion"]["seconds"] > 0


def test_policies_are_compared_question_by_question(results: Results) -> None:
    [one] = [pair for pair in results.summary["paired"] if list(pair.values())[:3] == ["fast", "quality", "f1"]]
    assert (one["group"], one["n"], one["p"]) == ("1-4", 6, 1.0)
    assert one["difference"] == pytest.approx(-1 / 6)


def test_records_stand_in_canonical_order(results: Results, dataset: Dataset) -> None:
    questions = [one.id for one in dataset.conversations[0].questions]
    assert [one.key for one in results.records] == [(0, question, policy) for question in questions for policy in FOUR]


def test_two_runs_of_one_seed_differ_in_nothing_but_their_times(dataset: Dataset, tmp_path: Path) -> None:
    plan = Plan(ALL, runs=2)
    for name in ("a", "b"):
        run(dataset, tmp_path / name, plan, parts(answering(), judge=answering(), parallel=5 if name == "a" else 1))
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_a_run_that_is_done_is_not_done_again(dataset: Dataset, tmp_path: Path) -> None:
    plan, folder = Plan(FOUR), tmp_path / "run"
    run(dataset, folder, plan, parts(answering()))
    before, model = files(folder), answering()
    run(dataset, folder, plan, parts(model), existing=Existing.RESUME)
    assert files(folder) == before
    assert model.batches == []


@pytest.mark.parametrize("after", range(1, 30, 4))
def test_a_run_that_ended_anywhere_is_gone_on_with(dataset: Dataset, tmp_path: Path, after: int) -> None:
    """The model goes away after so many calls, and stays away."""
    plan = Plan(FOUR)
    run(dataset, tmp_path / "whole", plan, parts(answering(), judge=answering()))
    model = answering()
    down = _Down(model, after)
    with pytest.raises(ModelUnavailable):
        run(dataset, tmp_path / "ended", plan, parts(down, judge=answering(), parallel=1))
    run(dataset, tmp_path / "ended", plan, parts(model, judge=answering()), existing=Existing.RESUME)
    assert files(tmp_path / "ended") == files(tmp_path / "whole")


class _Down(RuleModel):
    """Answers so many batches, and is away from then on."""

    def __init__(self, inner: RuleModel, after: int) -> None:
        super().__init__(inner._rules, seconds=0.5)
        self.after = after

    def complete_many(self, prompts: Any, **more: Any) -> Any:
        if len(self.batches) >= self.after:
            self._rules = {prompt.purpose: _unreachable for prompt in prompts}
        return super().complete_many(prompts, **more)


def _unreachable(_: Prompt) -> str:
    raise ModelUnavailable("the server cannot be reached; start it")


def test_a_judge_that_cannot_be_reached_is_known_before_anything_is_done(dataset: Dataset, tmp_path: Path) -> None:
    judge = RuleModel(default=_unreachable)
    model = answering()
    with pytest.raises(ModelUnavailable, match="the judge cannot be used: the server cannot be reached"):
        run(dataset, tmp_path / "run", Plan(FOUR), parts(model, judge=judge))
    assert len(model.batches) == 1  # the probe
    run(dataset, tmp_path / "run", Plan(FOUR), parts(model, judge=answering()))


def test_a_run_outlives_an_attempt_to_overwrite_it_that_comes_to_nothing(dataset: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(dataset, folder, Plan(FOUR), parts(answering()))
    before = files(folder)
    away = parts(answering(), judge=RuleModel(default=_unreachable))
    with pytest.raises(ModelUnavailable):
        run(dataset, folder, Plan(FOUR), away, existing=Existing.OVERWRITE)
    assert files(folder) == before


def test_a_judge_that_goes_away_stops_the_run_which_can_be_resumed(dataset: Dataset, tmp_path: Path) -> None:
    plan, folder = Plan(FOUR), tmp_path / "run"
    run(dataset, tmp_path / "whole", plan, parts(answering(), judge=answering()))
    with pytest.raises(ModelUnavailable):
        run(dataset, folder, plan, parts(answering(), judge=_Down(answering(), 4), parallel=1))
    kept = (folder / "answers.jsonl").read_text().splitlines()
    assert 0 < len(kept) < 28
    run(dataset, folder, plan, parts(answering(), judge=answering()), existing=Existing.RESUME)
    assert files(folder) == files(tmp_path / "whole")


def test_a_call_that_fails_is_a_record_and_is_listed(dataset: Dataset, tmp_path: Path) -> None:
    def refuses(prompt: Prompt) -> Any:
        if asked(prompt) == "Where did Ada move?":
            raise ModelRefused("the prompt is too long; shorten it")
        return says(prompt)

    found = run(dataset, tmp_path / "run", Plan(("fast", "none")), parts(answering(draft=refuses), judge=answering()))
    [failed] = [one for one in found.records if one.error]
    assert (failed.policy, failed.process, failed.prediction) == ("fast", "failed", "")
    assert failed.scores["f1"] == 0
    assert failed.scores["recall_retrieved"] is None
    assert {one["correct"] for one in failed.judge.values()} == {False}
    assert failed.ledger["draft"]["calls"] == 1  # what it had cost until then
    summary = found.summary
    assert summary["failed"] == [
        {"question_id": "conv-1/q0", "policy": "fast", "run": 0, "error": "the prompt is too long; shorten it"}
    ]
    assert summary["exclusions"]["counts"]["answer that failed"] == 1
    assert summary["metrics"]["fast"]["1-4"]["f1"]["n"] == 6  # it counts as wrong


def test_one_question_that_times_out_does_not_stop_the_run(dataset: Dataset, tmp_path: Path) -> None:
    def slow(prompt: Prompt) -> Any:
        return _unreachable(prompt) if asked(prompt) == "Where did Ada move?" else says(prompt)

    found = run(dataset, tmp_path / "run", Plan(("fast",)), parts(answering(draft=slow)))
    assert [one.question_id for one in found.records if one.error] == ["conv-1/q0"]


def test_a_judgement_that_cannot_be_read_is_counted_and_not_guessed(dataset: Dataset, tmp_path: Path) -> None:
    judge = answering(**{"judge:strict-1": lambda _: "well"})
    found = run(dataset, tmp_path / "run", Plan(("fast",)), parts(answering(), judge=judge))
    assert "judge:lenient-1" in found.summary["metrics"]["fast"]["1-4"]
    # The one that was not answered is wrong without a call.
    assert found.summary["metrics"]["fast"]["1-4"]["judge:strict-1"]["n"] == 1
    assert [one["error"].split(":")[0] for one in found.summary["failed"]] == ["judge strict-1"] * 5


def test_exclusions_of_the_part_that_was_asked_are_counted(tmp_path: Path, file: Path) -> None:
    records = json.loads(file.read_text("utf-8"))
    records[0]["qa"][0]["evidence"] = ["D1:1", "D9:9"]
    records[0]["qa"][4] |= {"answer": None, "evidence": ["D"]}
    records.append({**records[0], "sample_id": "conv-2"})
    dataset = load_locomo(write(file, records))
    plan = Plan(("none",), Selection(conversations=("conv-1",)))
    summary = run(dataset, tmp_path / "run", plan, parts(answering())).summary
    assert summary["exclusions"]["counts"] == {
        "question without valid evidence": 2,
        "evidence id of no message": 1,
        "evidence string without an id": 1,
        "question without an answer": 1,
    }
    assert {one["place"].split(".")[0] for one in summary["exclusions"]["list"]} <= {"made-up", "conv-1/q4"}
    assert summary["repairs"]["counts"] == {"question without an answer": 1}
    assert summary["metrics"]["none"]["1-4"]["f1"]["n"] == 5
    part = replace(plan, selection=Selection(limit=4, conversations=("conv-1",)))
    counts = run(dataset, tmp_path / "part", part, parts(answering())).summary["exclusions"]["counts"]
    assert counts == {"evidence id of no message": 1}


def test_a_corrected_key_is_scored_against_as_well(dataset: Dataset, tmp_path: Path) -> None:
    record = {"question": "When did Ada move?", "error_type": "TEMPORAL_ERROR", "correct_answer": "May"}
    key = write(tmp_path / "audit.json", [{"question_id": "locomo_0_qa1", **record}])
    audited = read_audit(key, dataset)
    found = run(dataset, tmp_path / "run", Plan(("fast",)), parts(answering(), judge=answering(), key=audited))
    corrected = found.records[1].audited
    assert corrected is not None
    assert (corrected["gold"], corrected["em"], corrected["judge"]["strict-1"]["correct"]) == ("May", 0.0, True)
    assert corrected["f1"] == pytest.approx(2 / 3)  # "in May"
    assert [one.audited is None for one in found.records] == [True, False, True, True, True, True, True]
    ceiling = found.summary["ceiling"]
    assert ceiling["key"] == {"records": 1, "corrected": 1, "harmless": 0, "elsewhere": 0}
    assert ceiling["groups"]["1-4"] == {"questions": 6, "corrected": 1, "ceiling": pytest.approx(5 / 6)}
    assert mean(ceiling["metrics"], "fast", "1-4", "f1") == pytest.approx((2.9 + 2 / 3) / 6)
    assert mean(ceiling["metrics"], "fast", "1-4", "judge:strict-1") == pytest.approx(3 / 6)
    assert found.summary["cost"]["fast"]["judge"]["calls"] == 12


def test_facts_are_worked_out_and_lead_to_their_turns(dataset: Dataset, tmp_path: Path) -> None:
    """Every message of five words and more is a fact: six of eight."""
    found = run(dataset, tmp_path / "run", Plan(("fast",), facts=True), parts(answering()))
    [cost] = json.loads((tmp_path / "run" / "ingestion.json").read_text("utf-8"))["conversations"].values()
    assert (cost["messages"], cost["facts"], cost["failed"]) == (8, 6, 0)
    assert cost["ledger"]["facts"]["calls"] == 4  # two messages a call
    assert found.summary["cost"]["fast"]["ingestion"]["calls"] == 4
    assert all(turn.startswith("D") for one in found.records for turn in one.retrieved)


def test_facts_of_an_earlier_run_are_not_taken_for_none(dataset: Dataset, tmp_path: Path) -> None:
    shared = parts(answering(), database=str(tmp_path / "shared.db"))
    run(dataset, tmp_path / "with", Plan(("fast",), facts=True), shared)
    with pytest.raises(MeasurementError, match="locomo/conv-1: the database holds facts, and answers would rest on"):
        run(dataset, tmp_path / "without", Plan(("fast",)), shared)


def test_several_runs_have_a_spread_over_runs(dataset: Dataset, tmp_path: Path) -> None:
    def drafted(prompt: Prompt) -> Any:
        """Some runs know when, which their seeds decide."""
        assert prompt.seed is not None
        known = {**ANSWERS, "When did Ada move?": "March" if prompt.seed % 2 else "in May"}
        return {"thoughts": "", "answer": known[asked(prompt)], "sources": [1]}

    found = run(dataset, tmp_path / "run", Plan(("fast",), runs=4), parts(answering(draft=drafted)))
    runs = found.summary["runs"]["fast"]["f1"]
    assert set(runs["values"]) == {2.9 / 6, 3.9 / 6}
    assert mean(found.summary["metrics"], "fast", "1-4", "f1") == pytest.approx(sum(runs["values"]) / 4)
    assert found.summary["metrics"]["fast"]["1-4"]["f1"]["n"] == 6
    assert runs["low"] < runs["mean"] < runs["high"]


def test_progress_tells_how_far_each_stage_is(dataset: Dataset, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    run(
        dataset, tmp_path / "run", Plan(("fast", "none"), facts=True), parts(answering(), judge=answering()),
        progress=lambda *one: told.append(one),
    )  # fmt: skip
    last = {stage: (done, total) for stage, done, total in told}
    assert last == {"add": (8, 8), "facts": (8, 8), "ask": (14, 14), "judge": (12, 12)}
    assert [done for stage, done, _ in told if stage == "ask"] == list(range(1, 15))


def test_a_gate_that_was_not_calibrated_is_known_before_anything_is_asked(dataset: Dataset, tmp_path: Path) -> None:
    model = answering()
    with pytest.raises(InvalidInput, match="no gate was calibrated in namespace 'locomo/conv-1'"):
        run(dataset, tmp_path / "run", Plan(("fast", "calibrated")), parts(model))
    assert len(model.batches) == 1  # the probe


@pytest.mark.parametrize(
    ("plan", "error", "said"),
    [
        (Plan(("fats",)), MeasurementError, "no policy is named 'fats'; there are fast, filter"),
        (Plan(()), MeasurementError, "no policy came"),
        (Plan(("fast",), judge_prompts=("kind",)), MeasurementError, "no judge prompt is named 'kind'"),
        (Plan(("fast",), judge_prompts=()), MeasurementError, "a judge came without a prompt"),
        (
            Plan(("fast",), Selection(conversations=("conv-9",))),
            DatasetError,
            "no conversation 'conv-9'",
        ),
        (Plan(("fast",), Selection(categories=(6,))), DatasetError, "no category 6; there are 1, 2, 3, 4, 5"),
    ],
)
def test_a_plan_that_cannot_be_carried_out(
    dataset: Dataset, tmp_path: Path, plan: Plan, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        run(dataset, tmp_path / "run", plan, parts(answering(), judge=answering()))
    assert not (tmp_path / "run" / "run.json").exists()
