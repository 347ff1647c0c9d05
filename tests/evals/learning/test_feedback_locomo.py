from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from memsvc.testing import HashEmbedder
from memsvc_evals import DatasetError, load_locomo
from memsvc_evals.learning.feedback_locomo import Plan, run_feedback
from memsvc_evals.learning.study import Study
from tests.evals.builders import locomo, question, turn, write

if TYPE_CHECKING:
    from pathlib import Path

    from memsvc_evals import Dataset

pytestmark = pytest.mark.slow

PLAN = Plan(seeds=1, epochs=1, weights=(0.0, 0.5))


@pytest.fixture(scope="module")
def study(examples: Dataset) -> Study:
    return run_feedback(examples, HashEmbedder(), plan=PLAN)


def curve(study: Study, arm: str, measure: str) -> list[float]:
    return [one.mean for one in study.curve(arm, measure)]


def test_every_reward_is_tried_with_every_weight(study: Study) -> None:
    assert study.arms == ("no utility, 0", "recall, 0.5", "told, 0.5")
    assert study.measures == ("same questions", "held out")
    assert study.points("held out") == ("0", "1")


def test_weight_0_is_the_look_up_without_utility(study: Study) -> None:
    for measure in study.measures:
        assert len(set(curve(study, "no utility, 0", measure))) == 1


def test_feedback_moves_the_ranking_where_it_has_weight(study: Study) -> None:
    moved = [curve(study, arm, measure) for arm in study.arms if arm.endswith("0.5") for measure in study.measures]
    assert any(len(set(values)) > 1 for values in moved)


def test_all_arms_start_alike(study: Study) -> None:
    for measure in study.measures:
        assert len({curve(study, arm, measure)[0] for arm in study.arms}) == 1


def test_what_changed_is_the_last_epoch_less_the_first(study: Study) -> None:
    change = next(one for one in study.figures if one.arm == "told, 0.5" and one.name == "held out since epoch 0")
    values = curve(study, "told, 0.5", "held out")
    assert change.value.mean == pytest.approx(values[-1] - values[0])
    assert study.bars["told, 0.5: held-out recall does not fall"] == (change.value.mean >= 0)


def test_traps_and_questions_without_evidence_are_not_asked(examples: Dataset, study: Study) -> None:
    asked = [q for one in examples.conversations for q in one.questions if q.evidence and q.category != 5]
    assert study.settings["questions"] == len(asked) < examples.questions


def test_too_few_questions_are_refused(tmp_path: Path, examples: Dataset) -> None:
    record = locomo({1: [turn("D1:1", "A goat.")]}, [question("D1:1")])
    with pytest.raises(DatasetError, match="no conversation with 4 questions"):
        run_feedback(load_locomo(write(tmp_path / "d.json", [record])), HashEmbedder(), plan=PLAN)
    few = replace(examples, conversations=examples.conversations[:1])
    found = run_feedback(few, HashEmbedder(), plan=Plan(1, 1, (0.0,)))
    assert found.settings["conversations"] == ["kittiwake"]
