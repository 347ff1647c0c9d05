from __future__ import annotations

from collections import Counter

import pytest

from memsvc import Settings
from memsvc_evals.learning import poisoning
from memsvc_evals.learning.planted import Plan
from memsvc_evals.learning.poisoning import ATTACKS, CLIENTS, HONEST, run_poisoning
from memsvc_evals.learning.study import Study

pytestmark = pytest.mark.slow

PLAN = Plan(seeds=2, clusters=2, episodes=5, helpful=1, tasks=6, slip=0.0, epochs=3, pool=5, top_k=1)


@pytest.fixture(scope="module")
def study() -> Study:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(poisoning, "CLIENTS", 4)  # so that the liar has enough to say in a world this small
        return run_poisoning(plan=PLAN)


def success(study: Study, attack: str) -> float:
    return study.curve(attack, "mean")[0].mean


def test_one_trace_in_twenty_is_the_liars() -> None:
    counts = Counter(poisoning._clients(3, 10 * CLIENTS))
    assert set(counts.values()) == {10}
    assert poisoning._clients(3, 200) == poisoning._clients(3, 200) != poisoning._clients(4, 200)


def test_every_attack_is_run_on_every_seed(study: Study) -> None:
    assert study.arms == tuple(attack.name for attack in ATTACKS)
    assert all(len([run for run in study.runs if run.arm == arm]) == 2 for arm in study.arms)


def test_lies_cost_and_the_cap_bounds_a_flood(study: Study) -> None:
    assert success(study, "floods, cap off") < success(study, HONEST.name)
    assert success(study, "floods, cap on") > success(study, "floods, cap off")


def test_losses_are_against_the_honest_run(study: Study) -> None:
    losses = [one for one in study.figures if one.name == "all epochs" and one.against is not None]
    assert {one.against for one in losses} == {HONEST.name}
    flood = next(one for one in losses if one.arm == "floods, cap off")
    assert flood.value.mean == pytest.approx(success(study, "floods, cap off") - success(study, HONEST.name))


def test_bars_hold_with_the_cap_on_only(study: Study) -> None:
    assert set(study.bars) == {"lies, cap on: loses less than 3 points", "floods, cap on: loses less than 3 points"}
    assert study.settings["feedback_cap"] == Settings.model_fields["feedback_cap"].default
