from __future__ import annotations

from datetime import UTC, datetime
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc_evals.datasets.values import Turn
from memsvc_evals.retrieval.baselines import Baselines, Bm25, fuse, rank_dense, tokens

words = st.lists(st.sampled_from("kayak goat barn sail oak".split()), max_size=8)


def turns(*texts: str, speaker: str = "Ada") -> list[Turn]:
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    return [Turn(f"D1:{number}", "session_1", speaker, text, moment) for number, text in enumerate(texts, 1)]


def test_tokens_are_stems_without_stop_words() -> None:
    assert tokens("When did Ada's 3 painted BOATS arrive?") == ["ada", "3", "paint", "boat", "arriv"]


def test_bm25_by_hand() -> None:
    documents = [["goat", "goat", "barn"], ["goat"], ["sail", "oak"]]
    idf = log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    wanted = idf * 2 * 2.5 / (2 + 1.5 * (0.25 + 0.75 * 3 / 2))
    assert Bm25(documents).score(0, ["goat"]) == pytest.approx(wanted)
    assert Bm25(documents).rank(["goat"]) == [1, 0]
    assert Bm25(documents).rank(["kayak"]) == []


@given(st.lists(words, min_size=1, max_size=6), words)
def test_bm25_against_the_formula_spelt_out(documents: list[list[str]], query: list[str]) -> None:
    average = sum(map(len, documents)) / len(documents) or 1.0

    def score(document: list[str]) -> float:
        total = 0.0
        for term in query:
            df = sum(term in other for other in documents)
            tf = document.count(term)
            idf = log(1 + (len(documents) - df + 0.5) / (df + 0.5))
            total += idf * tf * 2.5 / (tf + 1.5 * (0.25 + 0.75 * len(document) / average)) if tf else 0.0
        return total

    index = Bm25(documents)
    assert [index.score(row, query) for row in range(len(documents))] == pytest.approx([*map(score, documents)])
    ranked = index.rank(query)
    assert sorted(ranked) == [row for row, document in enumerate(documents) if set(document) & set(query)]


def test_dense_ranks_by_cosine_and_keeps_order_among_equals() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8], [1, 0]], dtype=np.float32)
    assert rank_dense(vectors, np.array([1, 0], dtype=np.float32)) == [0, 3, 2, 1]


def test_fusion_by_hand() -> None:
    # 0: 1/61 + 1/63; 1: 1/62 + 1/61; 2: 1/63; 3: 1/62
    assert fuse([[0, 1, 2], [1, 3, 0]]) == [1, 0, 3, 2]
    assert fuse([[4], [7]]) == [4, 7]
    assert fuse([[], []]) == []


def test_the_three_methods_give_ids() -> None:
    made = turns("The goat ate my list.", "We sail in May.", "Oak from the sawmill.")
    methods = Baselines(made, np.eye(3, dtype=np.float32))
    ranked = methods.rank("Who sails?", np.array([0.1, 0.2, 0.9], dtype=np.float32), 2)
    assert ranked == {"dense": ["D1:3", "D1:2"], "bm25": ["D1:2"], "rrf": ["D1:2", "D1:3"]}


def test_the_speaker_counts_for_words() -> None:
    methods = Baselines(turns("Hello.", speaker="Kofi"), np.ones((1, 1), dtype=np.float32))
    assert methods.rank("What did Kofi say?", np.ones(1, dtype=np.float32), 5)["bm25"] == ["D1:1"]


def test_nothing_but_stop_words() -> None:
    methods = Baselines(turns("So it is.", speaker="You"), np.ones((1, 1), dtype=np.float32))
    assert methods.rank("What?", np.ones(1, dtype=np.float32), 5) == {"dense": ["D1:1"], "bm25": [], "rrf": ["D1:1"]}
