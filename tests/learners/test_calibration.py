"""Thresholds that are read off the data: likeness of intents, and the gate's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc_learners import calibration
from memsvc_learners.calibration import Observations, calibrate, pairwise_cosines, pick, threshold
from memsvc_store.errors import InvalidInput


def unit(rows: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, 8)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_fifth_of_the_pairs_pass_the_threshold() -> None:
    vectors = unit(60)
    cosines = pairwise_cosines(vectors)
    assert len(cosines) == 60 * 59 // 2
    assert cosines[0] == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-6)
    assert np.mean(cosines > threshold(cosines)) == pytest.approx(0.2, abs=0.001)


def test_the_threshold_by_hand() -> None:
    assert threshold(np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])) == pytest.approx(0.4)


def test_beyond_a_limit_a_seeded_sample_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "SAMPLED", 100)
    vectors = unit(400)
    sampled = pairwise_cosines(vectors, seed=3)
    assert len(sampled) == 100 * 99 // 2
    assert sampled.tolist() == pairwise_cosines(vectors, seed=3).tolist()
    assert sampled.tolist() != pairwise_cosines(vectors, seed=4).tolist()
    monkeypatch.undo()
    assert threshold(sampled) == pytest.approx(threshold(pairwise_cosines(vectors)), abs=0.03)


@pytest.mark.parametrize("rows", [0, 1])
def test_without_a_pair_there_is_no_threshold(rows: int) -> None:
    with pytest.raises(InvalidInput, match="no pair of intents"):
        threshold(pairwise_cosines(unit(rows)))


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=60), st.floats(0, 1))
def test_as_many_escalate_as_the_budget_allows_and_not_one_more(risks: list[float], budget: float) -> None:
    values = np.array(risks)
    above = int((values > pick(values, budget)).sum())
    assert above <= budget * len(values) + 1e-6
    next_lower = values[values <= pick(values, budget)]
    if len(next_lower):  # letting the next ones escalate too would exceed it
        assert above + int((values == next_lower.max()).sum()) > budget * len(values) - 1e-6


def test_what_cannot_be_picked_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"1\.2"):
        pick(np.array([0.5]), 1.2)
    with pytest.raises(InvalidInput, match="no risk"):
        pick(np.array([]), 0.5)


def observed(count: int = 300, forced: int = 0, seed: int = 5) -> Observations:
    """Drafts whose first feature tells nearly all of whether they fail; of a third the outcome is not known."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(count, 2))
    failed = features[:, 0] + 0.3 * random.normal(size=count) > 0.8
    return Observations(features, random.random(count) < 2 / 3, failed, forced)


def test_the_gate_keeps_to_its_budget_and_catches_what_it_can() -> None:
    seen = observed()
    found = calibrate(seen, 0.25)
    assert found.escalation_rate == pytest.approx(0.25, abs=0.005)
    bad = int((seen.failed & seen.known).sum())
    assert (found.caught + found.missed, found.outcomes) == (bad, int(seen.known.sum()))
    assert found.spared + found.wasted == found.outcomes - bad
    assert found.caught / bad > 0.85
    assert found.wasted / (found.spared + found.wasted) < 0.15


def test_more_budget_catches_more() -> None:
    found = [calibrate(observed(), budget) for budget in (0.0, 0.1, 0.2, 0.4, 1.0)]
    caught = [one.caught for one in found]
    assert caught == sorted(caught)
    assert (found[0].caught, found[0].wasted) == (0, 0)
    assert (found[-1].missed, found[-1].spared) == (0, 0)


@pytest.mark.parametrize("seed", range(6))
def test_the_budget_holds_for_the_model_that_is_deployed(seed: int) -> None:
    """One verdict of two values, 30 % of which fail: models fitted to parts of the log rate the same row unlike it."""
    random = np.random.default_rng(seed)
    features = (random.random((200, 1)) < 0.3).astype(float)
    failed = random.random(200) < np.where(features[:, 0] > 0, 0.6, 0.1)
    for budget in (0.1, 0.25, 0.5):
        found = calibrate(Observations(features, np.ones(200, np.bool_), failed), budget)
        alone = np.concatenate([found.model.probability(row[None]) for row in features])  # as the gate asks
        assert (alone > found.threshold).mean() == found.escalation_rate <= budget


def test_a_threshold_lies_between_the_risks() -> None:
    assert pick(np.array([0.2, 0.2, 0.4]), 0.34) == pytest.approx(0.3)
    assert pick(np.array([0.2, 0.2, 0.4]), 0.0) == pytest.approx(0.7)
    assert pick(np.array([0.2, 0.2]), 0.5) == pytest.approx(0.6)


def test_what_is_caught_is_judged_by_models_that_have_not_seen_it() -> None:
    # As many features as a model needs to learn 60 rows by heart: it would catch them all.
    features = np.random.default_rng(2).normal(size=(60, 40))
    found = calibrate(Observations(features, np.ones(60, np.bool_), np.arange(60) % 4 == 0), 0.3)
    assert found.escalation_rate == pytest.approx(0.3)
    assert found.caught < found.missed


def test_questions_that_escalate_anyway_take_their_part_of_the_budget() -> None:
    found = calibrate(observed(300, forced=50), 0.25)
    assert found.escalation_rate == pytest.approx(0.25, abs=0.005)
    assert found.threshold > calibrate(observed(300), 0.25).threshold
    beyond = calibrate(observed(300, forced=200), 0.25)
    assert beyond.escalation_rate == pytest.approx(0.4)
    assert beyond.caught == 0


def test_it_is_the_same_each_time() -> None:
    assert calibrate(observed(), 0.2) == calibrate(observed(), 0.2)


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [(39, 10, "49 fast answers.*39 good and 10 bad"), (60, 9, "60 good and 9 bad"), (9, 60, "9 good and 60 bad")],
)
def test_too_few_outcomes_are_refused_with_their_counts(good: int, bad: int, said: str) -> None:
    failed = np.arange(good + bad) < bad
    features = np.random.default_rng(0).normal(size=(good + bad, 2))
    with pytest.raises(InvalidInput, match=said):
        calibrate(Observations(features, np.ones_like(failed), failed), 0.2)


def test_just_enough_outcomes_are_taken() -> None:
    failed = np.arange(50) < 10
    features = np.random.default_rng(0).normal(size=(50, 2))
    assert calibrate(Observations(features, np.ones_like(failed), failed), 0.2).outcomes == 50
