"""FAISS, BM25 and the columns against plain computations."""

from __future__ import annotations

import json
import math
import random
import tracemalloc
from collections import Counter
from datetime import UTC, datetime, timedelta
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsvc_store.errors import InvalidVector, MissingDependency
from memsvc_store.projections.columns import Codes, Column, size_of_memory
from memsvc_store.projections.lexical import K1, B, LexicalIndex
from memsvc_store.projections.shard import Shard
from memsvc_store.projections.vectors import VectorIndex
from memsvc_store.sql.rows import Entry
from memsvc_store.values.memories import Memory, Nodes
from memsvc_store.values.nodes import hyperedge
from memsvc_store.values.text import stems

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

DIMENSION = 8
TERMS = st.sampled_from([f"t{index}" for index in range(12)])
DOCUMENTS = st.lists(st.lists(TERMS, max_size=12), max_size=20)


def plain_bm25(documents: dict[int, list[str]], query: set[str]) -> dict[int, float]:
    """The formula of `lexical.py`, read off its docstring."""
    average = sum(map(len, documents.values())) / max(len(documents), 1)
    scores = dict.fromkeys(documents, 0.0)
    for term in query:
        frequency = sum(term in terms for terms in documents.values())
        idf = math.log(1 + (len(documents) - frequency + 0.5) / (frequency + 0.5))
        for row, terms in documents.items():
            count = Counter(terms)[term]
            if count:
                scores[row] += idf * count / (count + K1 * (1 - B + B * len(terms) / average))
    return scores


@given(DOCUMENTS, st.sets(st.integers(0, 19)), st.sets(TERMS, max_size=4))
def test_bm25_is_the_formula_also_after_removals(
    documents: list[list[str]], removed: set[int], query: set[str]
) -> None:
    index = LexicalIndex()
    for terms in documents:
        index.add(terms)
    live = dict(enumerate(documents))
    for row in removed & live.keys():
        index.remove(row)
        del live[row]
    scores = index.scores(index.postings(query))
    assert scores.shape == (len(documents),)
    for row, expected in plain_bm25(live, query).items():
        assert scores[row] == pytest.approx(expected, rel=1e-5, abs=1e-6)
    names, postings, lengths = index.pack()
    alive = np.array([row in live for row in range(len(documents))], np.bool_)
    again = LexicalIndex.unpack(names, postings, lengths, alive)
    assert again.statistics() == index.statistics()
    kept = sorted(live)
    assert np.array_equal(again.scores(again.postings(query))[kept], scores[kept])
    again.add(["t1", "t1"])
    index.add(["t1", "t1"])
    assert np.array_equal(again.scores(again.postings(query))[kept], index.scores(index.postings(query))[kept])


def unit(count: int, dimension: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float32)


@settings(max_examples=50)
@given(st.integers(0, 60), st.integers(1, 70), st.integers(0, 2**16), st.booleans())
def test_exact_lookups_are_the_plain_ranking(rows: int, k: int, seed: int, masked: bool) -> None:
    vectors, query = unit(rows, 8, seed), unit(1, 8, seed + 1)[0]
    index = VectorIndex(8)
    index.extend(vectors[: rows // 2])
    index.extend(vectors[rows // 2 :])
    allowed = np.random.default_rng(seed).random(rows) < 0.4 if masked else np.ones(rows, np.bool_)
    expected = sorted(np.flatnonzero(allowed), key=lambda row: -float(vectors[row] @ query))[:k]
    found, scores, at = index.search(query, k, allowed if masked else None)
    assert found.tolist() == expected
    assert np.allclose(at(np.arange(rows)), vectors @ query, atol=1e-6)
    assert np.allclose(scores, vectors[expected] @ query, atol=1e-6)
    assert np.allclose(index.matrix, vectors)


def test_large_indexes_are_approximate_and_still_right() -> None:
    centres = unit(50, 32, 1)
    noise = np.random.default_rng(2).normal(scale=0.15, size=(6_000, 32))
    vectors = np.asarray(centres[np.arange(6_000) % 50] + noise, np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    exact, index = VectorIndex(32), VectorIndex(32, exact_limit=1_000)
    exact.extend(vectors)
    for start in range(0, 6_000, 700):
        index.extend(vectors[start : start + 700])
    assert index._cells is not None
    assert exact._cells is None
    queries = vectors[::60] + np.asarray(np.random.default_rng(3).normal(scale=0.05, size=(100, 32)), np.float32)
    hits = sum(len(set(index.search(q, 10).rows) & set(exact.search(q, 10).rows)) for q in queries)
    assert hits / 1_000 >= 0.97
    everyone = np.arange(6_000) % 3 > 0
    few = np.zeros(6_000, np.bool_)
    few[[5, 77, 4_000]] = True
    for query in queries[:20]:
        found = index.search(query, 10, everyone).rows
        assert len(found) == 10, "k means k"
        assert everyone[found].all()
        assert sorted(index.search(query, 10, few).rows) == [5, 77, 4_000]


def test_a_gpu_fetches_what_is_left_out_besides(monkeypatch: pytest.MonkeyPatch) -> None:
    """No GPU at hand: a second flat index stands in for its mirror, which has the same interface."""
    import faiss

    monkeypatch.setattr("memsvc_store.projections.vectors._mirror", lambda _faiss, index: faiss.IndexFlatIP(index.d))
    plain, index = VectorIndex(8), VectorIndex(8, exact_limit=10)
    monkeypatch.undo()
    vectors, queries = unit(3_000, 8), unit(20, 8, 1)
    for each in (plain, index):
        each.extend(vectors[:1_000])
        each.extend(vectors[1_000:])
    assert index._cells is None
    assert index.indexed_rows == 3_000
    some, few = np.ones(3_000, np.bool_), np.zeros(3_000, np.bool_)
    some[::3], few[:5] = False, True
    plain._gpu = None
    for query in queries:
        for allowed in (None, some, few):
            assert index.search(query, 10, allowed).rows.tolist() == plain.search(query, 10, allowed).rows.tolist()


def test_a_wrong_vector_is_refused() -> None:
    index = VectorIndex(8)
    with pytest.raises(InvalidVector, match=r"\(3, 4\).*8 dimensions"):
        index.extend(np.zeros((3, 4), np.float32))
    with pytest.raises(InvalidVector, match="not finite"):
        index.extend(np.full((1, 8), np.nan, np.float32))
    with pytest.raises(InvalidVector):
        index.search(np.zeros(4, np.float32), 1)
    assert len(index) == 0


def test_without_faiss_both_wheels_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "faiss", None)
    with pytest.raises(MissingDependency, match=r"memsvc\[cpu\].*memsvc\[gpu\]"):
        VectorIndex(8)


@given(st.lists(st.lists(st.integers(-5, 5), max_size=80), max_size=6))
def test_a_column_is_a_list(parts: list[list[int]]) -> None:
    column = Column(np.int32)
    for part in parts:
        column.extend(part)
    assert column.values.tolist() == [value for part in parts for value in part]
    assert len(column) == sum(map(len, parts))


def test_codes_are_given_in_order_and_restored() -> None:
    codes = Codes()
    assert [codes.code(name) for name in "abac"] == [0, 1, 0, 2]
    assert codes.find(["c", "unseen"]) == [2]
    assert Codes(codes.names).find(list("abc")) == [0, 1, 2]


def ordinary(number: int) -> str:
    """One of a conversation's messages: twenty words, the common ones often."""
    chosen = random.Random(number)
    return " ".join(f"word{int(2_000 * chosen.random() ** 3)}" for _ in range(20))


def noise(number: int) -> str:
    """A long message of words that nobody said before."""
    chosen = random.Random(number)
    return " ".join("".join(chosen.choices(ascii_lowercase, k=7)) for _ in range(12_000))


def memory_of(number: int, text: str, metadata: dict[str, Any]) -> Entry:
    said_at = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=number)
    nodes = Nodes.of(hyperedge(text, "Ann", "s", said_at.date()))
    key = f"{number:032}"
    memory = Memory(
        key, "ns", "message", text, "s", number, "Ann", nodes, (key,), said_at, None, said_at, None, metadata
    )
    return Entry(memory, number, number, None, None, np.eye(1, DIMENSION, dtype=np.float32)[0])


@pytest.mark.parametrize(
    ("say", "count", "metadata"),
    [
        (ordinary, 600, "{}"),
        (noise, 2, "{}"),
        (lambda _: "So it is.", 600, json.dumps({"tags": [[f"{n}"] for n in range(300)]})),
    ],
)
def test_a_shard_counts_what_it_takes(say: Callable[[int], str], count: int, metadata: str) -> None:
    stems(["warm"])  # it is made on first use
    tracemalloc.start()
    try:
        shard = Shard(DIMENSION, exact_limit=20_000)
        shard.apply((), [memory_of(number, say(number), json.loads(metadata)) for number in range(count)])
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / 2 < shard.nbytes < taken * 2
    again = Shard(DIMENSION, exact_limit=20_000)
    again.unpack(*shard.pack())
    held, before = sum(map(size_of_memory, shard.memories.values())), shard.nbytes
    assert again.nbytes == before - held, "a snapshot holds no memories"
    shard.apply([f"{number:032}" for number in range(count)], ())
    assert shard.nbytes == before - held, "dead rows stay"
