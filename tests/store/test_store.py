"""The laws of a store, on SQLite and on PostgreSQL."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from memsvc_store.errors import DatabaseUnreadable, InvalidInput, MemsvcError, NotFound
from memsvc_store.projections import filtering
from memsvc_store.sql import listing, schema
from memsvc_store.store import Store
from memsvc_store.values.hits import Filter
from tests.store.values import START, Space, draft, ticking, vector


@pytest.fixture
def store(target: str) -> Iterator[Store]:
    opened = Store(target, space=Space())
    yield opened
    opened.close()


def texts(store: Store, namespace: str = "ann") -> list[str]:
    return [memory.text for memory in store.page(namespace, limit=100)]


def test_a_stored_message_comes_back_whole(store: Store) -> None:
    local = timezone(timedelta(hours=9))
    said_at = datetime(2026, 3, 3, 0, 30, tzinfo=local)
    [receipt] = store.add("ann", [draft("I moved to Oslo.", said_at=said_at, metadata={"a": [1, "ü"]})])
    assert receipt.status == "stored"
    memory = store.get("ann", receipt.id or "")
    assert memory.text == "I moved to Oslo."
    assert memory.valid_from.isoformat() == "2026-03-03T00:30:00+09:00"
    assert memory.metadata == {"a": [1, "ü"]}
    assert memory.sources == (memory.id,)
    assert {node.name for node in memory.entities} >= {"ann", "oslo", "s1"}
    assert memory.valid_to is None
    assert memory.retired_at is None


def test_equal_messages_of_a_call_are_several_and_of_two_calls_the_same(store: Store) -> None:
    first, second = store.add("ann", [draft("hello"), draft("hello")])
    assert (first.status, second.status) == ("stored", "stored")
    assert first.id == "70e9059288faa308d6b5", "ids of messages never change"
    once, twice = [draft("hello")], [draft("hello"), draft("hello")]
    for again in (store.add("ann", twice), store.add("ann", once)):
        assert {one.status for one in again} == {"duplicate"}
        assert [one.id for one in again] == [first.id, second.id][: len(again)]
    assert [message.occurrence for message, _, _ in store.export("ann")] == [0, 1]
    assert store.verify("ann") == []
    for other in (draft("hello", minutes=1), draft("hello", speaker="Bob"), draft("hello", session="s2")):
        assert store.add("ann", [other])[0].status == "stored"
    assert store.counts("ann")["messages"] == 5


def test_a_key_is_stored_once_and_only_for_its_contents(store: Store) -> None:
    [first] = store.add("ann", [draft("hello", key="k")])
    [later] = store.add("ann", [draft("hello", key="k", minutes=5)])
    assert (later.status, later.id) == ("duplicate", first.id)
    [other] = store.add("ann", [draft("goodbye", key="k")])
    assert other.status == "rejected"
    assert "'k'" in (other.reason or "")
    one, two = store.add("ann", [draft("new", key="n"), draft("new", key="n", minutes=9)])
    assert (one.status, two.status, one.id) == ("stored", "duplicate", two.id)
    assert texts(store) == ["hello", "new"]


def test_positions_count_per_session_across_writes(store: Store) -> None:
    store.add("ann", [draft("a"), draft("b", session="s2"), draft("c", minutes=1)])
    store.add("ann", [draft("d", minutes=2)])
    found = {memory.text: (memory.session_id, memory.position) for memory in store.page("ann", limit=9)}
    assert found == {"a": ("s1", 0), "b": ("s2", 0), "c": ("s1", 1), "d": ("s1", 2)}


def test_an_update_corrects_the_memory_and_keeps_what_it_was(store: Store) -> None:
    [receipt] = store.add("ann", [draft("I live in Oslo.")])
    memory_id = receipt.id or ""
    end = START + timedelta(days=30)
    updated = store.update("ann", memory_id, text="I live in Bergen.", vector=vector("b"), valid_to=end)
    assert (updated.text, updated.valid_to) == ("I live in Bergen.", end)
    added, changed = store.history("ann", memory_id)
    assert (added.operation, changed.operation) == ("add", "update")
    assert changed.before == {"text": "I live in Oslo.", "valid_from": START.isoformat(), "valid_to": None}
    [(message, memory, _)] = store.export("ann")
    assert (message.text, memory.text) == ("I live in Oslo.", "I live in Bergen.")
    assert store.counts("ann")["vectors"] == 1, "the vector of the old text is gone"
    assert store.verify("ann") == []


def test_an_update_that_changes_nothing_is_no_write(store: Store) -> None:
    [receipt] = store.add("ann", [draft("same")])
    store.update("ann", receipt.id or "", text="same")
    assert store.counts("ann")["version"] == 1


def test_a_deleted_memory_is_gone_from_everywhere_but_its_history(store: Store) -> None:
    kept, gone = store.add("ann", [draft("keep me"), draft("forget me", minutes=1)])
    store.delete("ann", gone.id or "")
    assert texts(store) == ["keep me"]
    assert [memory.text for _, memory, _ in store.export("ann")] == ["keep me"]
    with store.reading("ann") as reading:
        assert reading.shard.live_ids == [kept.id]
    with pytest.raises(NotFound, match="was deleted at"):
        store.get("ann", gone.id or "")
    with pytest.raises(NotFound):
        store.delete("ann", gone.id or "")
    assert [change.operation for change in store.history("ann", gone.id or "")] == ["add", "delete"]
    assert store.counts("ann")["vectors"] == 1
    assert store.verify("ann") == []


def test_a_vector_lives_as_long_as_any_memory_says_its_text(store: Store) -> None:
    one, two = store.add("ann", [draft("yes"), draft("yes", minutes=1)])
    assert store.counts("ann")["vectors"] == 1
    store.delete("ann", one.id or "")
    assert store.counts("ann")["vectors"] == 1
    store.delete("ann", two.id or "")
    assert store.counts("ann")["vectors"] == 0


def test_a_retry_does_not_bring_back_what_was_deleted(store: Store) -> None:
    [receipt] = store.add("ann", [draft("gone", key="k")])
    store.delete("ann", receipt.id or "")
    for again in (draft("gone"), draft("gone", key="k", minutes=7)):
        [second] = store.add("ann", [again])
        assert (second.status, second.id) == ("duplicate", receipt.id)
        assert "deleted" in (second.reason or "")
    assert texts(store) == []
    assert store.counts("ann")["version"] == 2
    assert store.verify("ann") == []


def test_contents_that_only_look_alike_when_joined_stay_apart(store: Store) -> None:
    first, second = store.add(
        "ann", [draft("x", session="a\x1fb", speaker="c"), draft("x", session="a", speaker="b\x1fc")]
    )
    assert (first.status, second.status) == ("stored", "stored")


def test_two_corrections_at_once_keep_both(store: Store, target: str) -> None:
    [receipt] = store.add("ann", [draft("I live in Oslo.")])
    memory_id, end = receipt.id or "", START + timedelta(days=30)
    store.update("ann", memory_id, text="I live in Bergen.", vector=vector("b"))
    with Store(target, space=Space()) as other:
        other.update("ann", memory_id, valid_to=end)
    memory = store.get("ann", memory_id)
    assert (memory.text, memory.valid_to) == ("I live in Bergen.", end)
    assert store.counts("ann")["stale"] == 0


def test_the_day_of_a_memory_follows_its_event_time(store: Store) -> None:
    [receipt] = store.add("ann", [draft("then")])
    memory = store.update("ann", receipt.id or "", valid_from=datetime(2025, 1, 5, tzinfo=UTC))
    assert [node.name for node in memory.entities if node.kind == "day"] == ["2025-01-05"]
    with pytest.raises(InvalidInput, match="is not after"):
        store.update("ann", receipt.id or "", valid_to=START - timedelta(days=900))


def test_versions_are_gapless_and_count_writes_that_did_something(store: Store) -> None:
    store.add("ann", [draft("a"), draft("b", minutes=1)])
    store.add("ann", [draft("a")])
    store.add("ann", [draft("c", minutes=2)])
    assert store.counts("ann")["version"] == 2
    assert store.verify("ann") == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(since=START + timedelta(minutes=10)), ["b", "c"]),
        (Filter(until=START + timedelta(minutes=10)), ["a", "b"]),
        (Filter(as_of=START + timedelta(minutes=15)), ["a"]),
        (Filter(current_at=START + timedelta(minutes=12)), ["a", "c"]),
        (Filter(session_id=("s2",)), ["c"]),
        (Filter(speaker=("Bob", "nobody")), ["b"]),
        (Filter(kind=("fact",)), []),
        (Filter(role=("assistant", "tool")), ["b"]),
        (Filter(tags=("x", "y")), ["c"]),
        (Filter(tags=("x",), where='{"n": {"$lt": 1}}'), []),
        (Filter(speaker=("Ann",), session_id=("s1",)), ["a"]),
    ],
)
def test_listings_and_lookups_filter_alike(store: Store, wanted: Filter, found: list[str]) -> None:
    store.add(
        "ann",
        [
            draft("a"),
            draft("b", speaker="Bob", role="assistant", minutes=10, valid_to=START + timedelta(minutes=12)),
            draft("c", session="s2", minutes=20, metadata={"tags": ["x"], "n": 1}),
        ],
    )
    assert [memory.text for memory in store.page("ann", wanted, limit=9)] == found
    with store.reading("ann") as reading:
        reading.prepare(wanted)
        mask = filtering.mask(reading.shard, wanted)
        assert mask is not None
        assert [memory.text for memory in reading.memories(np.flatnonzero(mask).tolist())] == found


def test_rows_come_back_in_the_order_asked(store: Store) -> None:
    store.add("ann", [draft(text, minutes=index) for index, text in enumerate("abcde")])
    with store.reading("ann") as reading:
        assert [memory.text for memory in reading.memories([3, 0, 4])] == ["d", "a", "e"]


def test_pages(store: Store) -> None:
    store.add("ann", [draft(f"{index:02}", minutes=index) for index in range(12)])
    assert [memory.text for memory in store.page("ann", limit=5, offset=10)] == ["10", "11"]
    assert [memory.text for memory in store.page("ann", limit=2, offset=1, newest=True)] == ["10", "09"]


def test_sessions_are_those_of_live_messages(store: Store) -> None:
    lines = [
        ("Ben", "b", "s1", 0),
        ("Ann", "a", "s1", 1),
        ("Ann", "c", "s2", 2),
        ("Ben", "d", "s1", 3),
        ("Cy", "e", "s3", 9),
    ]
    receipts = store.add(
        "ann", [draft(text, speaker=who, session=session, minutes=n) for who, text, session, n in lines]
    )
    store.add("bob", [draft("f", session="s4", minutes=99)])
    store.delete("ann", receipts[-1].id or "")
    first, second = store.sessions("ann", limit=9)
    assert (first.id, first.messages, first.speakers) == ("s1", 3, ("Ben", "Ann"))
    assert (first.first_at, first.last_at) == (START, START + timedelta(minutes=3))
    assert (second.id, second.messages, second.speakers) == ("s2", 1, ("Ann",))
    assert store.sessions("ann", limit=1, offset=1) == [second]
    assert [memory.text for memory in store.session("ann", "s1", last=2)] == ["a", "d"]
    assert (
        store.session("ann", "s3", last=2) == store.session("ann", "s4", last=2) == store.sessions("cy", limit=1) == []
    )


def test_ids_and_keys_find_a_memory(store: Store) -> None:
    receipts = store.add("ann", [draft(f"{n}", minutes=n, key=f"chat/{n}") for n in range(40)])
    ids = sorted(receipt.id or "" for receipt in receipts)
    for one in ids:
        assert store.ids("ann", one[:1], limit=99) == [other for other in ids if other[0] == one[0]]
        assert store.ids("ann", one, limit=2) == [one]
    assert store.ids("ann", ids[0], traces=True, limit=9) == store.ids("bob", ids[0], limit=9) == []
    assert store.get_by_key("ann", "chat/7").text == "7"
    [alone] = store.add("ann", [draft("alone", key="note/0")])
    assert store.get_by_key("ann", "note").id == alone.id
    for namespace, key in (("ann", "chat"), ("ann", "chat/40"), ("bob", "chat/7")):
        with pytest.raises(NotFound, match=key):
            store.get_by_key(namespace, key)


def test_namespaces_do_not_see_each_other(store: Store) -> None:
    [mine] = store.add("ann", [draft("mine")])
    [theirs] = store.add("bob", [draft("theirs")])
    assert store.namespaces() == ["ann", "bob"]
    assert texts(store, "bob") == ["theirs"]
    for verb in (
        lambda: store.get("bob", mine.id or ""),
        lambda: store.history("bob", mine.id or ""),
        lambda: store.delete("bob", mine.id or ""),
        lambda: store.update("bob", mine.id or "", text="x"),
    ):
        with pytest.raises(NotFound):
            verb()
    with store.reading("bob") as reading:
        assert reading.shard.live_ids == [theirs.id]
    assert store.without_vector("bob", ["mine"]) == ["mine"], "not even a cached vector is shared"
    assert store.counts("ann")["version"] == store.counts("bob")["version"] == 1


def test_an_unknown_namespace_is_empty(store: Store) -> None:
    assert store.page("nobody", limit=9) == []
    with pytest.raises(NotFound, match="'nobody'"):
        list(store.export("nobody"))
    with store.reading("nobody") as reading:
        assert len(reading.shard) == 0
        assert reading.memories([]) == []
    with pytest.raises(NotFound, match="'nobody'"):
        store.counts("nobody")
    assert store.namespaces() == []


def test_another_store_on_the_same_database_is_seen_at_once(store: Store, target: str) -> None:
    other = Store(target, space=Space())
    [receipt] = store.add("ann", [draft("first")])
    with other.reading("ann") as reading:
        assert reading.shard.live_ids == [receipt.id]
    [second] = other.add("ann", [draft("second", minutes=1)])
    store.delete("ann", receipt.id or "")
    for each in (store, other):
        with each.reading("ann") as reading:
            assert reading.shard.live_ids == [second.id]
        assert each.verify("ann") == []
    other.close()


def test_a_reading_is_one_moment(store: Store, target: str) -> None:
    store.add("ann", [draft("first")])
    other = Store(target, space=Space())
    with store.reading("ann") as reading:
        other.add("ann", [draft("second", minutes=1)])
        assert [memory.text for memory in reading.memories([0])] == ["first"]
        assert len(reading.shard) == 1
    with store.reading("ann") as reading:
        assert len(reading.shard) == 2
    other.close()


def test_another_model_makes_vectors_stale_and_never_a_shape_error(store: Store, target: str) -> None:
    store.add("ann", [draft("one"), draft("two", minutes=1)])
    wider = Store(target, space=Space("wider", 32))
    with wider.reading("ann") as reading:
        assert reading.shard.stale == 2
        assert filtering.embedded(reading.shard, None) is not None
    stale = dict(wider.stale("ann", 10))
    assert sorted(stale.values()) == ["one", "two"]
    wider.embed("ann", {memory_id: (text, vector(text, 32)) for memory_id, text in stale.items()})
    with wider.reading("ann") as reading:
        assert reading.shard.stale == 0
    assert wider.verify("ann") == store.verify("ann") == []
    assert store.counts("ann")["stale"] == 0, "going back finds the first model's vectors"
    wider.close()


def test_a_text_that_changed_while_it_was_embedded_stays_stale(store: Store) -> None:
    [receipt] = store.add("ann", [draft("old", vector=None)])
    memory_id = receipt.id or ""
    store.update("ann", memory_id, text="new")
    store.embed("ann", {memory_id: ("old", vector("old"))})
    assert store.stale("ann", 9) == [(memory_id, "new")]
    assert store.counts("ann")["vectors"] == 0


def test_reindex_builds_the_same_from_sql(store: Store) -> None:
    receipts = store.add("ann", [draft(f"text {index}", minutes=index) for index in range(30)])
    for receipt in receipts[:10]:
        store.delete("ann", receipt.id or "")
    assert store.reindex("ann") == 20
    assert store.verify("ann") == []


def test_a_crowded_shard_is_built_anew(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memsvc_store.projections.shard._SPARE_ROWS", 5)
    receipts = store.add("ann", [draft(f"text {index}", minutes=index) for index in range(20)])
    with store.reading("ann"):
        pass
    for receipt in receipts[:15]:
        store.delete("ann", receipt.id or "")
        with store.reading("ann") as reading:
            assert reading.shard.rows - len(reading.shard) <= max(5, len(reading.shard))
    assert store.verify("ann") == []


def test_shards_are_evicted_under_the_budget_and_come_back(target: str) -> None:
    store = Store(target, space=Space(), shard_bytes=120_000)
    for name in "abcde":
        store.add(name, [draft(f"{name} {index}", minutes=index) for index in range(10)])
    for name in "abcdeabc":
        with store.reading(name) as reading:
            assert len(reading.shard) == 10
    assert set(store._shards._shards) == {"b", "c"}
    store.close()


def test_asking_for_names_keeps_no_shards(store: Store) -> None:
    for number in range(20):
        with store.reading(f"nobody/{number}"):
            pass
    assert not store._shards._shards


def test_a_pause_lets_others_write_and_sees_it(store: Store) -> None:
    store.add("ann", [draft("first")])
    with store.reading("ann") as reading:
        with reading.paused():
            store.add("ann", [draft("second", minutes=1)])
            with store.reading("ann") as other:
                assert len(other.shard) == 2
        assert len(reading.shard) == 2
        assert [memory.text for memory in reading.memories([0, 1])] == ["first", "second"]


def test_a_pause_notices_another_history_of_the_same_length(store: Store) -> None:
    store.add("ann", [draft("first")])
    with store.reading("ann") as reading:
        with reading.paused():
            reading.shard.stamp = -1  # as another thread leaves it that met a restored backup
        assert reading.namespace is not None
        assert reading.shard.at(reading.namespace)
        assert [memory.text for memory in reading.memories([0])] == ["first"]


SPOILERS = {
    "words": lambda shard: shard.lexical.incidence._postings[0].__setitem__(1, 9),
    "vectors": lambda shard: shard.vectors.matrix.fill(0),
    "hyperedges": lambda shard: shard.graph.incidence._held[0].pop(),
}


@pytest.mark.parametrize("part", SPOILERS)
def test_verify_finds_a_spoilt_projection(store: Store, part: str) -> None:
    store.add("ann", [draft("one one"), draft("two", minutes=1), draft("three", session="s2", speaker="Bob")])
    with store.reading("ann") as reading:
        SPOILERS[part](reading.shard)
    assert [problem for problem in store.verify("ann") if part in problem]
    store.reindex("ann")
    assert store.verify("ann") == []


def test_verify_finds_spoilt_rows(store: Store) -> None:
    first, second = store.add("ann", [draft("one"), draft("two", minutes=1)])
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE memories SET text = 'tampered' WHERE text = 'one'")
        connection.exec_driver_sql("UPDATE messages SET text = 'tampered' WHERE text = 'two'")
        connection.exec_driver_sql("UPDATE namespaces SET version = 7")
    problems = " ".join(store.verify("ann"))
    assert f"memory {first.id} does not hash" in problems
    assert f"message {second.id} does not hash" in problems
    assert "the namespace is at 7" in problems


TAMPERINGS = {
    "UPDATE memories SET metadata = 'x'": "is damaged",
    "UPDATE messages SET metadata = 'x'": "is damaged",
    "UPDATE memories SET kind = 'zzz'": "its kind is 'zzz'",
    "UPDATE memories SET valid_from = 9000000000000000000": "is damaged",
    "UPDATE memories SET speaker = 'Eve' WHERE position = 0": "another session, position, speaker or role",
    "UPDATE memories SET entities = '[]' WHERE position = 0": "another hyperedge",
    "UPDATE memories SET retired_at = 1 WHERE position = 0": "against the change log",
    "UPDATE changes SET operation = 'delete' WHERE ordinal = 0": "against the change log",
    "UPDATE changes SET memory_id = 'x' WHERE ordinal = 0": "which is no memory",
    "DELETE FROM messages WHERE position = 0": "has no message",
    "DELETE FROM memories WHERE position = 0": "has no memory",
}


@pytest.mark.parametrize("statement", TAMPERINGS)
def test_tampered_rows_are_reported_and_raise_only_our_errors(store: Store, statement: str) -> None:
    store.add("ann", [draft("one"), draft("two", minutes=1)])
    with store.database.write() as connection:
        connection.exec_driver_sql(statement)
    assert TAMPERINGS[statement] in " ".join(store.verify("ann"))
    for read in (lambda: store.page("ann", limit=9), lambda: list(store.export("ann")), lambda: store.reindex("ann")):
        with contextlib.suppress(MemsvcError):
            read()


def test_a_backup_restored_under_an_open_store_is_noticed(tmp_path: Path) -> None:
    path, backup = tmp_path / "a.db", tmp_path / "backup.db"
    clock = ticking()
    store = Store(path, space=Space(), now=clock)
    store.add("ann", [draft("a")])
    with sqlite3.connect(path) as source, sqlite3.connect(backup) as copy:
        source.backup(copy)
    store.add("ann", [draft(f"b{index}", minutes=index + 1) for index in range(3)])
    with store.reading("ann") as reading:
        assert len(reading.shard) == 4
    with sqlite3.connect(backup) as copy, sqlite3.connect(path) as source:
        copy.backup(source)
    with store.reading("ann") as reading:
        assert [memory.text for memory in reading.memories([0])] == ["a"]
        assert len(reading.shard) == 1
    store.add("ann", [draft(f"c{index}", minutes=index + 1) for index in range(3)])
    with store.reading("ann") as reading:
        live = reading.memories(reading.shard.rows_of(reading.shard.live_ids))
        assert [memory.text for memory in live] == ["a", "c0", "c1", "c2"]
    assert store.verify("ann") == []
    for connection in (source, copy):
        connection.close()
    store.close()


def test_a_damaged_vector_is_reported_and_named(store: Store) -> None:
    [receipt] = store.add("ann", [draft("one")])
    with store.database.write() as connection:
        connection.execute(sa.update(schema.vectors).values(data=b"abc"))
    assert "has 3 bytes for 16 dimensions" in " ".join(store.verify("ann"))
    with pytest.raises(DatabaseUnreadable, match=receipt.id), store.reading("ann"):
        pass


def test_hyperedges_are_of_the_latest_live_memories(store: Store) -> None:
    said = [draft("Oslo " * 200, minutes=2), draft("Old Bergen.", minutes=0), draft("Gone to Rome.", minutes=1)]
    long, _, gone = store.add("ann", said)
    store.add("bob", [draft("Bob's Paris.", speaker="Bob")])
    store.retain("ann", [long.id or ""], since=100)
    store.delete("ann", gone.id or "")
    found = store.hyperedges("ann", 10)
    assert ([one.text[:11] for one in found.read], found.memories) == (["Old Bergen.", "Oslo Oslo O"], 2)
    assert [(one.whole, len(one.text)) for one in found.read] == [(True, 11), (False, listing.BEGINNING)]
    assert ("thing", "old bergen") in found.read[0].nodes
    latest = store.hyperedges("ann", 1)
    assert ([one.id for one in latest.read], latest.memories) == ([long.id], 2)
    with pytest.raises(NotFound):
        store.hyperedges("nobody", 1)
