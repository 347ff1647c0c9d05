"""Episodes by the likeness of their intents, and by what they were worth."""

from __future__ import annotations

import numpy as np
import pytest

from memsvc_retrievers.fast.episodic import find_episodes
from memsvc_retrievers.fast.ranking import two_phase
from memsvc_store.projections.shard import Shard
from memsvc_store.values.hits import Filter
from tests.retrievers.shards import entry, shard, vector

VECTOR = vector("list the open invoices")


def archive(episodes: int = 30) -> Shard:
    entries = [entry(key, "Ann", f"message {key}") for key in range(10)]
    entries += [entry(key, "agent", f"task {key}", kind="episode") for key in range(10, 10 + episodes)]
    return shard(entries)


def test_it_is_two_phase_selection_over_the_episodes_alone() -> None:
    built = archive()
    built.learn({f"m{key}": key / 40 for key in range(0, 40, 3)})
    found = find_episodes(built, VECTOR, k1=10, k2=4, threshold=-0.2, weight=0.5)
    rows = np.arange(10, 40)
    cosines = built.vectors.matrix[rows] @ VECTOR
    plain = two_phase(cosines, built.q.values[rows], built.keys.values[rows], threshold=-0.2, k1=10, k2=4, weight=0.5)
    assert found.rows.tolist() == rows[plain.pool].tolist()
    assert found.chosen.tolist() == rows[plain.pool[plain.order]].tolist()
    assert found.similarity.tolist() == pytest.approx(cosines[plain.pool].tolist(), abs=1e-6)
    assert found.q.tolist() == built.q.values[found.rows].tolist()
    assert found.choice.score.tolist() == pytest.approx(plain.score.tolist(), abs=1e-4)


def test_with_nothing_learned_the_most_similar_come_first() -> None:
    built = archive()
    found = find_episodes(built, VECTOR, k1=10, k2=5, threshold=None, weight=0.9)
    cosines = built.vectors.matrix[10:40] @ VECTOR
    assert found.chosen.tolist() == (10 + np.argsort(-cosines))[:5].tolist()


def test_what_helped_is_preferred_to_what_is_a_little_more_alike() -> None:
    built = archive()
    first, second = find_episodes(built, VECTOR, k1=2, k2=2, threshold=None, weight=0.6).chosen.tolist()
    built.learn({f"m{second}": 0.9})
    assert find_episodes(built, VECTOR, k1=2, k2=2, threshold=None, weight=0.6).chosen.tolist() == [second, first]


def test_where_nothing_is_alike_enough_nothing_is_given() -> None:
    found = find_episodes(archive(), VECTOR, k1=10, k2=5, threshold=0.999, weight=0.5)
    assert (len(found.rows), len(found.chosen)) == (0, 0)
    assert len(find_episodes(archive(0), VECTOR, k1=10, k2=5, threshold=None, weight=0.5).chosen) == 0
    assert len(find_episodes(shard([]), VECTOR, k1=10, k2=5, threshold=None, weight=0.5).chosen) == 0


def test_filters_hold_and_the_kind_is_episode_whatever_they_say() -> None:
    entries = [entry(key, "agent", f"task {key}", session=f"s{key % 3}", kind="episode") for key in range(30)]
    built = shard([*entries, entry(30, "Ann", "list the open invoices", session="s1")])
    wanted = Filter(session_id=("s1",), kind=("message",))
    found = find_episodes(built, VECTOR, k1=50, k2=50, threshold=None, weight=0.5, wanted=wanted)
    assert sorted(found.chosen.tolist()) == list(range(1, 30, 3))


def test_deleted_and_unembedded_episodes_are_not_found() -> None:
    entries = [entry(key, "agent", f"task {key}", kind="episode", embedded=key != 1) for key in range(3)]
    built = shard(entries)
    built.apply(["m0"], [])
    assert find_episodes(built, VECTOR, k1=9, k2=9, threshold=None, weight=0.5).chosen.tolist() == [2]


def test_of_equal_intents_the_newest_come_first() -> None:
    same = [entry(key, "agent", "the same task", kind="episode") for key in (5, 3, 8, 1)]
    built = shard(same)
    found = find_episodes(built, VECTOR, k1=2, k2=2, threshold=None, weight=0.5)
    assert built.keys.values[found.chosen].tolist() == [8, 5]


def test_chance_may_draw_any_of_the_pool() -> None:
    built = archive()
    drawn = {
        row
        for seed in range(60)
        for row in find_episodes(
            built, VECTOR, k1=8, k2=2, threshold=None, weight=0.5, epsilon=1.0, random=np.random.default_rng(seed)
        ).chosen.tolist()
    }
    assert drawn == set(find_episodes(built, VECTOR, k1=8, k2=8, threshold=None, weight=0.5).chosen.tolist())


def test_the_useful_one_of_many_equal_intents_comes_into_the_pool() -> None:
    built = shard([entry(key, "agent", "the same task", kind="episode") for key in range(900)])
    built.learn({"m858": 0.3})
    found = find_episodes(built, VECTOR, k1=3, k2=2, threshold=None, weight=0.5)
    assert built.keys.values[found.rows].tolist() == [858, 899, 898]
    assert found.chosen.tolist()[0] == 858


def test_equals_beyond_the_pool_are_not_looked_for() -> None:
    same = [entry(key, "agent", "the same task", kind="episode") for key in range(300)]
    built = shard([entry(500, "agent", "list the open invoices", kind="episode"), *same])
    found = find_episodes(built, VECTOR, k1=1, k2=1, threshold=None, weight=0.5)
    assert built.keys.values[found.chosen].tolist() == [500]
