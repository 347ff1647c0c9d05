"""Conditions on metadata mean the same as a rule, in SQL on both databases, and as a mask of a shard's rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsvc_store.errors import InvalidFilter
from memsvc_store.projections import facets, filtering
from memsvc_store.store import Store
from memsvc_store.values import where
from memsvc_store.values.erasure_receipts import Target
from memsvc_store.values.hits import Filter
from memsvc_store.values.memories import Message
from tests.store.values import Space, draft

KEYS = st.sampled_from(["a", "b", "a.b", "b.a", "tags"])
TEXTS = st.sampled_from(["", "x", "xy", "Z", "é", "z", "😀", "\ufffd", "1", "true", "null", '"', "a'b\\", "%_"])
NUMBERS = (
    st.sampled_from([0, 1, -1, 1.0, -0.0, 0.1, 10, 1e23, 10**23, 2**53 + 1, float(2**53), 1e300, 10**400, 5e-324])
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
)
SCALARS = TEXTS | NUMBERS | st.booleans() | st.none()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=2))
METADATA = st.dictionaries(KEYS, VALUES, max_size=4)
OPERATORS = st.one_of(
    st.tuples(st.sampled_from(["$eq", "$ne", "$contains"]), SCALARS),
    st.tuples(st.sampled_from(["$in", "$nin"]), st.lists(SCALARS, min_size=1, max_size=4)),
    st.tuples(st.sampled_from(["$lt", "$lte", "$gt", "$gte"]), TEXTS | NUMBERS),
    st.tuples(st.just("$exists"), st.booleans()),
)
CONDITIONS = st.tuples(KEYS, SCALARS | st.lists(OPERATORS, min_size=1, max_size=2).map(dict)).map(
    lambda one: dict([one])
)
DOCUMENTS = st.recursive(
    CONDITIONS,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["$and", "$or", "AND", "OR"]), st.lists(inner, min_size=1, max_size=3)),
        st.tuples(st.sampled_from(["$not", "NOT"]), inner),
    ).map(lambda one: dict([one])),
    max_leaves=5,
)  # fmt: skip


@pytest.fixture
def store(target: str) -> Iterator[Store]:
    with Store(target, space=Space()) as opened:
        yield opened


def listed(store: Store, name: str, document: Any) -> list[str]:
    found = store.page(name, Filter(where=json.dumps(document)), limit=99)
    return [memory.text for memory in found]


def masked(store: Store, name: str, document: Any) -> list[str]:
    wanted = Filter(where=json.dumps(document))
    with store.reading(name) as reading:
        reading.prepare(wanted)
        mask = filtering.mask(reading.shard, wanted)
        assert mask is not None
        return [memory.text for memory in reading.memories(np.flatnonzero(mask).tolist())]


def test_sql_and_the_mask_agree_with_the_rule(store: Store) -> None:
    names = (f"n{number}" for number in count())

    @settings(max_examples=60)
    @given(st.lists(METADATA, min_size=1, max_size=6), st.lists(DOCUMENTS, min_size=1, max_size=4))
    def agree(metadata: list[dict[str, Any]], documents: list[dict[str, Any]]) -> None:
        name = next(names)
        said = [draft(str(number), minutes=number, metadata=one) for number, one in enumerate(metadata)]
        store.add(name, said[:-1])
        for document in documents:
            clause = where.read(json.dumps(document))
            assert masked(store, name, document) == [
                str(number) for number, one in enumerate(metadata[:-1]) if where.matches(clause, one)
            ]
        store.add(name, said[-1:])  # after the facets were made
        for document in documents:
            clause = where.read(json.dumps(document))
            wanted = [str(number) for number, one in enumerate(metadata) if where.matches(clause, one)]
            assert listed(store, name, document) == wanted, document
            assert masked(store, name, document) == wanted, document

    agree()


PETS = [
    {"topic": "pets", "price": 9.5, "tags": ["cat", "dog"], "of": {"user": "ann"}},
    {"topic": "pets", "price": 12, "tags": "cat", "of.user": "bob"},
    {"topic": "cars", "price": "9", "sold": True, "note": None},
    {},
]


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"topic": "pets", "price": {"$lt": 10}}, "0"),
        ({"topic": "pets"}, "01"),
        ({"topic": {"$ne": "pets"}}, "23"),
        ({"topic": {"$in": ["cars", "boats"]}}, "2"),
        ({"topic": {"$nin": ["cars", "boats"]}}, "013"),
        ({"price": {"$gte": 9.5, "$lte": 12.0}}, "01"),
        ({"price": {"$gt": ""}}, "2"),
        ({"price": {"$exists": True}}, "012"),
        ({"note": {"$exists": True}}, "2"),
        ({"note": None}, "2"),
        ({"note": {"$exists": False}}, "013"),
        ({"sold": True}, "2"),
        ({"sold": 1}, ""),
        ({"tags": "cat"}, "01"),
        ({"tags": {"$contains": "cat"}}, "01"),
        ({"tags": {"$contains": "ca"}}, "1"),
        ({"tags": {"$nin": ["dog"]}}, "123"),
        ({"of.user": {"$in": ["ann", "bob"]}}, "01"),
        ({"of": "ann"}, ""),
        ({"$or": [{"topic": "cars"}, {"price": 12}]}, "12"),
        ({"AND": [{"topic": "pets"}, {"NOT": {"price": 12}}]}, "0"),
        ({"NOT": [{"topic": "cars"}, {"price": 12}]}, "03"),
        ({"$not": {"price": {"$lt": 10}}}, "123"),
    ],
)
def test_what_documents_mean(document: dict[str, Any], found: str) -> None:
    clause = where.read(json.dumps(document))
    assert "".join(str(number) for number, one in enumerate(PETS) if where.matches(clause, one)) == found


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "came as []; give an object of keys"),
        ({"a": {"$xyz": 1}}, "known: $eq, $ne"),
        ({"a": {"$gtt": 1}}, "did you mean '$gt"),
        ({"a": {"lt": 1}}, "did you mean '$lt'"),
        ({"a": {"b": 1}}, "of a nested key give the path, such as 'a.b'"),
        ({"a": {}}, "'a' came as {}"),
        ({"a": ["x"]}, 'give {"a": {"$in": [...]}}'),
        ({"a": {"$in": "x"}}, "give a list of 1 to 1,000 values"),
        ({"a": {"$in": []}}, "give a list of 1 to 1,000 values"),
        ({"a": {"$in": [["x"]]}}, "give one value: a string, a number"),
        ({"a": {"$lt": True}}, "give a number or a string"),
        ({"a": {"$gte": None}}, "give a number or a string"),
        ({"a": {"$exists": 1}}, "give true or false"),
        ({"$ro": [{"a": 1}]}, "did you mean '$or'"),
        ({"$or": []}, "give a list of objects"),
        ({"$and": {"a": 1}}, "give a list of objects"),
        ({"$or": [{"a": number} for number in range(65)]}, "65 conditions"),
        ({"$not": {"$not": {"$not": {"$not": {"$not": {"$not": {"$not": {"$not": {"a": 1}}}}}}}}}, "8 deep"),
    ],
)
def test_what_cannot_be_meant_is_told(document: Any, says: str) -> None:
    with pytest.raises(InvalidFilter) as raised:
        where.read(json.dumps(document))
    assert says in str(raised.value)


def test_a_change_of_a_memory_is_seen_at_once_and_verify_finds_a_spoilt_facet(store: Store) -> None:
    first, second = store.add("ann", [draft("a", metadata={"n": 1}), draft("b", metadata={"n": 2}, minutes=1)])
    assert masked(store, "ann", {"n": 1}) == ["a"]
    store.update("ann", str(first.id), text="A")  # a dead row, and a live one of the same row in SQL
    assert masked(store, "ann", {"n": 1}) == ["A"]
    assert sorted(masked(store, "ann", {"n": {"$gt": 0}, "m": {"$exists": False}})) == ["A", "b"]
    store.delete("ann", str(second.id))
    assert masked(store, "ann", {"n": {"$exists": True}}) == ["A"]
    assert store.verify("ann") == []
    with store.reading("ann") as reading:
        reading.shard.facets.extend([{"n": 5}])
        facet = reading.shard.facets._of["n"]
        facet._rows.values[:] = facet._rows.values[-1]
    assert store.verify("ann") == ["ann: the shard's metadata differ from SQL in 'n'"]


def test_a_shard_knows_so_many_keys_and_drops_what_was_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facets, "MOST", 2)
    known = facets.Facets()
    known.learn(["a", "b"], [{"a": 1}])
    assert known.missing(["a", "c"]) == ["c"]
    known.learn(["c"], [{"a": 1}])
    assert known.keys == ["a", "c"]


def test_what_is_not_held_comes_from_sql(store: Store) -> None:
    first, *_ = store.add("ann", [draft(str(n), metadata={"n": n}, minutes=n) for n in range(4)])
    store.update("ann", str(first.id), text="zero")
    with store.reading("ann") as reading:
        reading.shard.memories = {row: one for row, one in reading.shard.memories.items() if row % 2}
    assert sorted(masked(store, "ann", {"n": {"$lt": 3}})) == ["1", "2", "zero"]
    assert store.verify("ann") == []


def test_metadata_are_updated_key_by_key_and_filtered_by_at_once(store: Store) -> None:
    given = {"topic": "pets", "draft": True, "none": None}
    [first] = store.add("ann", [draft("a", metadata=given)])
    one = str(first.id)
    assert masked(store, "ann", {"topic": "pets"}) == ["a"]
    changed = store.update("ann", one, metadata={"topic": "cars", "draft": None, "n": 1})
    assert changed.metadata == {"topic": "cars", "none": None, "n": 1}
    assert (masked(store, "ann", {"topic": "pets"}), masked(store, "ann", {"topic": "cars", "n": 1})) == ([], ["a"])
    assert listed(store, "ann", {"topic": "cars", "draft": {"$exists": False}}) == ["a"]
    assert store.history("ann", one)[-1].before == {"metadata": {"topic": "pets", "draft": True, "n": None}}
    store.update("ann", one, metadata={"topic": "cars"})
    store.update("ann", one, metadata={"n": True})  # which equals 1, and is not
    assert [step.operation for step in store.history("ann", one)] == ["add", "update", "update"]
    [(message, _, _)] = store.export("ann")
    assert isinstance(message, Message)
    assert message.metadata == given, "the raw log stays as it was"
    assert store.verify("ann") == []


def test_a_source_that_was_changed_is_still_erased_under_both_names(store: Store) -> None:
    for name, source in (("a", "book"), ("b", "page"), ("c", "film")):
        [one] = store.add(name, [draft("said", metadata={"source": "book"})])
        store.update(name, str(one.id), metadata={"source": "film"})
        store.update(name, str(one.id), metadata={"source": "page"})
        assert store.erasure.forget(name, Target("source", source)).counts["messages"] == 1
