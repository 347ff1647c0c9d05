"""Logistic regression against the optimum's own conditions, and against scikit-learn where it is installed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc_learners.fitted import LogisticModel
from memsvc_learners.logistic import fit, out_of_fold
from memsvc_store.errors import InvalidInput


def problem(seed: int, rows: int = 80, columns: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    features = random.normal(size=(rows, columns)) * random.uniform(0.01, 100, columns)
    positive = random.random(rows) < 1 / (1 + np.exp(-features[:, 0] / features[:, 0].std()))
    positive[:2] = [True, False]
    return features, positive


def test_a_feature_that_never_varies_leaves_the_share_of_positives() -> None:
    model = fit(np.ones((4, 1)), np.array([True, True, True, False]))
    assert model.weights == (0.0,)
    assert model.intercept == pytest.approx(math.log(3))
    assert model.probability(np.array([[1.0], [1.0]])).tolist() == pytest.approx([0.75, 0.75])


def test_by_hand_on_two_balanced_points() -> None:
    # x = -1 and +1 are standardised already, the intercept is 0, and w solves 2 * (1 / (1 + e^w)) = w
    model = fit(np.array([[-1.0], [1.0]]), np.array([False, True]))
    [weight] = model.weights
    assert model.intercept == pytest.approx(0.0, abs=1e-9)
    assert 2 / (1 + math.exp(weight)) == pytest.approx(weight, abs=1e-9)


@given(st.integers(0, 10_000), st.sampled_from([0.01, 1.0, 30.0]))
def test_the_gradient_vanishes_at_the_optimum(seed: int, penalty: float) -> None:
    features, positive = problem(seed)
    model = fit(features, positive, penalty)
    error = model.probability(features) - positive
    standard = (features - features.mean(axis=0)) / features.std(axis=0)
    assert error.sum() == pytest.approx(0.0, abs=1e-6)  # the intercept bears no penalty
    assert standard.T @ error + penalty * np.array(model.weights) == pytest.approx(np.zeros(3), abs=1e-6)


def test_equals_scikit_learn() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    features, positive = problem(3, rows=200, columns=5)
    standard = (features - features.mean(axis=0)) / features.std(axis=0)
    theirs = linear_model.LogisticRegression(C=1.0, tol=1e-12, max_iter=10_000).fit(standard, positive)
    ours = fit(features, positive)
    assert ours.probability(features) == pytest.approx(theirs.predict_proba(standard)[:, 1], abs=1e-6)


def test_separable_data_and_extreme_features_stay_finite() -> None:
    features = np.array([[-1e9, 1.0], [-2e9, 1.0], [1e9, 1.0], [2e9, 1.0]])
    likely = fit(features, np.array([False, False, True, True])).probability(features * 1e6)
    assert np.isfinite(likely).all()
    assert (likely[:2] < 1e-6).all()
    assert (likely[2:] > 1 - 1e-6).all()


def test_each_row_is_judged_by_a_model_that_has_not_seen_it() -> None:
    # One column names each row: a model that had seen a row could tell it, one that had not can't.
    random = np.random.default_rng(0)
    positive = np.arange(40) % 2 == 0
    held_out = out_of_fold(np.eye(40), positive)
    assert held_out == pytest.approx(np.full(40, 0.5), abs=1e-6)
    features, labels = random.normal(size=(40, 2)), random.random(40) < 0.4
    changed = labels.copy()
    changed[7] = not changed[7]
    assert out_of_fold(features, labels).tolist() == out_of_fold(features, labels).tolist()


def test_every_fold_has_its_share_of_the_rarer_kind() -> None:
    positive = np.arange(60) < 6
    held_out = out_of_fold(np.random.default_rng(1).normal(size=(60, 1)), positive, folds=3)
    assert held_out.mean() == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("rows", [[True, True], [False, False]])
def test_one_kind_alone_is_refused(rows: list[bool]) -> None:
    with pytest.raises(InvalidInput, match="2 rows of one kind"):
        fit(np.zeros((2, 1)), np.array(rows))


def test_a_single_positive_cannot_be_cross_validated() -> None:
    with pytest.raises(InvalidInput, match="1 rows of the rarer kind"):
        out_of_fold(np.zeros((9, 1)), np.arange(9) == 0)


def test_features_that_are_not_finite_or_of_another_number_are_refused() -> None:
    with pytest.raises(InvalidInput, match="not finite"):
        fit(np.array([[math.nan], [1.0]]), np.array([True, False]))
    with pytest.raises(InvalidInput, match="1 features"):
        LogisticModel((0.0,), (1.0,), (1.0,), 0.0).probability(np.zeros((2, 3)))
