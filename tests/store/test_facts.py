"""Facts: what they rest on, when they go, and when they may come back; on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from memsvc_store.errors import NotFound
from memsvc_store.projections import filtering
from memsvc_store.sql.rows import fact_id
from memsvc_store.store import Store
from memsvc_store.values.hits import Filter
from tests.store.values import START, Space, draft, fact, said, vector

FACTS = Filter(kind=("fact",))


@pytest.fixture
def store(target: str) -> Iterator[Store]:
    opened = Store(target, space=Space())
    yield opened
    opened.close()


def facts_of(store: Store, namespace: str = "ann") -> dict[str, tuple[str, ...]]:
    """Text -> sources of the live facts."""
    return {memory.text: memory.sources for memory in store.page(namespace, FACTS, limit=99)}


def queued(store: Store, namespace: str = "ann") -> list[tuple[str, ...]]:
    return [job.messages for job in store.jobs.find(namespace, "queued")]


def test_a_fact_comes_back_whole_by_every_way(store: Store, target: str) -> None:
    one, two = said(store, "I moved.", "To Oslo.")
    end = START + timedelta(days=9)
    [receipt] = store.add_facts("ann", [fact("Ann moved to Oslo.", two, one, two, valid_to=end, metadata={"a": 1})])
    assert receipt.id == fact_id("Ann moved to Oslo.", [one, two])
    got = store.get("ann", receipt.id)
    assert (got.kind, got.text, got.sources) == ("fact", "Ann moved to Oslo.", (two, one))
    assert (got.valid_from, got.valid_to, got.metadata) == (START, end, {"a": 1})
    assert store.page("ann", FACTS, limit=9) == [got]
    assert got.role == "user"
    with store.reading("ann") as reading:  # replayed into a shard, and held there
        [(found, cosine)] = reading.nearest(vector("Ann moved to Oslo."), 5, FACTS)
        assert found == got
        assert cosine == pytest.approx(1.0)
    with Store(target, space=Space()) as other, other.reading("ann") as reading:
        reading.shard.memories.clear()  # as where a shard holds no more memories: read from SQL
        rows = [row for row, kind in enumerate(reading.shard.kind.values) if kind == 1]
        assert reading.memories(rows) == [got]
    assert store.counts("ann")["memories"] == 3
    assert store.verify("ann") == []


def test_equal_facts_are_one(store: Store) -> None:
    one, two = said(store, "a", "b")
    first, again, elsewhere = store.add_facts("ann", [fact("F.", one), fact("F.", one), fact("F.", two)])
    assert (first.status, again.status, elsewhere.status) == ("stored", "duplicate", "duplicate")
    assert first.id == again.id == elsewhere.id
    [later] = store.add_facts("ann", [fact("F.", one, one)])
    assert (later.status, later.id) == ("duplicate", first.id)
    assert facts_of(store) == {"F.": (one,)}


def test_a_fact_rests_on_live_messages_of_its_namespace(store: Store) -> None:
    one, gone = said(store, "a", "b")
    [theirs] = said(store, "theirs", namespace="bob")
    [known] = store.add_facts("ann", [fact("F.", one)])
    store.delete("ann", gone)
    bad = [fact("A.", gone), fact("B.", theirs), fact("C.", "nowhere", one), fact("D."), fact("E.", known.id or "")]
    assert [receipt.status for receipt in store.add_facts("ann", bad)] == ["rejected"] * 5
    assert facts_of(store) == {"F.": (one,)}


def test_a_new_fact_retires_what_it_replaces(store: Store) -> None:
    one, two = said(store, "Oslo", "Bergen")
    [old] = store.add_facts("ann", [fact("Ann lives in Oslo.", one)])
    [new] = store.add_facts("ann", [fact("Ann lives in Bergen.", two, replaces=(old.id or "",))])
    assert facts_of(store) == {"Ann lives in Bergen.": (two,)}
    added, retired = store.history("ann", old.id or "")
    assert (added.operation, retired.operation) == ("add", "retire")
    assert retired.before == {"why": "replaced", "by": new.id}
    assert store.get("ann", new.id or "").metadata == {"replaces": [old.id]}
    with pytest.raises(NotFound, match="was retired at"):
        store.get("ann", old.id or "")
    with store.reading("ann") as reading:
        assert old.id not in reading.shard.live_ids
    assert [memory.id for _, memory, _ in store.export("ann")] == [one, two, new.id]
    assert store.counts("ann")["vectors"] == 3
    assert store.verify("ann") == []


def test_a_merged_text_that_equals_the_old_one_gets_more_sources(store: Store) -> None:
    one, two = said(store, "a", "b")
    [old] = store.add_facts("ann", [fact("F.", one)])
    [new] = store.add_facts("ann", [fact("F.", one, two, replaces=(old.id or "",))])
    assert (new.status, facts_of(store)) == ("stored", {"F.": (one, two)})
    [same] = store.add_facts("ann", [fact("F.", one, two, replaces=(new.id or "",))])
    assert (same.status, facts_of(store)) == ("duplicate", {"F.": (one, two)})
    assert store.verify("ann") == []


def test_a_deleted_message_takes_its_facts_along(store: Store) -> None:
    one, two, three = said(store, "a", "b", "c")
    alone, both, other = store.add_facts("ann", [fact("A.", one), fact("B.", one, two), fact("C.", three)])
    version = store.counts("ann")["version"]
    store.delete("ann", one)
    assert facts_of(store) == {"C.": (three,)}
    assert store.counts("ann")["version"] == version + 1, "one write"
    for receipt in (alone, both):
        assert store.history("ann", receipt.id or "")[-1].before == {"why": "source deleted", "by": one}
    assert queued(store) == [(two,)], "what the other message says is worked out anew"
    [again] = store.add_facts("ann", [fact("B.", one, two)])
    assert again.status == "rejected"
    assert store.get("ann", other.id or "").text == "C."
    assert store.verify("ann") == []


def test_a_corrected_message_has_its_facts_worked_out_anew(store: Store) -> None:
    one, two = said(store, "I have a dog in Oslo.", "b")
    dog, oslo = store.add_facts("ann", [fact("Ann has a dog.", one), fact("Ann lives in Oslo.", one)])
    store.update("ann", one, text="I have a dog in Bergen.")
    assert facts_of(store) == {}
    assert store.history("ann", oslo.id or "")[-1].before == {"why": "source corrected", "by": one}
    assert queued(store) == [(one,)]
    [again] = store.add_facts("ann", [fact("Ann has a dog.", one)])
    assert (again.status, again.id) == ("stored", dog.id)
    assert [change.operation for change in store.history("ann", dog.id or "")] == ["add", "retire", "add"]
    assert facts_of(store) == {"Ann has a dog.": (one,)}
    store.update("ann", two, text="B")
    store.update("ann", one, valid_to=START + timedelta(days=1))
    assert queued(store) == [(one,)], "no fact rested on the one, and what the other says is the same"
    store.update("ann", one, valid_from=START - timedelta(days=1))
    assert facts_of(store) == {}, "dates in it were worked out from when it was said"
    assert store.verify("ann") == []


def test_deleted_and_replaced_facts_stay_away(store: Store) -> None:
    one, two = said(store, "a", "b")
    gone, old = store.add_facts("ann", [fact("Gone.", one), fact("Old.", one)])
    store.delete("ann", gone.id or "")
    [new] = store.add_facts("ann", [fact("New.", two, replaces=(old.id or "",))])
    [newest] = store.add_facts("ann", [fact("Newest.", two, replaces=(new.id or "",))])
    for again in store.add_facts("ann", [fact("Gone.", one), fact("Old.", one)]):
        assert (again.status, again.id in (gone.id, old.id)) == ("duplicate", True)
        assert "stays so" in (again.reason or "")
    store.delete("ann", newest.id or "")
    assert store.add_facts("ann", [fact("Old.", one)])[0].status == "duplicate", "its owner deleted what became of it"
    assert facts_of(store) == {}
    assert store.verify("ann") == []


def test_what_a_lost_fact_had_replaced_is_looked_at_again(store: Store) -> None:
    one, two = said(store, "Oslo", "Bergen")
    [old] = store.add_facts("ann", [fact("Ann lives in Oslo.", one)])
    [middle] = store.add_facts("ann", [fact("Ann moved to Bergen.", two, replaces=(old.id or "",))])
    store.add_facts("ann", [fact("Ann lives in Bergen.", two, replaces=(middle.id or "",))])
    store.delete("ann", two)
    assert queued(store) == [(one,)]
    [back] = store.add_facts("ann", [fact("Ann lives in Oslo.", one)])
    assert (back.status, back.id) == ("stored", old.id)
    assert store.verify("ann") == []


def test_a_fact_is_corrected_and_deleted_like_any_memory(store: Store) -> None:
    [one] = said(store, "a")
    [receipt] = store.add_facts("ann", [fact("Ann likes tea.", one)])
    assert store.update("ann", receipt.id or "", text="Ann likes green tea.").sources == (one,)
    assert queued(store) == []
    assert store.verify("ann") == []
    store.delete("ann", receipt.id or "")
    assert [change.operation for change in store.history("ann", receipt.id or "")] == ["add", "update", "delete"]
    assert store.get("ann", one).text == "a"
    assert store.verify("ann") == []


def test_facts_are_seen_by_filters_and_no_other_namespace(store: Store) -> None:
    [one] = said(store, "a")
    said(store, "a", namespace="bob")
    [receipt] = store.add_facts("ann", [fact("F.", one)])
    with store.reading("ann") as reading:
        mask = filtering.mask(reading.shard, FACTS)
        assert mask is not None
        assert mask.sum() == 1
    assert facts_of(store, "bob") == {}
    for verb in (store.get, store.history, store.delete):
        with pytest.raises(NotFound):
            verb("bob", receipt.id or "")


SPOILT = {
    "DELETE FROM sources": "rests on no message",
    "UPDATE sources SET message_id = 'x'": "rests on x, which is no message",
    "UPDATE memories SET retired_at = 1 WHERE kind = 'message'": "which was deleted",
    "UPDATE memories SET retired_at = 1 WHERE kind = 'fact'": "against the change log",
    "UPDATE memories SET entities = '[]' WHERE kind = 'fact'": "another hyperedge",
    "UPDATE memories SET text = 'x' WHERE kind = 'fact'": "does not hash to its digest",
}


@pytest.mark.parametrize("statement", SPOILT)
def test_verify_finds_spoilt_facts(store: Store, statement: str) -> None:
    [one] = said(store, "a")
    store.add_facts("ann", [fact("F.", one)])
    with store.database.write() as connection:
        connection.exec_driver_sql(statement)
    assert SPOILT[statement] in " ".join(store.verify("ann"))


def statements(store: Store, namespace: str) -> int:
    """How many statements a look-up takes that reads its hits from SQL."""
    seen = []
    engine = store.database._engine

    def note(*arguments: object) -> None:
        seen.append(arguments[2])

    with store.reading(namespace) as reading:
        reading.shard.memories.clear()
    sa.event.listen(engine, "before_cursor_execute", note)
    with store.reading(namespace) as reading:
        reading.memories(range(reading.shard.rows))
    sa.event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def test_facts_cost_one_statement_where_there_are_any(store: Store) -> None:
    said(store, "a", "b")
    [one, *_] = said(store, *(f"text {number}" for number in range(40)), namespace="bob")
    assert statements(store, "ann") == statements(store, "bob") == 2, "the version, and the rows"
    store.add_facts("bob", [fact(f"Fact {number}.", one) for number in range(20)])
    assert statements(store, "bob") == 3
    assert statements(store, "ann") == 2


def test_a_write_of_facts_is_seen_by_another_store(store: Store, target: str) -> None:
    with Store(target, space=Space()) as other:
        [one] = said(store, "a")
        with other.reading("ann") as reading:
            assert len(reading.shard) == 1
        store.add_facts("ann", [fact("F.", one)])
        with other.reading("ann") as reading:
            assert len(reading.shard) == 2
        other.delete("ann", one)
        with store.reading("ann") as reading:
            assert len(reading.shard) == 0
        assert store.verify("ann") == other.verify("ann") == []


def test_messages_said_before_come_in_order_and_without_deleted_ones(store: Store) -> None:
    ids = said(store, *"abcdef")
    said(store, "elsewhere", session="s2")
    store.add("ann", [draft("g", minutes=60)])
    store.delete("ann", ids[3])
    with store.reading("ann") as reading:
        assert reading.namespace is not None
        before = reading.records.said_before(reading.namespace, "ann", "s1", 5, 3, reading.now)
    assert [memory.text for memory in before] == ["b", "c", "e"]
