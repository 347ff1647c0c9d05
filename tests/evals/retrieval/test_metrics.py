from __future__ import annotations

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc_evals.retrieval import metrics

RANKED = ["d", "a", "x", "b", "y", "z"]
ids = st.sampled_from([f"D1:{number}" for number in range(60)])
rankings = st.lists(ids, unique=True)
golds = st.lists(ids, unique=True, min_size=1, max_size=8)


def test_recall_by_hand() -> None:
    assert metrics.recall_at(RANKED, ["a", "b", "c"], 2) == pytest.approx(1 / 3)
    assert metrics.recall_at(RANKED, ["a", "b", "c"], 5) == pytest.approx(2 / 3)
    assert metrics.recall_at([], ["a"], 5) == 0
    assert metrics.recall_at(["a", "a"], ["a", "b"], 5) == 0.5


def test_all_found_by_hand() -> None:
    assert metrics.all_found_at(RANKED, ["a", "b"], 4) == 1
    assert metrics.all_found_at(RANKED, ["a", "b"], 3) == 0


def test_ndcg_by_hand() -> None:
    wanted = (1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3) + 1 / log2(4))
    assert metrics.ndcg_at(RANKED, ["a", "b", "c"], 10) == pytest.approx(wanted)
    assert metrics.ndcg_at(RANKED, ["b"], 3) == 0
    assert metrics.ndcg_at(["a", "a"], ["a"], 10) == 1


def test_ndcg_of_more_gold_than_places_can_be_perfect() -> None:
    gold = [f"g{number}" for number in range(15)]
    assert metrics.ndcg_at(gold, gold, 10) == pytest.approx(1)


def test_reciprocal_rank_by_hand() -> None:
    assert metrics.reciprocal_rank(RANKED, ["b", "y"]) == 0.25
    assert metrics.reciprocal_rank(RANKED, ["q"]) == 0


def test_gold_ranks_by_hand() -> None:
    assert metrics.gold_ranks(RANKED, ["b", "q", "d"]) == {"b": 4, "q": None, "d": 1}


def test_percentile_by_hand() -> None:
    assert metrics.percentile([4.0, 1.0, 3.0, 2.0], 50) == 2.5
    assert metrics.percentile([7.0], 95) == 7.0
    assert metrics.percentile([1.0, 2.0, 3.0], 100) == 3.0
    assert metrics.percentile([0.0, 10.0], 95) == pytest.approx(9.5)
    assert type(metrics.percentile([1, 2], 50)) is float


@given(rankings, golds)
def test_every_measure_lies_between_nothing_and_all(ranked: list[str], gold: list[str]) -> None:
    assert all(0 <= value <= 1 + 1e-12 for value in metrics.scores(ranked, gold).values())


@given(rankings, golds)
def test_deeper_never_finds_less(ranked: list[str], gold: list[str]) -> None:
    found = metrics.scores(ranked, gold)
    for measure in ("recall", "all_found"):
        values = [found[f"{measure}@{k}"] for k in metrics.DEPTHS]
        assert values == sorted(values)


@given(golds, rankings)
def test_gold_first_is_perfect(gold: list[str], rest: list[str]) -> None:
    ranked = gold + [identity for identity in rest if identity not in gold]
    found = metrics.scores(ranked, gold)
    assert found["ndcg@10"] == pytest.approx(1)
    assert found["mrr"] == 1
    assert found["recall@10"] == found["all_found@10"] == 1


@given(rankings, golds)
def test_order_of_gold_does_not_matter(ranked: list[str], gold: list[str]) -> None:
    assert metrics.scores(ranked, gold) == metrics.scores(ranked, gold[::-1])


@given(rankings, golds)
def test_all_found_means_full_recall(ranked: list[str], gold: list[str]) -> None:
    found = metrics.scores(ranked, gold)
    assert all((found[f"recall@{k}"] == 1) == (found[f"all_found@{k}"] == 1) for k in metrics.DEPTHS)


def test_means() -> None:
    assert metrics.mean_scores([{"mrr": 1.0}, {"mrr": 0.5}]) == {"mrr": 0.75}
    assert metrics.mean_scores([]) == {}
