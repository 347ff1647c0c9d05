"""The walk, the fusion and the look-up against plain computations."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from memsvc_retrievers.fast import ranking, walk
from memsvc_retrievers.fast.fusion import POOL, Found, find
from memsvc_retrievers.fast.question import take_apart
from memsvc_store.projections.hypergraph import HUB, Hypergraph
from memsvc_store.projections.shard import Shard
from memsvc_store.values.hits import Filter, Parts
from memsvc_store.values.memories import Node
from tests.retrievers.shards import entry, shard, vector

TALK = [
    entry(0, "Ann", "We had rain all morning."),
    entry(1, "Bob", "Which dog did you adopt?"),
    entry(2, "Ann", "A beagle, he is called Biscuit."),
    entry(3, "Bob", "Lovely!"),
    entry(4, "Ann", "The harbour was foggy.", session="s2", position=0, days=30),
    entry(5, "Bob", "I took the dog there.", session="s2", position=1, days=30),
]


def parts_by_row(found: list[Found]) -> dict[int, Parts]:
    return {one.row: one.parts for one in found}


def reach(built: Shard, question: str) -> list[float]:
    postings = built.lexical.postings(take_apart(question, {}).terms)
    return [round(float(value), 4) for value in walk.from_words(built, postings)]


def test_a_word_reaches_its_neighbours_and_its_answer() -> None:
    built = shard(TALK)
    [posting] = built.lexical.postings(["dog"])
    own, other = posting.parts.tolist()
    expected = [
        walk.DECAY * own,  # one before
        own,
        own,  # the answer to a question gets it in full
        walk.DECAY * own,  # two after
        walk.DECAY * other,
        other,
    ]
    assert reach(built, "dog") == [round(value, 4) for value in expected]


def test_a_word_counts_once_a_row_by_its_strongest_path() -> None:
    built = shard([entry(0, "Ann", "dog"), entry(1, "Ann", "dog"), entry(2, "Ann", "dog")])
    alone = reach(built, "dog")
    assert max(alone) == pytest.approx(float(built.lexical.postings(["dog"])[0].parts.max()), abs=1e-4)


def test_a_removed_utterance_breaks_the_chain() -> None:
    built = shard(TALK)
    built.apply(["m2"], [])
    assert built.after.values[built.rows_of(["m1"])].tolist() == [-1]
    assert reach(built, "dog")[3] == 0
    assert reach(built, "biscuit") == [0] * 6


@given(
    st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=5), min_size=1, max_size=25),
    st.sets(st.integers(0, 24)),
    st.dictionaries(st.sampled_from("abcdefghz"), st.floats(0.1, 3), max_size=4),
)
def test_the_walk_over_nodes_equals_the_plain_one_on_networkx(
    edges: list[list[str]], removed: set[int], start: dict[str, float]
) -> None:
    graph = Hypergraph()
    for names in edges:
        graph.add([Node("thing", name) for name in names] + [Node("session", "s")])
    gone = removed & set(range(len(edges)))
    for row in gone:
        graph.remove(row)
    view = networkx.Graph((row, node) for row in range(len(graph)) for node in graph.nodes(row))
    live = len(edges) - len(gone)
    plain = np.zeros(len(edges), np.float32)
    for name, weight in start.items():
        node = Node("thing", name)
        degree = view.degree(node) if node in view else 0
        for row in view.neighbors(node) if 1 <= degree <= max(2, HUB * live) else ():
            plain[row] += weight * np.log(live / degree) / np.log(max(live, 2))
    walked = graph.walk({Node("thing", name): weight for name, weight in start.items()})
    walked[list(gone)] = 0
    assert np.allclose(walked, plain, atol=1e-5)


@given(hnp.arrays(np.float32, st.integers(0, 20), elements=st.floats(-5, 5, width=32)))
def test_shares_are_between_0_and_1_and_keep_the_order(scores: np.ndarray) -> None:
    shares = ranking.share(scores)
    assert ((shares >= 0) & (shares <= 1)).all()
    if (scores > 0).any():
        assert shares.max() == 1
        assert shares.argmax() == scores.argmax()
    else:
        assert not shares.any()


def test_equal_scores_stand_in_the_order_of_their_keys() -> None:
    scores, keys = np.array([1, 2, 1, 2], np.float32), np.array([9, 8, 7, 6])
    assert ranking.best(scores, keys, 3).tolist() == [3, 1, 2]


def test_parts_add_up_and_the_answer_comes_first() -> None:
    built = shard(TALK)
    question = take_apart("Which dog did Ann adopt?", built.names)
    found = find(built, question, vector("A beagle, he is called Biscuit."), 6)
    assert found[0].row == 2
    assert len(found) == 6
    for one in found:
        parts, blend = one.parts, one.blend
        assert blend is None
        assert parts.final == pytest.approx(parts.dense + parts.lexical + parts.graph + parts.prior)
        assert parts.utility == 0
    finals = [one.parts.final for one in found]
    assert finals == sorted(finals, reverse=True)


def test_the_named_day_and_speaker_count() -> None:
    built = shard(TALK)
    plain = parts_by_row(find(built, take_apart("What happened?", built.names), vector("x"), 6))
    dated = parts_by_row(find(built, take_apart("What happened on 1 April?", built.names), vector("x"), 6))
    for row in (4, 5):
        assert dated[row].graph - plain[row].graph > 0.4
    said = parts_by_row(find(built, take_apart("What happened to Bob?", built.names), vector("x"), 6))
    assert said[3].graph - plain[3].graph > 0.3
    assert said[0].graph - plain[0].graph < 0.1


def test_memories_without_a_vector_are_found_by_their_words() -> None:
    built = shard([entry(0, "Ann", "the harbour", embedded=False), entry(1, "Bob", "the beach")])
    [first, second] = find(built, take_apart("harbour", {}), vector("the beach"), 2)
    assert {first.row, second.row} == {0, 1}
    assert parts_by_row([first, second])[0].lexical > 0
    nothing = shard([entry(0, "Ann", "the harbour", embedded=False)])
    assert [one.row for one in find(nothing, take_apart("beach", {}), vector("b"), 3)] == [0]


def test_k_means_k_also_while_nothing_is_embedded() -> None:
    built = shard([entry(i, "Ann", f"word {i}", embedded=False) for i in range(1_000)])
    assert len(find(built, take_apart("nothing shared", {}), vector("q"), 10)) == 10
    built.apply([f"m{i}" for i in range(300)], [])
    assert len(find(built, take_apart("nothing shared", {}), vector("q"), 250)) == 250


def test_candidates_of_a_large_shard_are_enough_for_k() -> None:
    built = shard(
        [
            entry(i, "Ann" if i % 3 else "Bob", f"word{i % 50} number {i}", session=f"s{i // 20}", position=i % 20)
            for i in range(2000)
        ]
    )
    question = take_apart("word7 and number 1234", built.names)
    assert len(find(built, question, vector("q"), 10)) == 10
    assert len(find(built, question, vector("q"), POOL + 50)) == POOL + 50
    only = find(built, question, vector("q"), 10, Filter(speaker=("Bob",), session_id=("s3",)))
    assert len(only) == 7
    assert all(built.speakers.names[built.speaker.values[one.row]] == "Bob" for one in only)
    assert find(built, question, vector("q"), 10, Filter(speaker=("Cy",))) == []
    assert find(shard([]), question, vector("q"), 10) == []


def test_speakers_are_named_by_what_the_other_calls_them() -> None:
    calls = [entry(i, "Bob", f"Hey Kate, number {i}") for i in range(3)]
    built = shard([*calls, entry(3, "Emi", "Thanks Bob!"), entry(4, "Emi", "Hi Tom"), entry(5, "Emi", "Hello again")])
    assert built.names == {"emi": "Emi", "bob": "Bob", "kate": "Emi"}
    built.apply(["m0"], [])
    assert "kate" not in built.names
    crowd = shard([*calls, entry(3, "Emi", "x"), entry(4, "Cy", "y")])
    assert "kate" not in crowd.names, "with three at the table nobody knows who Kate is"


def test_a_word_that_two_speakers_share_names_neither() -> None:
    built = shard([entry(0, "Ann Lee", "x"), entry(1, "Bob Lee", "y")])
    assert set(built.names) == {"ann", "bob"}
